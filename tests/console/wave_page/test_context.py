"""A wave's page shows its numbers without counting its fans. [W-2, K-5, W-8]"""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.console.page_cases import prepared, sending_wave
from tests.support.people import client_of, member_of
from tests.support.waves import NOTIFY, NOW, campaign_with
from waves.holds import Freed, freed_by
from waves.models import Wave

pytestmark = pytest.mark.django_db


def test_w5_each_market_shows_its_seats_as_a_bar_with_words():
    client = client_of(member_of("viewer", name="vera"))
    wave = prepared()
    wave.wave_markets.update(given=3, capacity=20)
    html = client.get(f"/admin/wave/{wave.name}/").content.decode()
    assert html.count("3 given before, 5 selected, 12 of 20 seats still free") == 2
    assert "20 fans" not in html
    assert "<dt>Waiting list</dt><dd>20</dd>" in html


def test_w11_the_notify_date_is_on_the_campaigns_clock_which_ticks(client):
    wave = prepared()
    type(wave.campaign).objects.update(time_zone="America/New_York")
    html = client.get(f"/admin/wave/{wave.name}/").content.decode()
    assert "Wed 21 Jan 2026, 13:00 New York" in html
    assert '<time data-clock="America/New_York" data-now="' in html


def counts_of_members(asked: CaptureQueriesContext) -> list[str]:
    members = [query["sql"].lower() for query in asked if "waves_member" in query["sql"]]
    return [sql for sql in members if "count(" in sql]


def test_the_page_of_a_wave_counts_no_members(client):
    """With half a million of them a count takes longer than the page may."""
    page = f"/admin/wave/{prepared().name}/"
    with CaptureQueriesContext(connection) as asked:
        assert client.get(page).status_code == 200
    assert counts_of_members(asked) == []


def test_k5_what_a_cancelled_wave_leaves_is_counted_when_it_is_cancelled(client):
    wave = sending_wave()
    client.post(f"/admin/wave/{wave.name}/cancel/", {"reason": "no tour"})
    wave.refresh_from_db()
    with CaptureQueriesContext(connection) as asked:
        assert freed_by(wave) == Freed(bound=10, free=0, contacted=False)
    assert counts_of_members(asked) == []


def test_w6_fans_who_come_back_are_counted_when_the_wave_is_prepared(client):
    wave = prepared()
    assert wave.returned == 0
    Wave.objects.filter(pk=wave.pk).update(returned=7)
    html = client.get(f"/admin/wave/{wave.name}/").content.decode()
    assert "7 of the selected fans come with the code" in html


@pytest.mark.parametrize(
    ("triggered", "says"),
    [
        (None, "Its 7 fans are free for another wave."),
        (NOW, "No later wave selects its 7 fans; another wave for fans who were not selected"),
    ],
)
def test_x8_a_cancelled_wave_for_who_was_not_selected_says_who_may_still_be(
    client, triggered, says
):
    wave = Wave.objects.create(
        campaign=campaign_with(0),
        date_key="20260121",
        name="tour_20260121",
        kind="not_selected",
        state="cancelled",
        notify_date=NOTIFY,
        triggered_at=triggered,
        selected=7,
        content={"templates": []},
        content_digest="a" * 64,
    )
    assert says in client.get(f"/admin/wave/{wave.name}/").content.decode()
