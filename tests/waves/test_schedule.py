"""Triggered once at its notify date, codes assigned and published, held when late. [W-11, K-5, K-6,
T-2]
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from operations.models import Alert
from tests.support.waves import (
    NOTIFY,
    NOW,
    person,
    published,
    request,
    scheduled,
)
from waves import schedule as scheduling
from waves.actions import cancel
from waves.choices import CodeState, WaveState
from waves.codes import assignments
from waves.errors import CodesNotAssigned, NotDue, TooLate
from waves.models import Assignment, Code, Member, Template, Wave
from waves.preparation.prepare import prepare
from waves.schedule import (
    ScheduleCheck,
    check_due_waves,
    keep_checking,
    schedule,
    seconds_to_next,
    trigger,
)

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)


def test_nothing_happens_before_the_notify_date():
    wave = scheduled()
    assert not check_due_waves(now=NOTIFY - SECOND)
    with pytest.raises(NotDue):
        trigger(wave, by=None, now=NOTIFY - SECOND)
    assert not Assignment.objects.exists()


def test_w11_k5_t2_a_due_wave_is_triggered_once_and_its_codes_are_assigned_and_published():
    wave = scheduled()
    assert [w.name for w in check_due_waves(now=NOTIFY).triggered] == [wave.name]
    assert not check_due_waves(now=NOTIFY)
    wave.refresh_from_db()
    assert (wave.state, wave.triggered_at) == (WaveState.TRIGGERED, NOTIFY)
    members = dict(Member.objects.filter(wave=wave).values_list("global_user_id", "code"))
    assert dict(Assignment.objects.values_list("global_user_id", "code__code")) == members
    assert set(Code.objects.filter(wave=wave).values_list("state", flat=True)) == {
        CodeState.PUBLISHED
    }
    records = published()
    assert {r["globalUserId"]: r["code"] for r in records} == members
    assert len(records) == len(members)
    one = records[0]
    assert set(one) - {"categoryId"} == {
        *(
            "type",
            "date",
            "campaignId",
            "globalUserId",
            "memberId",
            "marketId",
            "code",
            "dedupeHash",
        )
    }
    assert (one["type"], one["date"], one["campaignId"]) == (
        "codeAssignment",
        {"created": "2026-01-21T18:00:00.000Z"},
        wave.campaign.campaign_id,
    )


def test_o6_a_trigger_that_was_cut_off_is_finished_by_the_next_check(monkeypatch):
    wave = scheduled()
    with monkeypatch.context() as patch:
        patch.setattr(assignments, "publish", lambda *_, **__: 0)
        check_due_waves(now=NOTIFY)
    assert Code.objects.filter(wave=wave, state=CodeState.ASSIGNED).count() == 10
    check_due_waves(now=NOTIFY + SECOND)
    assert (
        Code.objects.filter(wave=wave, state=CodeState.PUBLISHED).count() == len(published()) == 10
    )


def test_w11_more_than_the_grace_late_is_held_with_an_alert_and_nothing_is_assigned():
    wave = scheduled()
    late = NOTIFY + timedelta(hours=2)
    assert [w.name for w in check_due_waves(now=late + SECOND).held] == [wave.name]
    wave.refresh_from_db()
    assert wave.state == WaveState.HELD
    assert Alert.objects.filter(text__contains="2:00:01").exists()
    assert not Assignment.objects.exists()
    trigger(wave, by=person("bob"), now=late + 2 * SECOND, reason="the fans can wait no longer")
    assert wave.state == WaveState.TRIGGERED
    assert Assignment.objects.count() == 10


def test_w11_a_sender_that_comes_too_late_finds_the_wave_held():
    wave = scheduled()
    with pytest.raises(TooLate, match="is now held"):
        trigger(wave, by=None, now=NOTIFY + timedelta(hours=2) + SECOND)
    assert Wave.objects.get(pk=wave.pk).state == WaveState.HELD
    assert not Assignment.objects.exists()


def test_w11_exactly_the_grace_late_is_still_triggered():
    wave = scheduled()
    assert [w.pk for w in check_due_waves(now=NOTIFY + timedelta(hours=2)).triggered] == [wave.pk]


def test_w11_a_held_wave_that_is_too_late_is_not_scheduled_again_for_its_old_date():
    wave = scheduled()
    late = NOTIFY + timedelta(hours=3)
    check_due_waves(now=late)
    wave.refresh_from_db()
    with pytest.raises(TooLate):
        schedule(wave, by=person("bob"), now=late)


def test_x5_content_that_changed_is_not_triggered():
    wave = scheduled()
    member = Member.objects.filter(wave=wave).first()
    Member.objects.filter(pk=member.pk).update(phone="+12065550000")
    seen = check_due_waves(now=NOTIFY)
    assert ([w.pk for w in seen.voided], seen.triggered) == ([wave.pk], [])
    wave.refresh_from_db()
    assert wave.state == WaveState.CONFIGURED
    assert not Assignment.objects.exists()
    assert Alert.objects.filter(text__contains=wave.name).exists()


def test_x5_k3_a_template_that_cannot_be_used_any_more_stops_the_trigger_of_that_wave_only():
    broken, fine = scheduled(4, capacities={"west": 4}, code_source="tm"), scheduled()
    Template.objects.create(campaign=broken.campaign, channel="sms", body="{code}")
    seen = check_due_waves(now=NOTIFY)
    assert ([w.pk for w in seen.voided], [w.pk for w in seen.triggered]) == ([broken.pk], [fine.pk])


def test_k6_a_code_that_cannot_be_assigned_pauses_its_wave_and_not_the_others():
    first, second = scheduled(), scheduled()
    fan = Member.objects.filter(wave=first).first().global_user_id
    other = Code.objects.create(campaign=first.campaign, code="ELSEWHERE2")
    Assignment.objects.create(
        campaign=first.campaign,
        global_user_id=fan,
        code=other,
        wave=first,
        market=first.campaign.markets.first(),
        assigned_at=NOW,
    )
    check_due_waves(now=NOTIFY)
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.state, second.state) == (WaveState.PAUSED, WaveState.TRIGGERED)
    assert Alert.objects.filter(text__contains=first.name).exists()
    with pytest.raises(CodesNotAssigned, match="1 access code"):
        assignments.assign(first, now=NOTIFY)


def test_k6_a_fan_who_holds_a_code_is_not_selected_again():
    wave = scheduled()
    check_due_waves(now=NOTIFY)
    wave.refresh_from_db()
    cancel(wave, by=person("root"), reason="rain")
    again = prepare(request(wave.campaign, "20260121-2"), by=person("ann"), now=NOW)
    assert {str(reason): n for reason, n in again.planned.excluded.items()} == {"holds_code": 10}


def test_w11_the_scheduler_sleeps_until_the_next_due_wave_and_at_most_a_second():
    assert seconds_to_next(NOW) == 1.0
    scheduled()
    assert seconds_to_next(NOTIFY - timedelta(milliseconds=250)) == 0.25
    assert seconds_to_next(NOTIFY - timedelta(hours=1)) == 1.0
    assert seconds_to_next(NOTIFY + SECOND) == 0.0


def test_w11_a_wave_scheduled_while_the_scheduler_sleeps_is_at_most_a_second_late():
    """A clock of our own: the wave becomes known to the scheduler 300 ms before it is due."""
    wave = scheduled()
    Wave.objects.filter(pk=wave.pk).update(state=WaveState.APPROVED)
    clock = {"now": NOTIFY - timedelta(seconds=90.3)}
    triggered: list[ScheduleCheck] = []

    def sleep(seconds: float) -> None:
        clock["now"] += timedelta(seconds=seconds)
        if clock["now"] >= NOTIFY - timedelta(seconds=0.3):
            Wave.objects.filter(pk=wave.pk, state=WaveState.APPROVED).update(
                state=WaveState.SCHEDULED
            )

    keep_checking(
        clock=lambda: clock["now"],
        sleep=sleep,
        report=triggered.append,
        stopped=lambda: bool(triggered),
    )
    wave.refresh_from_db()
    assert NOTIFY <= wave.triggered_at <= NOTIFY + SECOND


def test_t1_a_check_that_fails_alerts_once_and_is_made_again_a_second_later(monkeypatch):
    """[T-1, O-2]"""
    scheduled()
    real, tries, triggered, slept = scheduling.check_due_waves, [], [], []

    def broken(*, now):
        tries.append(now)
        if len(tries) < 3:
            raise KeyError("a fault of ours")
        return real(now=now)

    monkeypatch.setattr(scheduling, "check_due_waves", broken)
    keep_checking(
        clock=lambda: NOTIFY,
        sleep=slept.append,
        report=triggered.append,
        stopped=lambda: bool(triggered),
    )
    assert slept[:2] == [1.0, 1.0]
    text = Alert.objects.get().text
    assert text.startswith(
        ":red_circle: Scheduler failed for due waves: KeyError: 'a fault of ours'"
    )
