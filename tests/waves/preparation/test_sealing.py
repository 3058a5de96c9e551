"""Members and the facts for their second count are of one moment. [W-5, X-14]"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from campaigns.models import ListEntry, Registrant
from campaigns.scoring.rules import BLACKLIST_KEY
from datalake.storage import buckets
from tests.support.waves import KEY, NOW, campaign_with, counted, person, request
from waves.naming import market_file_key
from waves.preparation import sealing
from waves.preparation.prepare import prepare


@pytest.mark.django_db(transaction=True)
def test_x14_facts_are_of_the_moment_of_the_selection(monkeypatch):
    """Fans, lists and a markets file that others change while the wave is prepared."""
    campaign, real = campaign_with(12), sealing.select_members

    def change() -> None:
        first = Registrant.objects.filter(campaign=campaign, global_user_id="fan-000011")
        first.update(email="", phone="")
        Registrant.objects.filter(campaign=campaign, global_user_id="fan-000010").delete()
        ListEntry.objects.create(campaign=campaign, kind="blacklist", pattern="fan9@example.com")
        buckets.scoring().put(BLACKLIST_KEY, b"fan8@example.com\n")
        buckets.scoring().put(market_file_key(campaign.campaign_id, KEY), b"marketId\neast\n")
        connection.close()

    def meanwhile(*values: Any) -> Any:
        planned = real(*values)
        with ThreadPoolExecutor(1) as other:
            other.submit(change).result()
        return planned

    monkeypatch.setattr(sealing, "select_members", meanwhile)
    wave = prepare(request(campaign), by=person("ann"), now=NOW).wave
    assert counted(wave).count_problems == []
    assert wave.counted_digest == wave.content_digest
