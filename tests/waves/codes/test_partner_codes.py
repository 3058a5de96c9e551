"""Partner codes of a wave: imported ones and the code service's, reserved, found again, given back.
[K-1, K-4, K-5, W-9]
"""

from __future__ import annotations

import json
from collections import Counter

import polars as pl
import pytest
from django.db.models.functions import Now

from operations import tasks
from operations.models import Alert, Job
from tests.support.processes import Process
from tests.support.waves import KEY, NOTIFY, NOW, campaign_with, members_of, person, request
from tests.waves.codes.code_service import HONEST, faults, running, service_of
from tests.waves.codes.imported import codes_in_order, imported
from waves import tasks as wave_tasks
from waves.actions import cancel
from waves.codes import partner_codes, partner_http, pool, reservations
from waves.errors import BadServiceAnswer, CodeServiceAway, CodeServiceError, CodesExhausted
from waves.models import Code, CodeServiceCall, Member, Wave
from waves.preparation.prepare import prepare
from waves.preparation.submission import submit
from waves.selection.request import WaveRequest

pytestmark = pytest.mark.django_db
DEAD = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def server():
    with running() as box:
        yield box


@pytest.fixture
def box(server, settings):
    settings.CODE_SERVICE_URL, settings.CODE_SERVICE_SECONDS = server.url, 5
    server.control(**HONEST)
    return server


@pytest.fixture
def ann():
    return person("ann")


def calls(wave):
    found = CodeServiceCall.objects.filter(wave=wave, action="reserve").order_by("market", "number")
    return [
        (call.market.market_id, call.number, call.quantity, call.valid)
        for call in found.select_related("market")
    ]


def files(**sources):
    """A market file with these sources."""
    rows = [f"{market},,,,{source}\n" for market, source in sources.items()]
    return ("marketId,marketName,capacity,selectionTime,codeSource\n" + "".join(rows)).encode()


def with_file(campaign, content, key=KEY):
    return WaveRequest(campaign.campaign_id, key, notify_date=NOTIFY, market_file=content)


def test_k4_codes_are_reserved_at_the_service_for_each_market_and_kept_as_rows(box, ann):
    campaign = campaign_with(30, {"east": 4, "west": 3}, code_source="partner")
    prepared = prepare(request(campaign), by=ann, now=NOW)
    codes = Code.objects.filter(wave=prepared.wave)
    assert set(codes.values_list("code", flat=True)) == set(members_of(prepared.wave).values())
    assert set(codes.values_list("state", "source", "origin")) == {
        ("reserved", "partner", "code service")
    }
    assert sorted(calls(prepared.wave)) == [("east", 1, 4, 4), ("west", 1, 3, 3)]
    assert prepared.codes == {"reserved": 7, "generated": 7, "tm": 0}


def test_k4_the_service_is_asked_for_what_the_imported_codes_leave_missing(box, ann):
    campaign = campaign_with(9, {"west": 5}, code_source="partner")
    imported(campaign, "LIST1", "LIST2")
    wave = prepare(request(campaign), by=ann, now=NOW).wave
    assert codes_in_order(wave)[:2] == ["LIST1", "LIST2"]
    assert calls(wave) == [("west", 1, 3, 3)]


def test_k4_markets_of_one_wave_take_their_codes_from_different_sources(box, ann):
    campaign = campaign_with(40, {"a": 2, "b": 2, "c": 2, "d": 3})
    imported(campaign, "D1", market="d")
    box.control(code_stock=box.received()["codes"]["reserved"] + 4)  # b's two, and two of d's
    content = files(a="own", b="Partner", c="tm", d="partner | tm")
    prepared = prepare(with_file(campaign, content), by=ann, now=NOW)
    found = Code.objects.filter(wave=prepared.wave)
    by_market = Counter(found.values_list("market__market_id", "source"))
    assert by_market == {("a", "own"): 2, ("b", "partner"): 2, ("d", "partner"): 3}
    assert Counter(members_of(prepared.wave).values())["TM"] == 2
    assert prepared.codes == {"reserved": 7, "generated": 6, "tm": 2}


