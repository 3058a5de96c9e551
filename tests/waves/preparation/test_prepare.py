"""Preparation: one attempt, all or nothing. [W-4 … W-9, K-1, K-3, K-5]"""

from __future__ import annotations

import io
import json
import zipfile
from contextlib import closing
from datetime import timedelta

import psycopg
import pytest
from django.db import (
    DEFAULT_DB_ALIAS,
    IntegrityError,
    OperationalError,
    connections,
    transaction,
)
from django.db.models import F

from campaigns.models import Campaign, Registrant
from datalake.storage import buckets
from operations.database.locks import exclusive
from operations.errors import LeaseLost
from operations.models import Alert, Job
from tests.support.people import keeper
from tests.support.waves import (
    KEY,
    NOTIFY,
    NOW,
    add_scores,
    campaign_with,
    members_of,
    nothing_written,
    person,
    request,
)
from waves.actions import cancel, reset
from waves.choices import CodeState, Exclusion, Order, WaveState
from waves.codes import pool
from waves.errors import (
    AlreadyRunning,
    BadTemplate,
    CapacityBelowGiven,
    MembersDiffer,
    NoMembers,
    WrongState,
)
from waves.lifecycle import wave_named
from waves.models import Code, Member, Template, Wave, WaveMarket
from waves.preparation import prepare as preparation
from waves.preparation import prepared
from waves.preparation.prepare import prepare, run
from waves.preparation.previews import preview
from waves.preparation.submission import submit

pytestmark = pytest.mark.django_db

HEADER = "globalUserId,memberId,marketId,email,phone,code"


def files_of(campaign: Campaign, key: str = KEY) -> dict[str, list[str]]:
    with buckets.scoring().open(
        f"wavePrep/{campaign.campaign_id}/prepped/prepped.{key}.zip"
    ) as file:
        archive = zipfile.ZipFile(io.BytesIO(file.read()))
    return {name: archive.read(name).decode().splitlines() for name in archive.namelist()}


def status_of(campaign: Campaign, key: str = KEY) -> dict:
    with buckets.scoring().open(f"wavePrep/{campaign.campaign_id}/status/{key}.json") as file:
        return json.loads(file.read())


class Broken(Exception):
    """A fault on purpose."""


def break_apply(monkeypatch) -> None:
    def refuse(*_, **__):
        raise Broken("the disk is full")

    monkeypatch.setattr("waves.preparation.prepared.write_wave_markets", refuse)


def test_w5_w8_k5_a_prepared_wave_has_members_with_codes_markets_and_files(ann):
    campaign = campaign_with(30, {"west": 4, "east": 3})
    prepared = prepare(request(campaign), by=ann, now=NOW)
    wave = prepared.wave
    assert (wave.state, wave.attempts, wave.prepared_by, wave.selected, wave.waitlist) == (
        "prepared",
        1,
        ann,
        7,
        23,
    )
    members = members_of(wave)
    assert len(members) == len(set(members.values())) == 7
    codes = Code.objects.filter(wave=wave)
    assert {(c.global_user_id, c.code) for c in codes} == set(members.items())
    assert set(codes.values_list("state", flat=True)) == {CodeState.RESERVED}
    assert list(
        WaveMarket.objects.filter(wave=wave).values_list("market__market_id", "selected")
    ) == [("west", 4), ("east", 3)]


def test_the_result_has_what_the_interface_names(ann):
    result = prepare(request(campaign_with(10)), by=ann, now=NOW).as_result()
    assert set(result) == {
        *("markets", "candidates", "excluded", "selected", "waitlist", "members_digest"),
        *("wave", "state", "attempt", "content_digest", "zip", "status_file", "codes"),
    }
    assert result["codes"] == {"reserved": 10, "generated": 10, "tm": 0}
    json.dumps(result)


def test_w7_preview_and_preparation_agree_and_preview_writes_nothing(ann):
    campaign = campaign_with(30)
    shown = preview(request(campaign), now=NOW).planned.as_result()
    assert nothing_written()
    result = prepare(
        request(campaign), by=ann, now=NOW, previewed_digest=shown["members_digest"]
    ).as_result()
    assert {name: result[name] for name in shown} == shown


