"""Preparation: one attempt, all or nothing. [W-4 … W-9, K-1, K-3, K-5]"""

from __future__ import annotations

import io
import json
import zipfile
from datetime import timedelta

import pytest
from django.db import DEFAULT_DB_ALIAS, IntegrityError, connections, transaction

from campaigns.errors import UnknownCampaign, WrongStatus
from campaigns.models import Campaign, ListEntry, Registrant
from datalake.storage import buckets
from operations.models import Alert, Job, StatusChange
from tests.support.waves import KEY, NOTIFY, NOW, add_scores, campaign_with, person, phone, request
from waves import bulk
from waves.actions import cancel, reset
from waves.choices import CodeState, Exclusion, Order, WaveState
from waves.codes import pool
from waves.errors import (
    AlreadyRunning,
    AttemptsExhausted,
    BadMarketFile,
    BadMinimumScore,
    BadTemplate,
    MembersDiffer,
    NaiveDate,
    NoActiveScores,
    NotPermitted,
    SelectionNotOpen,
    TooLate,
    UnknownMarket,
    UnsupportedCodeSource,
    WrongState,
)
from waves.lifecycle import wave_named
from waves.models import Code, Member, Template, Wave, WaveMarket
from waves.preparation.prepare import prepare, run
from waves.preparation.submission import submit
from waves.selection.plan import WaveRequest, preview

pytestmark = pytest.mark.django_db

HEADER = "globalUserId,memberId,marketId,email,phone,code"


@pytest.fixture
def ann(db):
    return person("ann")


@pytest.fixture
def root(db):
    return person("root", superuser=True)


def members_of(wave: Wave) -> dict[str, str]:
    return dict(Member.objects.filter(wave=wave).values_list("global_user_id", "code"))


def files_of(campaign: Campaign, key: str = KEY) -> dict[str, list[str]]:
    with buckets.scoring().open(
        f"wavePrep/{campaign.campaign_id}/prepped/prepped.{key}.zip"
    ) as file:
        archive = zipfile.ZipFile(io.BytesIO(file.read()))
    return {name: archive.read(name).decode().splitlines() for name in archive.namelist()}


def status_of(campaign: Campaign, key: str = KEY) -> dict:
    with buckets.scoring().open(f"wavePrep/{campaign.campaign_id}/status/{key}.json") as file:
        return json.loads(file.read())


def nothing_written() -> bool:
    return not (
        Wave.objects.exists()
        or Member.objects.exists()
        or Code.objects.exists()
        or Job.objects.exists()
    )


class Broken(Exception):
    """A fault on purpose."""


def break_apply(monkeypatch) -> None:
    def refuse(*_, **__):
        raise Broken("the disk is full")

    monkeypatch.setattr("waves.preparation.prepare._write_markets", refuse)


def test_a_prepared_wave_has_members_with_codes_markets_and_files(ann):  # W-5, W-8, K-5
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
    assert Campaign.objects.get(pk=campaign.pk).frozen


def test_the_result_has_what_the_interface_names(ann):
    result = prepare(request(campaign_with(10)), by=ann, now=NOW).as_result()
    assert set(result) == {
        *("markets", "candidates", "excluded", "selected", "waitlist", "members_digest"),
        *("wave", "state", "attempt", "content_digest", "zip", "status_file", "codes"),
    }
    assert result["codes"] == {"reserved": 10, "generated": 10, "tm": 0}
    json.dumps(result)


def test_preview_and_preparation_agree_and_preview_writes_nothing(ann):  # W-7
    campaign = campaign_with(30)
    shown = preview(request(campaign), now=NOW).as_result()
    assert nothing_written()
    result = prepare(
        request(campaign), by=ann, now=NOW, previewed_digest=shown["members_digest"]
    ).as_result()
    assert {name: result[name] for name in shown} == shown


def test_a_preparation_that_selects_others_than_agreed_fails(ann):  # W-7
    campaign = campaign_with(30)
    agreed = preview(request(campaign), now=NOW).as_result()["members_digest"]
    Registrant.objects.filter(campaign=campaign, global_user_id="fan-000029").delete()
    with pytest.raises(MembersDiffer, match="Preview again"):
        prepare(request(campaign), by=ann, now=NOW, previewed_digest=agreed)
    assert not Member.objects.exists()
    assert not Code.objects.exists()