def test_k4_a_service_without_more_codes_leaves_the_rest_to_the_next_source(box, ann):
    known = sum(box.received()["codes"][state] for state in ("available", "reserved", "assigned"))
    box.control(code_stock=known + 2)
    campaign = campaign_with(9, {"west": 4}, code_source="partner|tm")
    wave = prepare(request(campaign), by=ann, now=NOW).wave
    assert [code == "TM" for code in codes_in_order(wave)] == [False, False, True, True]
    assert calls(wave) == [("west", 1, 4, 2)]


def test_k4_too_few_codes_are_refused_with_market_wanted_and_found_and_nothing_half_written(
    box, ann
):
    known = sum(box.received()["codes"][state] for state in ("available", "reserved", "assigned"))
    box.control(code_stock=known + 3)
    campaign = campaign_with(9, {"west": 4}, code_source="partner")
    with pytest.raises(CodesExhausted, match="market west: 4 codes are needed, and 3 found"):
        prepare(request(campaign), by=ann, now=NOW)
    assert (Wave.objects.get().state, Member.objects.count()) == ("failed", 0)
    box.control(code_stock=0)
    wave = prepare(request(campaign), by=ann, now=NOW).wave
    assert calls(wave) == [("west", 1, 4, 3), ("west", 2, 1, 1)]


def test_k1_a_code_that_exists_already_is_nobodys_second_one(box, ann):
    campaign = campaign_with(9, {"west": 4}, code_source="partner")
    prepare(request(campaign_with(9, {"west": 4}, code_source="partner")), by=ann, now=NOW)
    Code.objects.all().delete()
    with faults(box, code_faults={"reserve": "duplicate"}):
        given = service_of(box).reserve(wave="any", market_id="west", number=1, quantity=4)
    taken = Code.objects.create(campaign=campaign_with(1), code=given[1].lower())
    with (
        faults(box, code_faults={"reserve": "duplicate"}),
        pytest.raises(
            BadServiceAnswer,
            match=r"market west: the code service could not reserve 4 codes \(1 code that",
        ),
    ):
        prepare(request(campaign), by=ann, now=NOW)
    assert Member.objects.filter(campaign=campaign).count() == 0
    held = set(Code.objects.filter(campaign=campaign).values_list("code", flat=True))
    assert len(held) == 3
    wave = prepare(request(campaign), by=ann, now=NOW).wave
    assert held < set(codes_in_order(wave))
    taken.refresh_from_db()
    assert (taken.state, taken.wave) == ("available", None)


@pytest.mark.parametrize("fault", ["nonsense", "control", "page", "huge"])
def test_w9_after_an_unusable_answer_the_second_attempt_starts_by_itself_and_asks_anew(
    box, ann, monkeypatch, fault
):
    """The service is at fault, not the request: the jobs and their retry are the real ones."""
    monkeypatch.setattr(partner_http, "FIRST_PAUSE_SECONDS", 0.02)
    job = submit(request(campaign_with(9, {"west": 4}, code_source="partner")), by=ann, now=NOW)
    with faults(box, code_faults={"reserve": fault}):
        tasks.run_job(job.pk)
    assert not Code.objects.filter(state="reserved").exists()
    wave = Wave.objects.get()
    assert (wave.state, wave.attempts) == ("failed", 1)
    assert "market west: the code service could not reserve 4" in wave.error
    Job.objects.filter(retry_at__gt=Now()).update(retry_at=Now())
    tasks.sweep()
    tasks.run_job(job.pk)
    wave.refresh_from_db()
    assert (wave.state, wave.attempts) == ("prepared", 2)
    assert calls(wave) == [("west", 1, 4, 0), ("west", 2, 4, 4)]


def test_w9_what_the_service_refuses_is_for_a_person(box, ann):
    job = submit(request(campaign_with(9, {"west": 4}, code_source="partner")), by=ann, now=NOW)
    with faults(box, code_faults={"reserve": "400"}):
        tasks.run_job(job.pk)
    assert (Wave.objects.get().state, Job.objects.get(pk=job.pk).retry_at) == ("failed", None)


