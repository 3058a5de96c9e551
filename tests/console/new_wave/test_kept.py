"""Results of plans are kept for minutes, and few are made at once. [X-4]"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from console.new_wave.kept import results_of
from operations.database.locks import exclusive
from tests.support.waves import NOW, campaign_with, request
from waves.errors import PreviewsBusy
from waves.preparation.previews import judged_plan

pytestmark = pytest.mark.django_db


def held_by_another(name: str, meanwhile) -> None:
    """Call `meanwhile` while a process with a connection of its own holds this lock."""
    from django.db import connections

    with ThreadPoolExecutor(1) as thread:
        lock = exclusive(name, wait=False)
        assert thread.submit(lock.__enter__).result()
        try:
            meanwhile()
        finally:
            thread.submit(lock.__exit__, None, None, None).result()
            thread.submit(connections.close_all).result()


def test_x4_no_more_previews_are_made_at_once_than_the_setting_allows(settings):
    plan = judged_plan(request(campaign_with(3)), now=NOW)

    def make() -> None:
        assert results_of([plan], "w", now=NOW, anew=True)

    def refused() -> None:
        with pytest.raises(PreviewsBusy, match="1 preview of other users is being computed"):
            make()

    settings.PREVIEWS_AT_ONCE = 2
    held_by_another("preview 0", make)
    settings.PREVIEWS_AT_ONCE = 1
    held_by_another("preview 0", refused)
    make()
    assert not connection.in_atomic_block or connection.is_usable()


def test_w7_a_preview_after_the_campaigns_minimum_was_raised_is_made_anew():
    campaign = campaign_with(3)

    def selected() -> int:
        plan = judged_plan(request(campaign), now=NOW)
        return results_of([plan], "w", now=NOW, anew=False)[0].result["selected"]

    before = selected()
    campaign.min_score = 1.0
    campaign.save(update_fields=["min_score"])
    assert (before, selected()) == (3, 0)


def test_x4_no_fan_is_kept_with_a_result():
    campaign = campaign_with(3)
    [found] = results_of([judged_plan(request(campaign), now=NOW)], "w", now=NOW, anew=True)
    assert "fan-0" not in repr(found)
    assert "example.com" not in repr(found)