def test_the_zip_lists_members_per_channel_and_market_in_the_order_of_the_draw(ann):  # W-8
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


def test_the_status_file_has_the_sources_shape(ann):  # W-8
    campaign = campaign_with(5)
    prepare(request(campaign), by=ann, now=NOW)
    status = status_of(campaign)
    assert set(status) == {"date", "status", "attempts", "path", "count"}
    assert (status["status"], status["attempts"], status["date"]["started"]) == (
        "FINISHED",
        1,
        "2026-01-19T12:00:00.000Z",
    )


def test_the_same_members_and_codes_make_the_same_zip(ann, root):  # W-8, W-9
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


def test_a_third_attempt_is_refused_until_a_reset_with_a_reason(ann, root, monkeypatch):  # W-9
    campaign = campaign_with(6)
    with monkeypatch.context() as patch:
        break_apply(patch)
        for _ in range(2):
            with pytest.raises(Broken):
                prepare(request(campaign), by=ann, now=NOW)
    with pytest.raises(AttemptsExhausted, match="reset"):
        prepare(request(campaign), by=ann, now=NOW)
    wave = wave_named(f"{campaign.campaign_id}_{KEY}")
    with pytest.raises(NotPermitted):
        reset(wave, by=ann, reason="the disk has room again")
    reset(wave, by=root, reason="the disk has room again")
    assert StatusChange.objects.filter(
        subject_kind="wave", subject_id=wave.name, reason="the disk has room again", by=root
    ).exists()
    assert prepare(request(campaign), by=ann, now=NOW).wave.attempts == 1


def test_codes_of_fans_who_are_no_longer_selected_are_free_again(ann, root):  # K-5
    campaign = campaign_with(20)
    wave = prepare(request(campaign), by=ann, now=NOW).wave
    leaver = Member.objects.filter(wave=wave).order_by("place").first()
    reset(wave, by=root, reason="a fan left")
    Registrant.objects.filter(campaign=campaign, global_user_id=leaver.global_user_id).delete()
    again = prepare(request(campaign), by=ann, now=NOW)
    assert again.codes == {"reserved": 10, "generated": 1, "tm": 0}
    free = Code.objects.get(code=leaver.code)
    assert (free.state, free.wave, free.global_user_id) == (CodeState.AVAILABLE, None, "")
    reset(again.wave, by=root, reason="and another")
    Registrant.objects.filter(campaign=campaign).exclude(email="").order_by("-id").first().delete()
    third = prepare(request(campaign), by=ann, now=NOW)
    assert third.codes["generated"] == 0  # what lies ready is taken first


def test_cancelling_frees_fans_and_codes(ann):  # K-5, K-6
    campaign = campaign_with(5)
    wave = prepare(request(campaign), by=ann, now=NOW).wave
    cancel(wave, by=ann, reason="rain")
    assert set(Code.objects.filter(campaign=campaign).values_list("state", flat=True)) == {
        CodeState.AVAILABLE
    }
    assert not Campaign.objects.get(pk=campaign.pk).frozen
    again = prepare(request(campaign, "20260121-2"), by=ann, now=NOW)
    assert (again.wave.selected, again.codes["generated"]) == (5, 0)


def test_a_second_wave_takes_those_after_the_first(ann):  # K-6
    campaign = campaign_with(25)
    first = prepare(request(campaign), by=ann, now=NOW)
    second = prepare(request(campaign, "20260121-2"), by=ann, now=NOW)
    assert second.decision.excluded == {Exclusion.ALREADY_IN_WAVE: 10}
    waiting = first.decision.selection.waitlist["global_user_id"].to_list()
    assert second.decision.selection.members["global_user_id"].to_list() == waiting[:10]