def test_w9_after_a_time_out_the_second_attempt_starts_by_itself_with_the_same_codes(
    box, ann, settings
):
    """Scenario 4 of the source document: the jobs, their retry and the sweep are the real ones."""
    settings.CODE_SERVICE_SECONDS = 0.4
    asked = request(campaign_with(9, {"west": 4}, code_source="partner"))
    job = submit(asked, by=ann, now=NOW)
    with (
        faults(box, code_faults={"reserve": "slow"}, code_slow_seconds=0.8),
        pytest.raises(CodeServiceAway, match="did not answer in time"),
    ):
        wave_tasks.run_preparation(job.pk)
    wave = Wave.objects.get()
    assert (wave.state, wave.attempts, "did not answer in time" in wave.error) == (
        "failed",
        1,
        True,
    )
    assert json.loads(wave.status_content)["status"] == "FAILED"
    reserved = box.received()["codes"]["reserved"]
    tasks.sweep()
    assert Job.objects.get().state == "failed"  # not before its time
    assert "did not answer in time" in Alert.objects.latest("pk").text
    Job.objects.update(retry_at=Now())
    tasks.sweep()
    assert Job.objects.get().state == "queued"
    tasks.run_job(job.pk)
    wave.refresh_from_db()
    assert (wave.state, wave.attempts) == ("prepared", 2)
    assert json.loads(wave.status_content)["status"] == "FINISHED"
    assert box.received()["codes"]["reserved"] == reserved
    assert calls(wave) == [("west", 1, 4, 4)]


def test_k5_what_is_selected_for_another_market_gets_a_code_of_that_market(box, ann):
    campaign = campaign_with(4, {"east": 2, "west": 2}, code_source="partner")
    wave = prepare(request(campaign), by=ann, now=NOW).wave
    fans = list(Code.objects.filter(wave=wave, market__market_id="west").order_by("id"))
    east = campaign.markets.get(market_id="east")
    members = pl.DataFrame(
        {
            "global_user_id": [code.global_user_id for code in fans],
            "market": east.pk,
            "code_source": "partner",
            "held_code": pl.Series([None] * 2, dtype=pl.String),
        }
    )
    reservations.release_others(wave, members)
    again = pool.reserve(wave, members, now=NOW)
    assert not set(again.members["code"]) & {code.code for code in fans}
    assert set(Code.objects.filter(state="released").values_list("code", flat=True)) >= {
        code.code for code in fans
    }


def test_k5_a_dead_service_never_blocks_cancelling_and_is_told_when_it_is_back(box, ann, settings):
    campaign = campaign_with(9, {"west": 3}, code_source="partner|own")
    imported(campaign, "LIST1")
    wave = prepare(request(campaign), by=ann, now=NOW).wave
    reserved = box.received()["codes"]["reserved"]
    code = Code.objects.filter(wave=wave, origin="code service").first()
    assert partner_codes.state_at_service(code) == "reserved"
    settings.CODE_SERVICE_URL, settings.CODE_SERVICE_SECONDS = DEAD, 0.3
    assert partner_codes.state_at_service(code) is None
    cancel(wave, by=ann, reason="no show")
    states = dict(Code.objects.values_list("code", "state"))
    assert Counter(states.values()) == {"available": 1, "released": 2}
    assert states["LIST1"] == "available"
    assert partner_codes.give_back_codes() == 0
    settings.CODE_SERVICE_URL, settings.CODE_SERVICE_SECONDS = box.url, 5
    assert partner_codes.give_back_codes() == 2
    assert partner_codes.give_back_codes() == 0
    assert box.received()["codes"]["reserved"] == reserved - 2


def test_k4_a_code_that_the_service_had_back_may_be_given_again(box, ann):
    first = campaign_with(9, {"west": 3}, code_source="partner")
    wave = prepare(request(first), by=ann, now=NOW).wave
    codes = set(codes_in_order(wave))
    cancel(wave, by=ann, reason="no show")
    partner_codes.give_back_codes()
    second = campaign_with(9, {"west": 3}, code_source="partner")
    again = prepare(request(second), by=ann, now=NOW).wave
    assert set(codes_in_order(again)) == codes
    assert set(Code.objects.values_list("campaign", "wave", "confirmed_at")) == {
        (second.pk, again.pk, None)
    }