def test_w7_a_preparation_that_selects_others_than_agreed_fails(ann):
    campaign = campaign_with(30)
    agreed = preview(request(campaign), now=NOW).planned.as_result()["members_digest"]
    Registrant.objects.filter(campaign=campaign, global_user_id="fan-000029").delete()
    with pytest.raises(MembersDiffer, match="Preview again"):
        prepare(request(campaign), by=ann, now=NOW, previewed_digest=agreed)
    assert not Member.objects.exists()
    assert not Code.objects.exists()


def test_w8_the_zip_lists_members_per_channel_and_market_in_the_order_of_the_draw(ann):
    campaign = campaign_with(12, {"west": 2, "east": 2, "north": 0})
    Registrant.objects.filter(campaign=campaign).update(phone="")
    wave = prepare(request(campaign), by=ann, now=NOW).wave
    files = files_of(campaign)
    assert sorted(files) == [
        f"{folder}/{market}.csv"
        for folder in ("email", "masterCodes", "sms")
        for market in ("east", "north", "west")
    ]
    assert files["sms/west.csv"] == files["masterCodes/north.csv"] == [HEADER]
    by_place = Member.objects.filter(wave=wave, market__market_id="west").order_by("place")
    lines = [f"{m.global_user_id},{m.member_id},west,{m.email},,{m.code}" for m in by_place]
    assert files["email/west.csv"] == files["masterCodes/west.csv"] == [HEADER, *lines]
    assert status_of(campaign)["count"] == {"email": 4, "masterCodes": 4, "sms": 0}


def test_w8_the_status_file_has_the_sources_shape(ann):
    campaign = campaign_with(5)
    prepare(request(campaign), by=ann, now=NOW)
    status = status_of(campaign)
    assert set(status) == {"date", "status", "attempts", "path", "count"}
    assert (status["status"], status["attempts"], status["date"]["started"]) == (
        "FINISHED",
        1,
        "2026-01-19T12:00:00.000Z",
    )


def test_w8_w9_the_same_members_and_codes_make_the_same_zip(ann, root):
    campaign = campaign_with(20)
    key = f"wavePrep/{campaign.campaign_id}/prepped/prepped.{KEY}.zip"
    first = prepare(request(campaign), by=ann, now=NOW)
    before = buckets.scoring().sha256(key), first.wave.content_digest
    reset(first.wave, by=root, reason="once more")
    second = prepare(request(campaign), by=ann, now=NOW + timedelta(minutes=5))
    assert (buckets.scoring().sha256(key), second.wave.content_digest) == before
    assert second.codes["generated"] == 0


# W-9
def test_a_failed_attempt_leaves_no_member_and_says_why_and_the_next_uses_the_same_codes(
    ann, monkeypatch
):
    campaign = campaign_with(20)
    with monkeypatch.context() as patch:
        break_apply(patch)
        with pytest.raises(Broken):
            prepare(request(campaign), by=ann, now=NOW)
    wave = wave_named(f"{campaign.campaign_id}_{KEY}")
    assert (wave.state, wave.attempts, wave.error) == ("failed", 1, "the disk is full")
    assert not Member.objects.filter(wave=wave).exists()
    assert not buckets.scoring().exists(
        f"wavePrep/{campaign.campaign_id}/prepped/prepped.{KEY}.zip"
    )
    assert status_of(campaign)["error"] == {
        "message": "the disk is full",
        "developer_message": "Broken",
    }
    assert Alert.objects.filter(text__contains="the disk is full").exists()
    reserved = dict(Code.objects.filter(wave=wave).values_list("global_user_id", "code"))
    again = prepare(request(campaign), by=ann, now=NOW)
    assert members_of(again.wave) == reserved
    assert (again.wave.attempts, again.codes["generated"]) == (2, 0)
    assert status_of(campaign)["attempts"] == 2