def test_the_database_refuses_a_fan_in_two_live_waves(ann):  # K-6
    campaign = campaign_with(5)
    wave = prepare(request(campaign), by=ann, now=NOW).wave
    other = Wave.objects.create(
        campaign=campaign, date_key="20260122", name="other", notify_date=NOTIFY
    )
    member = Member.objects.filter(wave=wave).first()
    member.pk, member.wave, member.code = None, other, ""
    with pytest.raises(IntegrityError, match="member_in_one_live_wave"), transaction.atomic():
        member.save()


def test_the_newest_contact_is_used_and_the_score_rows_where_there_is_none(ann):  # W-5
    campaign = campaign_with(2, {"west": 2})
    Registrant.objects.filter(campaign=campaign, global_user_id="fan-000001").update(email="")
    wave = prepare(request(campaign), by=ann, now=NOW).wave
    emails = dict(Member.objects.filter(wave=wave).values_list("global_user_id", "email"))
    assert emails == {"fan-000000": "fan0@example.com", "fan-000001": "old3@example.com"}


def test_everybody_who_is_no_candidate_is_counted_under_the_first_reason(ann):  # W-5
    scores = [0.9, 0.9, 0.25, 0.9, 0.9, 0.9, 0.9, 0.9]
    wishes = [["west"], ["west"], ["west"], ["west"], ["west"], ["west"], ["gone"], ["west"]]
    campaign = campaign_with(
        8, {"west": 5}, raw_scores=scores, preferences=wishes, allow_intl_phones=False
    )

    def fan(n: int):
        return Registrant.objects.filter(campaign=campaign, global_user_id=f"fan-{n:06d}")

    fan(1).delete()
    ListEntry.objects.create(campaign=campaign, kind="blacklist", pattern="fan3@example.com")
    fan(4).update(phone="+442071838750", phone_region="GB")
    fan(5).update(registered_at=NOW)
    fan(7).update(email="bad@mail.bad.example")
    ListEntry.objects.create(kind="blacklist", pattern="@bad.example")
    decision = preview(request(campaign, min_score=0.3), now=NOW)
    assert decision.excluded == {
        Exclusion.NOT_REGISTERED: 1,
        Exclusion.BELOW_MINIMUM_SCORE: 1,
        Exclusion.BLACKLISTED_EMAIL: 1,
        Exclusion.BLACKLISTED_DOMAIN: 1,
        Exclusion.INTL_PHONE: 1,
        Exclusion.NO_MARKET_WANTED: 1,
        Exclusion.REGISTERED_TOO_LATE: 1,
    }
    assert decision.selection.members["global_user_id"].to_list() == ["fan-000000"]
    assert list(decision.as_result()["excluded"]) == [
        str(r) for r in Exclusion if r in decision.excluded
    ]


def test_an_unconfirmed_phone_is_not_used_where_confirmation_is_required(ann):  # S-5
    campaign = campaign_with(2, {"west": 2}, require_confirmed_phone=True)
    Registrant.objects.filter(campaign=campaign, global_user_id="fan-000001").update(
        phone_confirmed=True
    )
    wave = prepare(request(campaign), by=ann, now=NOW).wave
    phones = dict(Member.objects.filter(wave=wave).values_list("global_user_id", "phone"))
    assert phones == {"fan-000000": "", "fan-000001": phone(1)}


def test_tm_is_a_placeholder_and_no_code(ann):  # K-3
    campaign = campaign_with(4, {"west": 4}, code_source="tm")
    prepared = prepare(request(campaign), by=ann, now=NOW)
    assert prepared.codes == {"reserved": 0, "generated": 0, "tm": 4}
    assert set(members_of(prepared.wave).values()) == {"TM"}
    assert not Code.objects.exists()


def test_a_template_for_tm_that_names_the_code_refuses_the_preparation(ann):  # K-3
    campaign = campaign_with(4, {"west": 4}, code_source="tm")
    Template.objects.create(campaign=campaign, channel="sms", body="Your code: {code}")
    with pytest.raises(BadTemplate, match="TM"):
        prepare(request(campaign), by=ann, now=NOW)
    assert not Wave.objects.exists()  # refused before anything is written, so it costs no attempt