def test_k4_codes_of_an_answer_that_never_came_go_back_when_the_wave_needs_none(box, ann, settings):
    settings.CODE_SERVICE_SECONDS = 0.4
    campaign = campaign_with(9, {"west": 4}, code_source="partner")
    with (
        faults(box, code_faults={"reserve": "slow"}, code_slow_seconds=0.8),
        pytest.raises(CodeServiceAway),
    ):
        prepare(request(campaign), by=ann, now=NOW)
    settings.CODE_SERVICE_SECONDS = 5
    assert partner_codes.give_back_codes() == 0  # the next attempt uses them
    reserved = box.received()["codes"]["reserved"]
    cancel(Wave.objects.get(), by=ann, reason="no show")
    assert partner_codes.give_back_codes() == 4
    assert box.received()["codes"]["reserved"] == reserved - 4


def cancelled_without_an_answer(ann) -> None:
    """A wave is cancelled whose reservation has no answer, as if that had been lost."""
    campaign = campaign_with(9, {"west": 4}, code_source="partner")
    wave = prepare(request(campaign), by=ann, now=NOW).wave
    CodeServiceCall.objects.update(answered_at=None)
    cancel(wave, by=ann, reason="no show")


def test_k4_a_batch_whose_answer_never_can_be_right_is_not_asked_for_each_minute(
    box, ann, monkeypatch
):
    monkeypatch.setattr(partner_http, "FIRST_PAUSE_SECONDS", 0.02)
    cancelled_without_an_answer(ann)
    with faults(box, code_faults={"reserve": "page"}):
        assert partner_codes.give_back_codes() == 4
    assert not CodeServiceCall.objects.filter(answered_at=None).exists()


def test_k5_what_the_service_refuses_to_take_back_holds_up_no_other(box, ann, monkeypatch):
    monkeypatch.setattr(partner_codes, "MOST_AT_ONCE", 2)
    cancelled_without_an_answer(ann)
    with (
        faults(box, code_faults={"reserve": "404", "release": "400:1"}),
        pytest.raises(CodeServiceError, match="HTTP 40"),
    ):
        partner_codes.give_back_codes()
    assert Code.objects.exclude(confirmed_at=None).count() == 2


def test_k1_one_of_two_fans_gets_a_code_that_both_were_given():
    campaign = campaign_with(1, {"west": 9})
    wave = Wave.objects.create(
        campaign=campaign, date_key=KEY, name=f"{campaign.campaign_id}_{KEY}", notify_date=NOTIFY
    )
    west = campaign.markets.get(market_id="west").pk
    assert partner_codes.bind(wave, ["C1", "C2"], ["a", "b"], [west] * 2, now=NOW) == {"a", "b"}
    assert partner_codes.bind(wave, ["c1", "C3"], ["c", "d"], [west] * 2, now=NOW) == {"d"}
    held = Code.objects.filter(wave=wave, state="reserved", origin="code service", market=west)
    assert dict(held.values_list("code", "global_user_id")) == {"C1": "a", "C2": "b", "C3": "d"}


def attempt_to_prepare(campaign_id):
    asked = WaveRequest(campaign_id, KEY, notify_date=NOTIFY)
    return {"state": prepare(asked, by=person("ann"), now=NOW).wave.state}


@pytest.mark.processes
@pytest.mark.django_db(transaction=True)
def test_w9_killed_between_the_answer_and_the_commit_the_next_attempt_gets_the_same_codes(box):
    campaign = campaign_with(9, {"west": 4}, code_source="partner")
    place = "waves.codes.partner_calls:mark_answered"
    assert Process(attempt_to_prepare, campaign.campaign_id, killed_at=place).wait() == -9
    assert not Code.objects.exists()
    reserved = box.received()["codes"]["reserved"]
    assert Process(attempt_to_prepare, campaign.campaign_id).result() == {"state": "prepared"}
    assert box.received()["codes"]["reserved"] == reserved
    assert calls(Wave.objects.get()) == [("west", 1, 4, 4)]


@pytest.mark.processes
@pytest.mark.django_db(transaction=True)
def test_k7_two_waves_at_once_get_different_codes_from_the_service(box):
    campaigns = [campaign_with(60, {"west": 50}, code_source="partner") for _ in range(2)]
    at_once = [Process(attempt_to_prepare, campaign.campaign_id) for campaign in campaigns]
    assert [one.result() for one in at_once] == [{"state": "prepared"}] * 2
    assert Code.objects.filter(state="reserved").count() == 100
