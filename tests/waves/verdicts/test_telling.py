"""What follows when a fan is selected. [T-4]"""

from __future__ import annotations

import pytest

from campaigns.models import Registrant
from demand.models import SelectedEvents
from tests.support.verdicts import campaign_of, told
from waves.verdicts.telling import News, tell

pytestmark = pytest.mark.django_db


def test_t4_news_that_are_told_again_change_nothing():
    campaign = campaign_of(1)
    registrant = Registrant.objects.get()
    news = News(campaign.campaign_id, registrant.pk, "fan-0", "C1", ("E1",), 1, "x")
    for _ in range(2):
        tell([news])
    registrant.refresh_from_db()
    assert (registrant.verdict, SelectedEvents.objects.get().version, len(told())) == (True, 1, 1)