def test_the_market_file_of_the_bucket_is_laid_over_the_campaigns_markets(ann):  # W-5
    campaign = campaign_with(10, {"west": 9, "east": 9})
    text = b"marketId,marketName,capacity,selectionTime,codeSource\neast,,2,,tm\n"
    buckets.scoring().put(f"wavePrep/{campaign.campaign_id}/data/{KEY}.csv", text)
    prepared = prepare(request(campaign), by=ann, now=NOW)
    assert list(members_of(prepared.wave).values()) == ["TM", "TM"]
    assert [seat.market_id for seat in prepared.decision.plan.seats] == ["east"]


def test_a_given_market_file_is_kept_in_the_bucket(ann):  # W-5
    campaign = campaign_with(10)
    text = b"marketId,marketName,capacity,selectionTime\nwest,,3,\n"
    preview(request(campaign, market_file=text), now=NOW)
    key = f"wavePrep/{campaign.campaign_id}/data/{KEY}.csv"
    assert not buckets.scoring().exists(key)
    assert prepare(request(campaign, market_file=text), by=ann, now=NOW).wave.selected == 3
    assert buckets.scoring().exists(key)


def test_the_orders_of_a_request_are_kept_with_the_wave(ann):  # W-5
    campaign = campaign_with(10, preferences=[["east"]] * 10)
    wave = prepare(
        request(campaign, order=Order.SINGLE_MARKET, single_market="east"), by=ann, now=NOW
    ).wave
    assert (wave.order, wave.single_market, wave.selected) == ("single_market", "east", 5)
    assert list(
        WaveMarket.objects.filter(wave=wave).values_list("market__market_id", "selected")
    ) == [("east", 5)]


def test_preparation_less_than_a_day_ahead_needs_a_reason_and_the_right(ann, root):  # W-4
    campaign = campaign_with(5)
    late = NOTIFY - timedelta(hours=23)
    with pytest.raises(TooLate, match="expedite"):
        prepare(request(campaign), by=root, now=late)
    with pytest.raises(NotPermitted):
        prepare(request(campaign), by=ann, now=late, expedite="the venue changed")
    assert nothing_written()
    wave = prepare(request(campaign), by=root, now=late, expedite="the venue changed").wave
    assert wave.expedited == "the venue changed"


def test_exactly_a_day_ahead_is_in_time(ann):  # W-4
    assert (
        prepare(request(campaign_with(5)), by=ann, now=NOTIFY - timedelta(days=1)).wave.state
        == WaveState.PREPARED
    )


def refused_cases():
    yield (
        "unknown campaign",
        lambda c: WaveRequest("nobody", KEY, notify_date=NOTIFY),
        UnknownCampaign,
    )
    yield "no notify date", lambda c: request(c, notify_date=None), NaiveDate
    yield "naive date", lambda c: request(c, notify_date=NOTIFY.replace(tzinfo=None)), NaiveDate
    header = "marketId,marketName,capacity,selectionTime\n"
    yield (
        "unknown market",
        lambda c: request(c, market_file=f"{header}north,,5,\n".encode()),
        UnknownMarket,
    )
    yield (
        "negative capacity",
        lambda c: request(c, market_file=f"{header}west,,-5,\n".encode()),
        BadMarketFile,
    )
    later = (NOW + timedelta(minutes=1)).isoformat()
    yield (
        "selection time to come",
        lambda c: request(c, market_file=f"{header}west,,5,{later}\n".encode()),
        SelectionNotOpen,
    )
    yield "unknown single market", lambda c: request(c, single_market="north"), UnknownMarket
    yield "no score", lambda c: request(c, min_score=float("nan")), BadMinimumScore
    yield "score above all", lambda c: request(c, min_score=1.5), BadMinimumScore