@pytest.mark.parametrize("name", ["select_and_seal", "wave_zip", "status_json"])
def test_o6_an_attempt_that_was_taken_over_writes_nothing_any_more(ann, monkeypatch, name):
    """Neither codes nor members, nor does it use up an attempt of the next one; what it put into
    the bucket is gone.
    """
    campaign, real = campaign_with(20), getattr(preparation, name)

    def meanwhile(*values, **named):
        Job.objects.update(attempt=99)
        return real(*values, **named)

    monkeypatch.setattr(preparation, name, meanwhile)
    with pytest.raises(LeaseLost):
        prepare(request(campaign), by=ann, now=NOW)
    wave = wave_named(f"{campaign.campaign_id}_{KEY}")
    assert (wave.state, wave.zip_key, wave.error) == ("configured", "", "")
    assert wave.attempts == (name != "select_and_seal")
    assert not Member.objects.exists()
    assert Code.objects.exists() == (name != "select_and_seal")
    assert list(buckets.scoring().list(f"wavePrep/{campaign.campaign_id}/prepped/")) == []


def test_k5_codes_of_fans_who_are_no_longer_selected_are_free_again(ann, root):
    """Before the others' are reserved: a market that takes imported codes alone may need them."""
    campaign = campaign_with(20)
    wave = prepare(request(campaign), by=ann, now=NOW).wave
    leaver = Member.objects.filter(wave=wave).order_by("place").first()
    reset(wave, by=root, reason="a fan left")
    Registrant.objects.filter(campaign=campaign, global_user_id=leaver.global_user_id).delete()
    again = prepare(request(campaign), by=ann, now=NOW)
    assert again.codes == {"reserved": 10, "generated": 0, "tm": 0}
    again_given = Code.objects.get(code=leaver.code)
    assert again_given.global_user_id not in {"", leaver.global_user_id}
    reset(again.wave, by=root, reason="fewer seats")
    campaign.markets.filter(market_id="west").update(capacity=2)
    prepare(request(campaign), by=ann, now=NOW)
    free = Code.objects.filter(campaign=campaign, state=CodeState.AVAILABLE)
    assert {(code.wave, code.global_user_id) for code in free} == {(None, "")}
    assert free.count() == 3


def test_k6_a_second_wave_takes_those_after_the_first(ann):
    campaign = campaign_with(25)
    first = prepare(request(campaign), by=ann, now=NOW)
    campaign.markets.update(capacity=F("capacity") * 2)
    second = prepare(request(campaign, "20260121-2"), by=ann, now=NOW)
    assert second.planned.excluded == {Exclusion.ALREADY_IN_WAVE: 10}
    waiting = first.planned.selection.waitlist["global_user_id"].to_list()
    assert second.planned.selection.members["global_user_id"].to_list() == waiting[:10]


def test_k6_the_database_refuses_a_fan_in_two_live_waves(ann):
    campaign = campaign_with(5)
    wave = prepare(request(campaign), by=ann, now=NOW).wave
    other = Wave.objects.create(
        campaign=campaign, date_key="20260122", name="other", notify_date=NOTIFY
    )
    member = Member.objects.filter(wave=wave).first()
    member.pk, member.wave, member.code = None, other, ""
    with pytest.raises(IntegrityError, match="member_in_one_live_wave"), transaction.atomic():
        member.save()


def test_k3_tm_is_a_placeholder_and_no_code(ann):
    campaign = campaign_with(4, {"west": 4}, code_source="tm")
    prepared = prepare(request(campaign), by=ann, now=NOW)
    assert prepared.codes == {"reserved": 0, "generated": 0, "tm": 4}
    assert set(members_of(prepared.wave).values()) == {"TM"}
    assert not Code.objects.exists()


def test_w5_a_wave_without_members_is_refused_and_costs_no_attempt(ann):
    campaign = campaign_with(0)
    with pytest.raises(NoMembers, match="no wave to prepare"):
        prepare(request(campaign), by=ann, now=NOW)
    wave = Wave.objects.get(campaign=campaign)
    assert (wave.state, wave.attempts) == (WaveState.CONFIGURED, 0)


