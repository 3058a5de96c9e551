"""What a person does to a wave by hand: reset, cancel, pause, each with a reason. [W-2, W-9,
K-5]
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from campaigns.errors import WrongStatus
from campaigns.models import Campaign
from operations.jobs import open_job
from operations.models import Job, StatusChange
from tests.support.database import kept
from tests.support.people import member_of
from tests.support.sending import triggered_wave
from tests.support.waves import (
    KEY,
    NOTIFY,
    NOW,
    approve,
    campaign_with,
    members_of,
    person,
    request,
)
from tests.waves.uploads.lists import row, submitted
from waves.actions import cancel, choose_soft_start, pause, reschedule, reset, resume
from waves.approval import renew
from waves.choices import CodeState, Queue, WaveState
from waves.errors import (
    AttemptsExhausted,
    BadSoftStart,
    NaiveDate,
    NotPermitted,
    ReasonMissing,
    SamePerson,
    TooLate,
    WrongState,
)
from waves.lifecycle import subject_of, wave_named
from waves.models import Code, Wave
from waves.preparation import submission
from waves.preparation.prepare import prepare
from waves.schedule import check_due_waves, schedule
from waves.second_count import count
from waves.sending import new_messages
from waves.uploads import submission as uploads
from waves.uploads.submission import submit as submit_list

pytestmark = pytest.mark.django_db


class Broken(Exception):
    """A fault on purpose."""


def break_apply(monkeypatch) -> None:
    def refuse(*_, **__):
        raise Broken("the disk is full")

    monkeypatch.setattr("waves.preparation.prepared.write_wave_markets", refuse)


def test_w9_a_third_attempt_is_refused_until_a_reset_with_a_reason(ann, root, monkeypatch):
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


def test_w2_an_uploaded_wave_whose_attempt_died_behind_its_codes_is_reset(ann, root):
    submit_list(submitted(campaign_with(3), [row(0)]), by=ann, now=NOW)
    Wave.objects.update(state="code_generated", attempts=2)
    wave = reset(Wave.objects.get(), by=root, reason="the worker ran out of memory")
    assert (wave.state, wave.attempts) == ("configured", 0)


def test_k5_k6_cancelling_frees_fans_and_codes(ann):
    campaign = campaign_with(5)
    wave = prepare(request(campaign), by=ann, now=NOW).wave
    cancel(wave, by=ann, reason="rain")
    assert set(Code.objects.filter(campaign=campaign).values_list("state", flat=True)) == {
        CodeState.AVAILABLE
    }
    again = prepare(request(campaign, "20260121-2"), by=ann, now=NOW)
    assert (again.wave.selected, again.codes["generated"]) == (5, 0)


@pytest.fixture
def wave():
    return kept.counted_wave()


def approved(wave: Wave) -> Wave:
    return approve(wave, by=person("bob"), digest=wave.content_digest, now=NOW)


def test_w2_a_scheduled_wave_is_not_reset(wave):
    approved(wave)
    schedule(wave, by=person("bob"), now=NOW)
    with pytest.raises(WrongState):
        reset(wave, by=person("root", superuser=True), reason="x")


LATER = NOTIFY + timedelta(days=2)


def moved(wave: Wave, **values) -> Wave:
    values = {"notify_date": LATER, "by": person("carol"), "reason": "fog", "now": NOW} | values
    return reschedule(wave, **values)


@pytest.mark.parametrize("state", ["prepared", "approved", "scheduled", "held"])
def test_w2_k2_a_new_notify_date_keeps_members_and_codes_and_is_approved_by_somebody_else(
    wave, state
):
    members, digest = members_of(wave), wave.content_digest
    if state != "prepared":
        approved(wave)
        Wave.objects.filter(pk=wave.pk).update(state=state)
        wave.refresh_from_db()
    moved(wave)
    assert (wave.state, wave.notify_date, wave.approved_by) == (WaveState.PREPARED, LATER, None)
    assert members_of(wave) == members
    assert wave.content_digest != digest
    begins = set(Code.objects.filter(wave=wave).values_list("begins_at", flat=True))
    assert begins == {LATER - timedelta(days=1)}
    change = StatusChange.objects.filter(subject_id=wave.name).latest("id")
    assert (change.from_state, change.by.username) == (state, "carol")
    assert "2026-01-23 18:00 UTC: fog" in change.reason
    with pytest.raises(SamePerson):
        approve(wave, by=person("carol"), digest=wave.content_digest, now=NOW)
    schedule(approved(wave), by=person("bob"), now=NOW)
    assert not check_due_waves(now=NOTIFY + timedelta(hours=1))
    assert [w.pk for w in check_due_waves(now=LATER).triggered] == [wave.pk]


@pytest.mark.parametrize("state", ["prepared", "approved", "held"])
def test_n9_x5_another_soft_start_is_approved_by_somebody_else(wave, state):
    if state != "prepared":
        approved(wave)
        Wave.objects.filter(pk=wave.pk).update(state=state)
        wave.refresh_from_db()
    digest = wave.content_digest
    choose_soft_start(wave, 500, by=person("carol"), reason="a new provider")
    assert (wave.state, wave.soft_start, wave.content["soft_start"]) == ("prepared", 500, 500)
    assert wave.content_digest != digest
    change = StatusChange.objects.filter(subject_id=wave.name).latest("id")
    assert (change.from_state, change.to_state) == (state, "prepared")
    assert (change.by.username, change.reason) == ("carol", "soft start: a new provider")
    with pytest.raises(SamePerson):
        approve(wave, by=person("carol"), digest=wave.content_digest, now=NOW)


def test_n9_a_wave_has_its_campaigns_soft_start_unless_it_says_otherwise(wave):
    Campaign.objects.filter(pk=wave.campaign_id).update(soft_start=700)
    renew(wave.pk, by=None, reason="x")
    for chosen, content in ((None, 700), (500, 500), (0, None)):
        choose_soft_start(wave, chosen, by=person("carol"), reason="x")
        assert wave.content.get("soft_start") == content


@pytest.mark.parametrize(
    ("fans", "reason", "state", "refusal"),
    [
        (1, " ", "prepared", ReasonMissing),
        (-1, "x", "prepared", BadSoftStart),
        (2**31, "x", "prepared", BadSoftStart),
        (1, "x", "cancelled", WrongState),
    ],
)
def test_n9_a_soft_start_that_cannot_be_is_refused(wave, fans, reason, state, refusal):
    Wave.objects.filter(pk=wave.pk).update(state=state)
    with pytest.raises(refusal):
        choose_soft_start(wave, fans, by=person("carol"), reason=reason)
    wave.refresh_from_db()
    assert wave.soft_start is None


@pytest.mark.parametrize(
    ("values", "refusal"),
    [
        ({"now": LATER}, TooLate),
        ({"reason": " "}, ReasonMissing),
        ({"notify_date": NOW + timedelta(hours=23)}, NotPermitted),
        ({"notify_date": LATER.replace(tzinfo=None)}, NaiveDate),
    ],
)
def test_w2_w4_a_notify_date_that_cannot_be_is_refused(wave, values, refusal):
    with pytest.raises(refusal):
        moved(wave, **values)
    wave.refresh_from_db()
    assert wave.notify_date == NOTIFY


def test_w4_a_date_less_than_a_day_after_the_preparation_needs_the_right_and_a_reason(wave, root):
    moved(wave, notify_date=NOW + timedelta(hours=23), by=root)
    assert wave.expedited == "fog"


def test_w2_a_wave_that_is_sent_gets_no_new_date(wave):
    schedule(approved(wave), by=person("bob"), now=NOW)
    check_due_waves(now=NOTIFY)
    with pytest.raises(WrongState):
        moved(Wave.objects.get(pk=wave.pk))


@pytest.mark.parametrize(
    ("step", "state"),
    [
        (pause, WaveState.TRIGGERED),
        (cancel, WaveState.TRIGGERED),
        (resume, WaveState.PAUSED),
        (cancel, WaveState.PAUSED),
        (pause, WaveState.COMPLETED),
        (resume, WaveState.COMPLETED),
        (cancel, WaveState.COMPLETED),
    ],
)
def test_w2_every_action_needs_a_reason(step, state):
    """N-6"""
    wave = triggered_wave(1, phones=0, emails=1, state=state)
    new_messages.make_sends(wave)
    if (step, state) == (resume, WaveState.COMPLETED):
        Wave.objects.update(queue=Queue.PAUSED)
    before = Wave.objects.values("state", "queue").get()
    with pytest.raises(ReasonMissing):
        step(wave, by=person("root", superuser=True), reason="  ")
    assert Wave.objects.values("state", "queue").get() == before
    step(wave, by=person("root", superuser=True), reason="the text is right")
    assert Wave.objects.values("state", "queue").get() != before


@pytest.mark.parametrize("step", [cancel, reset])
def test_w2_before_sending_every_action_needs_a_reason_too(wave, step):
    with pytest.raises(ReasonMissing):
        step(wave, by=person("root", superuser=True), reason="  ")
    wave.refresh_from_db()
    assert wave.state == WaveState.PREPARED


def test_x14_an_operator_resets_only_a_wave_whose_second_count_differs():
    olaf = member_of("operator", name="olaf")
    wave = prepare(request(campaign_with(6)), by=olaf, now=NOW).wave
    with pytest.raises(NotPermitted, match="only a wave whose second count differs"):
        reset(wave, by=olaf, reason="again")
    Wave.objects.filter(pk=wave.pk).update(differs_digest=wave.content_digest)
    wave.refresh_from_db()
    with pytest.raises(NotPermitted):
        reset(wave, by=member_of("approver", name="petra"), reason="again")
    again = reset(wave, by=olaf, reason="it differs")
    assert (again.state, again.facts_key) == (WaveState.CONFIGURED, "")
    with pytest.raises(NotPermitted):  # it has no verdict any more
        reset(again, by=olaf, reason="again")


@pytest.mark.parametrize("kind", [submission.JOB_KIND, uploads.JOB_KIND])
@pytest.mark.parametrize("act", ["reset", "cancel"])
def test_w9_what_would_be_tried_again_waits_for_a_person_after_a_reset_or_a_cancellation(
    wave, root, kind, act
):
    job = open_job(kind, subject_of(wave))
    Job.objects.filter(pk=job.pk).update(state="failed", error="x", retry_at=NOW)
    {"reset": reset, "cancel": cancel}[act](wave, by=root, reason="rain")
    assert Job.objects.get(pk=job.pk).retry_at is None


def test_x14_a_wave_with_a_new_notify_date_is_counted_again(wave):
    Job.objects.all().delete()
    moved(wave)
    assert Job.objects.about(subject_of(wave)).filter(kind=count.JOB_KIND).exists()


@pytest.mark.parametrize(
    ("prepared_at", "expedited"),
    [(LATER - timedelta(days=1), ""), (LATER - timedelta(hours=23), "fog")],
)
def test_w4_whether_a_new_date_is_short_notice_is_asked_of_when_the_wave_was_prepared(
    wave, root, prepared_at, expedited
):
    Wave.objects.filter(pk=wave.pk).update(prepared_at=prepared_at)
    moved(wave, by=root, now=LATER - timedelta(hours=12))
    assert wave.expedited == expedited


def test_k5_codes_that_a_cancelled_wave_gives_back_say_nothing_of_it(wave, ann):
    Code.objects.filter(wave=wave).update(confirmed_at=NOW)
    codes = list(Code.objects.filter(wave=wave).values_list("pk", flat=True))
    cancel(wave, by=ann, reason="rain")
    columns = ("wave", "market", "global_user_id", "reserved_at", "confirmed_at")
    found = Code.objects.filter(pk__in=codes).values_list(*columns)
    assert set(found) == {(None, None, "", None, None)}


@pytest.mark.parametrize("act", [pause, cancel])
def test_c2_what_is_left_of_a_wave_in_a_closed_campaign_is_only_read(ann, act):
    wave = triggered_wave(1, state="completed")
    new_messages.make_sends(wave)
    Campaign.objects.filter(pk=wave.campaign_id).update(status="closed")
    with pytest.raises(WrongStatus):
        act(wave, by=ann, reason="rain")


def test_c2_no_wave_of_a_closed_campaign_moves(ann):
    wave = triggered_wave(1)
    Campaign.objects.filter(pk=wave.campaign_id).update(status="closed")
    with pytest.raises(WrongStatus):
        pause(wave, by=ann, reason="rain")