@pytest.mark.parametrize(
    ("_name", "make", "error"),
    list(refused_cases()),
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_prepared_is_refused_and_nothing_is_written(ann, _name, make, error):
    campaign = campaign_with(5)
    with pytest.raises(error):
        prepare(make(campaign), by=ann, now=NOW)
    assert nothing_written()
    assert not list(buckets.scoring().list("wavePrep/"))


@pytest.mark.parametrize("status", ["draft", "closed", "archived"])
def test_a_campaign_that_is_not_open_has_no_waves(ann, status):  # C-2
    campaign = campaign_with(5)
    Campaign.objects.filter(pk=campaign.pk).update(status=status)
    with pytest.raises(WrongStatus):
        prepare(request(campaign), by=ann, now=NOW)
    assert nothing_written()


def test_without_an_active_score_file_there_is_nothing_to_select_from(ann):  # S-13
    campaign = campaign_with(5)
    Campaign.objects.filter(pk=campaign.pk).update(active_score_file=None)
    with pytest.raises(NoActiveScores):
        prepare(request(campaign), by=ann, now=NOW)


def test_a_campaign_without_markets_has_no_waves(ann):  # W-5
    campaign = campaign_with(0)
    campaign.markets.all().delete()
    with pytest.raises(UnknownMarket, match="has no market"):
        prepare(request(campaign), by=ann, now=NOW)


def test_a_wave_of_a_campaign_without_fans_is_empty(ann):  # W-5
    prepared = prepare(request(campaign_with(0)), by=ann, now=NOW)
    assert (prepared.wave.selected, prepared.wave.candidates, prepared.codes["generated"]) == (
        0,
        0,
        0,
    )


def test_a_prepared_wave_is_not_prepared_again(ann):  # W-2
    campaign = campaign_with(5)
    wave = prepare(request(campaign), by=ann, now=NOW).wave
    before = members_of(wave)
    with pytest.raises(WrongState, match="prepared"):
        prepare(request(campaign), by=ann, now=NOW)
    assert members_of(wave) == before


def test_partners_codes_cannot_be_reserved_here_and_say_so(ann):  # K-4
    campaign = campaign_with(5, code_source="partner")
    with pytest.raises(UnsupportedCodeSource):
        prepare(request(campaign), by=ann, now=NOW)
    assert not Member.objects.exists()


def test_another_active_score_file_meanwhile_stops_the_preparation(ann, monkeypatch):  # S-13
    campaign = campaign_with(5)
    real = pool.reserve

    def switch(*args, **kwargs):
        add_scores(campaign, ["fan-000001"], [0.5])
        return real(*args, **kwargs)

    monkeypatch.setattr(pool, "reserve", switch)
    with pytest.raises(WrongState, match="another score file"):
        prepare(request(campaign), by=ann, now=NOW)
    assert not Member.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_wave_that_is_being_prepared_elsewhere_is_refused_with_one_clear_error(ann):  # K-7
    campaign = campaign_with(5)
    name = f"wave {campaign.campaign_id}_{KEY}"
    other = connections.create_connection(DEFAULT_DB_ALIAS)
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [name])
        with pytest.raises(AlreadyRunning, match="another process"):
            prepare(request(campaign), by=ann, now=NOW)
        assert nothing_written()
        configured = Wave.objects.create(
            campaign=campaign, date_key=KEY, name=name.removeprefix("wave "), notify_date=NOTIFY
        )
        with pytest.raises(AlreadyRunning):
            cancel(configured, by=ann, reason="rain")
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock_all()")
    finally:
        other.close()
    assert prepare(request(campaign), by=ann, now=NOW).wave.state == WaveState.PREPARED


def test_a_worker_prepares_what_was_asked_for(ann):  # O-6
    campaign = campaign_with(12)
    job = submit(request(campaign, min_score=0.5), by=ann, now=NOW)
    assert wave_named(f"{campaign.campaign_id}_{KEY}").state == WaveState.CONFIGURED
    prepared = run(job.pk, now=NOW)
    job.refresh_from_db()
    assert (prepared.wave.state, prepared.wave.prepared_by, job.state) == ("prepared", ann, "done")
    assert (job.rows_in, job.rows_out, job.rows_rejected) == (
        12,
        prepared.wave.selected,
        12 - prepared.wave.selected,
    )


def test_an_exclusive_lock_is_free_after_a_fault(db):
    with pytest.raises(Broken), bulk.exclusive("x", wait=True):
        raise Broken
    with bulk.exclusive("x", wait=False) as held:
        assert held
