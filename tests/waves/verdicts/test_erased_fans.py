"""What is older than a fan's erasure brings nobody back. [X-11]"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from campaigns.models import Registrant
from datalake.erased import fans
from datalake.models import DeadLetter
from demand.models import SelectedEvents
from operations import instants
from tests.support.verdicts import assignment, campaign_of, consume, publish, refresh, told
from waves.models import Selection

pytestmark = pytest.mark.django_db


def test_x11_records_of_an_erased_fan_are_counted_and_kept_nowhere():
    campaign = campaign_of(2)
    fans.mark("fan-0")
    Registrant.objects.filter(global_user_id="fan-0").delete()
    publish(assignment(campaign, 0), assignment(campaign, 1))
    publish(assignment(campaign, 0), refresh(campaign, 0), to="save-selection")
    done = consume()
    assert (done["transform"]["in"], done["transform"]["rejected"]) == (2, 0)
    assert (done["selections"]["in"], done["selections"]["rejected"]) == (3, 0)
    assert [each["globalUserId"] for each in told()] == ["fan-1"]
    for model in (Selection, SelectedEvents):
        assert not model.objects.filter(global_user_id="fan-0").exists()
    assert not DeadLetter.objects.exists()


@pytest.mark.parametrize("date", ["\ud800", "\0", "yesterday", 7, ["2026"]])
def test_t4_a_refresh_with_a_date_that_is_none_is_one_without_a_date(date):
    campaign = campaign_of(1)
    publish(refresh(campaign, 0, date={"created": date}), to="save-selection")
    publish(refresh(campaign, 0, date=date), to="save-selection")
    assert consume()["selections"]["out"] == 2


def test_x11_what_the_fan_does_after_the_erasure_is_new():
    campaign = campaign_of(1)
    fans.mark("fan-0")
    later = {"date": {"created": instants.stamp(timezone.now() + timedelta(seconds=1))}}
    publish(assignment(campaign, 0, **later))
    publish(refresh(campaign, 0, **later), to="save-selection")
    consume()
    assert [each["globalUserId"] for each in told()] == ["fan-0"]
