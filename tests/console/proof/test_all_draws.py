"""The list of all draws ever committed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from campaigns.models import Campaign
from campaigns.opening import close_campaign
from console.proof import all_draws, pages
from tests.support.campaigns import make_campaign
from tests.support.database import kept
from tests.support.waves import add_scores, campaign_with
from waves.models import Wave

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 1, 18, 12, tzinfo=UTC)


def opened(number: int) -> Campaign:
    campaign = make_campaign(f"opened-{number}")
    Campaign.objects.filter(pk=campaign.pk).update(opened_at=NOON + timedelta(hours=number // 2))
    return campaign


def shown(address: str = "/draws/") -> str:
    answer = Client().get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def test_s8_a_draw_that_was_committed_and_never_used_is_listed_with_its_commitments_and_time():
    draft = make_campaign("draft-1", opened=False)
    unused = close_campaign(make_campaign("unused-1").pk, by=None)
    used = campaign_with(2, opened_at=NOON)
    html = shown()
    assert draft.campaign_id not in html
    for campaign in (unused, used):
        for public in (campaign.commitment, campaign.salt_commitment, campaign.campaign_id):
            assert public in html
        assert f'datetime="{campaign.opened_at.isoformat()[:16]}' in html
    assert "Never used: no score file was received." in html
    assert "1 score file received, no fans notified yet." in html
    wave = kept.scheduled()
    Wave.objects.filter(pk=wave.pk).update(state="cancelled", triggered_at=NOON)
    assert "Sending was started for 1 wave, 1 score file received." in shown()


def test_s8_the_list_goes_on_where_the_page_before_ended_and_shows_each_draw_once(monkeypatch):
    monkeypatch.setattr(all_draws, "PER_PAGE", 3)
    names = [opened(number).campaign_id for number in range(7)]
    seen, before = [], ""
    while True:
        page = all_draws.committed_draws(before)
        seen += [draw.campaign.campaign_id for draw in page.draws]
        if not page.older:
            break
        before = page.older
        assert f"?before={before}" in shown(f"/draws/?before={seen[-4]}" if seen[3:] else "/draws/")
    assert seen == names[::-1]
    assert Client().get("/draws/?before=nowhere").status_code == 404


def test_x2_the_list_takes_as_many_queries_for_many_draws_as_for_one_and_loads_no_lists():
    add_scores(opened(1), ["fan-000000"], [0.5])
    with CaptureQueriesContext(connection) as few:
        shown()
    for number in range(2, 6):
        add_scores(opened(number), ["fan-000000"], [0.5])
    with CaptureQueriesContext(connection) as many:
        shown()
    assert len(many) == len(few) == 3
    loaded = " ".join(query["sql"] for query in many.captured_queries)
    for heavy in ("rules", "fairness", "dry_run", "content", "seed", "salt"):
        assert f'"{heavy}"' not in loaded, heavy


def test_x2_the_list_is_cached_runs_no_script_and_is_limited_as_the_other_pages(monkeypatch):
    opened(1)
    first = Client().get("/draws/")
    assert set(first.headers["Cache-Control"].split(", ")) == {"public", "max-age=0", "s-maxage=10"}
    assert "script-src 'none'" in first.headers["Content-Security-Policy"]
    assert "Cookie" not in first.headers.get("Vary", "")
    again = Client().get("/draws/", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    monkeypatch.setattr(pages.PAGES, "wait_seconds", lambda client: 3.0)
    assert Client().get("/draws/").status_code == 429