def test_s13_another_active_score_file_meanwhile_stops_the_preparation(ann, monkeypatch):
    campaign = campaign_with(5)
    real = pool.reserve

    def switch(*args, **kwargs):
        add_scores(campaign, ["fan-000001"], [0.5])
        return real(*args, **kwargs)

    monkeypatch.setattr(pool, "reserve", switch)
    with pytest.raises(WrongState, match="another score file"):
        prepare(request(campaign), by=ann, now=NOW)
    assert not Member.objects.exists()
    assert Job.objects.get().retry_at is None


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("earlier", [0, 1])
@pytest.mark.parametrize("place", ["drop_members", "move"])
def test_w9_a_race_that_only_needs_a_repeat_uses_up_no_attempt(ann, monkeypatch, place, earlier):
    """PostgreSQL ends one of two transactions that wait for each other; the same work then
    succeeds, in a second attempt too.
    """
    campaign, real, calls = campaign_with(5), getattr(prepared, place), []
    if earlier:
        submit(request(campaign), by=ann, now=NOW)
        Wave.objects.update(state=WaveState.FAILED, attempts=earlier, error="away")

    def ended(*arguments, **options):
        done = real(*arguments, **options)
        calls.append(1)
        if len(calls) == 1:
            raise OperationalError("deadlock detected") from psycopg.errors.DeadlockDetected()
        return done

    monkeypatch.setattr(prepared, place, ended)
    wave = prepare(request(campaign), by=ann, now=NOW).wave
    assert len(calls) > 1
    assert (wave.state, wave.attempts) == (WaveState.PREPARED, earlier + 1)
    assert Member.objects.filter(wave=wave).count() == 5
    assert not Alert.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_k7_a_wave_that_is_being_prepared_elsewhere_is_refused_with_one_clear_error(ann):
    campaign = campaign_with(5)
    name = f"wave {campaign.campaign_id}_{KEY}"
    elsewhere = connections.create_connection(DEFAULT_DB_ALIAS)
    with closing(elsewhere), exclusive(name, using=elsewhere):
        with pytest.raises(AlreadyRunning, match="already being prepared"):
            prepare(request(campaign), by=ann, now=NOW)
        assert nothing_written()
        configured = Wave.objects.create(
            campaign=campaign, date_key=KEY, name=name.removeprefix("wave "), notify_date=NOTIFY
        )
        with pytest.raises(AlreadyRunning):
            cancel(configured, by=ann, reason="rain")
    assert prepare(request(campaign), by=ann, now=NOW).wave.state == WaveState.PREPARED


def test_o6_a_worker_prepares_what_was_asked_for():
    campaign, ann = campaign_with(12), keeper()
    job = submit(request(campaign, min_score=0.5), by=ann, now=NOW, reason="a small hall")
    assert wave_named(f"{campaign.campaign_id}_{KEY}").state == WaveState.CONFIGURED
    wave = run(job.pk, now=NOW)
    job.refresh_from_db()
    assert (wave.state, wave.prepared_by, job.state) == ("prepared", ann, "done")
    assert (job.rows_in, job.rows_out, job.rows_rejected) == (
        12,
        wave.selected,
        12 - wave.selected,
    )


def test_members_follow_their_waves_liveness_in_the_statement_that_moves_the_wave(ann):
    """K-6"""
    wave = prepare(request(campaign_with(5)), by=ann, now=NOW).wave

    def lives() -> set[bool]:
        return set(Member.objects.filter(wave=wave).values_list("wave_live", flat=True))

    assert lives() == {True}
    Wave.objects.filter(pk=wave.pk).update(state=WaveState.CANCELLED)
    assert lives() == {False}
    with pytest.raises(IntegrityError, match="member_of_wave"), transaction.atomic():
        Member.objects.filter(wave=wave).update(wave_live=True)


