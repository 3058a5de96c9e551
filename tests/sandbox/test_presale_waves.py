"""The demo's waves: an uploaded one with partner codes, the draw, and a top-up. [W-3, W-5, X-7]"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import partial
from itertools import chain, repeat

import pytest

import sandbox
from campaigns.models import Campaign
from sandbox import fans, presale, presale_waves, report
from sandbox.steps import Presale
from tests.pipeline.test_same_twice import empty_database, load_everything
from waves.models import Code, Wave

COUNT = 400


@pytest.mark.parametrize("count", [100, 399, 2_000, 20_000])
def test_guests_and_the_draw_leave_a_seat_in_each_market_for_the_top_up(count):
    markets = fans.campaign(count)["markets"]
    capacities = {market["market_id"]: market["capacity"] for market in markets}
    guests = presale_waves.guests_of(count)
    drawn = presale_waves.drawn_capacities(capacities, len(guests))
    given = {market_id: drawn[market_id] for market_id in capacities}
    given[presale_waves.GUESTS_MARKET] += len(guests)
    assert len(guests) == max(1, count // 200)
    assert [market_id for market_id, seats in given.items() if seats >= capacities[market_id]] == []
    assert sum(drawn.values()) > len(guests)


def test_the_list_of_guests_has_a_row_twice_and_a_fan_nobody_knows_and_no_code():
    guests = presale_waves.guests_of(600)
    rows = presale_waves.guest_rows(guests)
    assert [row[0] for row in rows] == [
        *(fan.fan_id for fan in guests),
        guests[0].fan_id,
        "unknown-fan",
    ]
    assert {row[-1] for row in rows} == {""}


def test_the_sums_of_waves_count_each_wave_once():
    one = {"total": 3, "ok": 2, "failed": 1, "skipped": 0, "unknown": 0, "pending": 0}
    one["detail"] = {"sms": {"sent": 2, "failed": 1}, "email": {"queued": 3, "failed": 0}}
    assert report.summed([one, one]) == {
        "total": 6,
        "ok": 4,
        "failed": 2,
        "skipped": 0,
        "unknown": 0,
        "pending": 0,
        "detail": {"sms": {"sent": 4, "failed": 2}, "email": {"queued": 6, "failed": 0}},
    }


@pytest.mark.django_db(transaction=True)
@pytest.mark.processes
def test_three_waves_are_counted_checked_approved_by_another_person_and_sent(
    tmp_path, settings, monkeypatch
):
    # only an uploaded wave must have a date that lies ahead: the others need not wait for theirs
    dates = chain([presale_waves.soon], repeat(partial(datetime.now, UTC)))
    monkeypatch.setattr(presale_waves, "soon", lambda: next(dates)())
    empty_database()
    presale.add_people()
    shown = Presale("demo-1", tmp_path)
    shown.files.mkdir(parents=True)
    file = shown.files / "campaign.json"
    fans.write_campaign(file, COUNT, campaign_id="demo-1", code_source="partner")
    fans.write_registrations(tmp_path / "registrations.csv", COUNT)
    fans.write_scores(tmp_path / "scores.txt", COUNT)
    load_everything(tmp_path, json.loads(file.read_text()))
    with sandbox.running(latency_ms=1) as providers:
        settings.SMS_URL = settings.CODE_SERVICE_URL = providers.url
        presale_waves.send_all(shown, COUNT)
        at_the_service = providers.received()["codes"]
    waves = [report.wave_summary(wave) for wave in shown.waves]
    assert [(wave["name"], wave["second_count"], wave["state"]) for wave in waves] == [
        ("uploaded", "agrees", "completed"),
        ("drawn", "agrees", "completed"),
        ("top-up", "agrees", "completed"),
    ]
    assert [set(wave["preflight"]) <= {"green", "yellow"} for wave in waves] == [True] * 3
    people = Wave.objects.values_list("prepared_by__username", "approved_by__username")
    assert set(people) == {(presale_waves.PREPARER, presale_waves.APPROVER)}
    assert waves[0]["rejected"] == {"duplicate": 1, "unknown_fan": 1}
    assert waves[0]["codes"]["generated"] == waves[0]["members"] == at_the_service["assigned"] == 2
    assert Code.objects.filter(origin="code service").count() == 2
    assert waves[2]["members"] == Wave.objects.exclude(tops_up=None).get().selected > 0
    seats = sum(market.capacity for market in Campaign.objects.get().markets.all())
    assert report.summed(wave["sent"] for wave in shown.waves)["total"] == seats
    in_the_end = report.markets_in_the_end(
        *(wave["prepared"]["markets"] for wave in shown.waves[1:])
    )
    assert [market["selected"] for market in in_the_end] == [
        market["capacity"] for market in in_the_end
    ]