def test_a_member_is_of_its_waves_campaign(ann):
    """K-6"""
    wave = prepare(request(campaign_with(5)), by=ann, now=NOW).wave
    other = campaign_with(1)
    with pytest.raises(IntegrityError, match="member_of_wave"), transaction.atomic():
        Member.objects.filter(wave=wave).update(campaign=other)


def test_a_second_wave_is_offered_the_seats_that_the_first_left(ann):
    """W-5"""
    campaign = campaign_with(40, {"west": 8, "east": 4})
    file = b"marketId,marketName,capacity,selectionTime\nwest,,5,\neast,,9,\n"
    first = prepare(request(campaign, market_file=file), by=ann, now=NOW)
    assert [seats(market) for market in first.as_result()["markets"]] == [
        {"capacity": 8, "given": 0, "room": 5, "selected": 5},
        {"capacity": 4, "given": 0, "room": 4, "selected": 4},
    ]
    wanted = request(campaign, "20260122")
    seen = preview(wanted, now=NOW).planned.as_result()["markets"]
    second = prepare(wanted, by=ann, now=NOW)
    assert second.as_result()["markets"] == seen
    assert [seats(market) for market in seen] == [
        {"capacity": 8, "given": 5, "room": 3, "selected": 3},
        {"capacity": 4, "given": 4, "room": 0, "selected": 0},
    ]
    kept = WaveMarket.objects.filter(wave=second.wave).values_list("capacity", "given", "room")
    assert list(kept) == [(8, 5, 3), (4, 4, 0)]


@pytest.mark.parametrize("attempts", [0, 1], ids=["first attempt", "second attempt"])
def test_a_capacity_lowered_below_what_is_given_while_a_preparation_waits_refuses_it(ann, attempts):
    """W-5"""
    campaign = campaign_with(40, {"west": 8, "east": 4})
    prepare(request(campaign), by=ann, now=NOW)
    campaign.markets.update(capacity=10)
    job = submit(request(campaign, "20260122"), by=ann, now=NOW)
    wave = wave_named(job.subject_id)
    if attempts:
        Wave.objects.filter(pk=wave.pk).update(state=WaveState.FAILED, attempts=1, error="away")
    campaign.markets.filter(market_id="west").update(capacity=7)
    with pytest.raises(CapacityBelowGiven, match="Market west: 8 seats are given already"):
        run(job.pk, now=NOW)
    wave.refresh_from_db()
    job.refresh_from_db()
    assert (wave.attempts, wave.members.count()) == (attempts, 0)
    assert (job.state, job.retry_at) == ("failed", None)


def test_a_template_that_names_a_code_where_there_is_none_is_refused_by_the_worker_too(ann):
    """K-3"""
    campaign = campaign_with(5, code_source="tm")
    Template.objects.create(campaign=campaign, channel="sms", body="You are in")
    job = submit(request(campaign), by=ann, now=NOW)
    Template.objects.update(body="Your code: {code}")
    with pytest.raises(BadTemplate):
        run(job.pk, now=NOW)
    assert Wave.objects.get().attempts == 0


def seats(market: dict) -> dict:
    return {name: market[name] for name in ("capacity", "given", "room", "selected")}


def test_a_code_that_an_earlier_attempt_reserved_says_the_market_and_dates_of_this_one(ann):
    """K-5, X-10"""
    campaign = campaign_with(4, {"west": 4, "east": 4})
    wave = prepare(request(campaign), by=ann, now=NOW).wave
    before = set(Code.objects.values_list("code", flat=True))
    reset(wave, by=person("root", superuser=True), reason="again")
    later = NOTIFY + timedelta(days=30)
    alone = {"order": Order.SINGLE_MARKET, "single_market": "east"}
    asked = request(campaign, notify_date=later, **alone)
    prepare(asked, by=keeper(), now=NOW, reason="a test")
    codes = Code.objects.select_related("market")
    assert {code.code for code in codes} == before
    assert {code.market.market_id for code in codes} == {"east"}
    assert {code.begins_at for code in codes} == {later - timedelta(days=1)}
