"""Triggered once at its notify date, codes assigned and published, held when late. [W-11, K-5, K-6,
T-2]
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from campaigns.models import Campaign, Market
from operations.models import Alert, StatusChange
from tests.support.database import kept
from tests.support.waves import (
    NOTIFY,
    NOW,
    approve,
    changed_waves,
    held,
    members_of,
    person,
    published,
    request,
    scheduled,
)
from waves import schedule as scheduling
from waves.actions import cancel
from waves.choices import CodeState, Exclusion, WaveState
from waves.codes import assignments
from waves.digest import changed_among
from waves.errors import (
    BadTemplate,
    CodesNotAssigned,
    NoMembers,
    TooLate,
    WrongState,
)
from waves.holds import Freed, freed_by
from waves.lifecycle import subject_of
from waves.models import Assignment, Code, Member, Send, Template, Wave
from waves.naming import GRACE
from waves.preparation.prepare import prepare
from waves.preparation.previews import preview
from waves.schedule import ScheduleCheck, check_due_waves, keep_checking, schedule, seconds_to_next
from waves.sending import new_messages
from waves.sending.triggering import trigger

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)


def test_w11_k5_t2_a_due_wave_is_triggered_once_and_its_codes_are_assigned_and_published():
    wave = kept.scheduled()
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
    wave = kept.scheduled()
    with monkeypatch.context() as patch:
        patch.setattr(assignments, "publish", lambda *_, **__: 0)
        check_due_waves(now=NOTIFY)
    assert Code.objects.filter(wave=wave, state=CodeState.ASSIGNED).count() == 10
    check_due_waves(now=NOTIFY + SECOND)
    assert (
        Code.objects.filter(wave=wave, state=CodeState.PUBLISHED).count() == len(published()) == 10
    )


def test_w11_more_than_the_grace_late_is_held_with_an_alert_and_nothing_is_assigned():
    wave = kept.scheduled()
    late = NOTIFY + timedelta(hours=2)
    assert [w.name for w in check_due_waves(now=late + SECOND).held] == [wave.name]
    wave.refresh_from_db()
    assert wave.state == WaveState.HELD
    assert Alert.objects.filter(text__contains="it is 2 h late").exists()
    assert not Assignment.objects.exists()
    trigger(wave, by=person("bob"), now=late + 2 * SECOND, reason="the fans can wait no longer")
    assert wave.state == WaveState.TRIGGERED
    assert Assignment.objects.count() == 10


def test_w11_exactly_the_grace_late_is_still_triggered():
    wave = kept.scheduled()
    assert [w.pk for w in check_due_waves(now=NOTIFY + timedelta(hours=2)).triggered] == [wave.pk]


def test_w2_a_held_wave_is_not_scheduled_again_for_its_old_date():
    wave = held(kept.scheduled())
    with pytest.raises(WrongState):
        schedule(wave, by=person("bob"), now=NOTIFY + timedelta(hours=3))


def test_x5_members_that_changed_are_not_triggered_and_have_to_be_prepared_again():
    wave = kept.scheduled()
    member = Member.objects.filter(wave=wave).first()
    Member.objects.filter(pk=member.pk).update(phone="+12065550000")
    seen = check_due_waves(now=NOTIFY)
    assert ([w.pk for w in seen.voided], seen.triggered) == ([wave.pk], [])
    wave.refresh_from_db()
    assert wave.state == WaveState.CONFIGURED
    assert not Assignment.objects.exists()
    assert Alert.objects.filter(text__contains=wave.name).exists()


def test_x5_k3_a_template_that_cannot_be_used_any_more_stops_the_trigger_of_that_wave_only():
    broken, fine = scheduled(4, capacities={"west": 4}, code_source="tm"), kept.scheduled()
    Template.objects.create(campaign=broken.campaign, channel="sms", body="{code}")
    seen = check_due_waves(now=NOTIFY)
    assert ([w.pk for w in seen.voided], [w.pk for w in seen.triggered]) == ([broken.pk], [fine.pk])
    broken.refresh_from_db()
    assert broken.state == WaveState.PREPARED


def test_w11_a_wave_that_refuses_its_trigger_is_held_and_the_others_go_out(monkeypatch):
    refused, fine = kept.scheduled(), kept.scheduled_too()

    def refuse(wave):
        if wave.pk == refused.pk:
            raise BadTemplate("no such text")

    monkeypatch.setattr("waves.sending.triggering.require_unchanged", refuse)
    seen = check_due_waves(now=NOTIFY)
    assert ([w.pk for w in seen.held], [w.pk for w in seen.triggered]) == ([refused.pk], [fine.pk])
    assert Alert.objects.filter(text__contains="could not be sent: no such text").exists()


def test_w11_a_wave_that_cannot_even_be_held_stops_no_other_wave():
    refused, fine = kept.scheduled(), kept.scheduled_too()
    Campaign.objects.filter(pk=refused.campaign_id).update(status="closed")
    for now in (NOTIFY, NOTIFY + timedelta(hours=3)):
        seen = check_due_waves(now=now)
    refused.refresh_from_db()
    fine.refresh_from_db()
    assert (refused.state, fine.state, seen.held) == (WaveState.SCHEDULED, WaveState.TRIGGERED, [])


def test_k6_a_code_that_cannot_be_assigned_pauses_its_wave_and_not_the_others():
    first, second = kept.scheduled(), kept.scheduled_too()
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
    paused = StatusChange.objects.about(subject_of(first)).latest("pk")
    assert (paused.to_state, "1 access code" in paused.reason) == ("paused", True)
    with pytest.raises(CodesNotAssigned, match="1 access code"):
        assignments.assign(first, now=NOTIFY)


def test_w11_a_wave_that_a_person_cancels_while_its_codes_are_assigned_is_theirs(monkeypatch):
    first, second = kept.scheduled(), kept.scheduled_too()
    real = assignments.assign

    def assign(wave, *, now):
        if wave.pk == first.pk:
            cancel(Wave.objects.get(pk=first.pk), by=person("bob"), reason="rain")
            raise CodesNotAssigned("one code is somebody else's")
        return real(wave, now=now)

    monkeypatch.setattr(assignments, "assign", assign)
    check_due_waves(now=NOTIFY)
    first.refresh_from_db()
    assert first.state == WaveState.CANCELLED
    assert set(Code.objects.filter(wave=second).values_list("state", flat=True)) == {
        CodeState.PUBLISHED
    }


def test_w11_two_schedulers_void_the_same_waves_and_both_go_on(monkeypatch):
    """Both have listed the changed waves before either of them changes one."""
    broken, fine = kept.scheduled(), kept.scheduled_too()
    Template.objects.create(campaign=broken.campaign, channel="sms", body="changed {code}")
    listed = changed_waves()
    assert [w.pk for w in check_due_waves(now=NOTIFY).triggered] == [fine.pk]
    monkeypatch.setattr("waves.schedule.changeable_waves", lambda: listed)
    assert not check_due_waves(now=NOTIFY + SECOND)
    broken.refresh_from_db()
    assert broken.state == WaveState.PREPARED


def test_w11_a_wave_that_another_scheduler_claimed_is_no_error(monkeypatch):
    wave = kept.scheduled()
    stale = [Wave.objects.select_related("campaign").get(pk=wave.pk)]
    check_due_waves(now=NOTIFY)
    monkeypatch.setattr("waves.schedule._due", lambda now: stale)
    assert not check_due_waves(now=NOTIFY + SECOND)
    assert not check_due_waves(now=NOTIFY + timedelta(hours=3))


def cancelled_after_its_trigger() -> Wave:
    wave = scheduled(12, capacities={"west": 5})
    check_due_waves(now=NOTIFY)
    wave.refresh_from_db()
    new_messages.make_sends(wave)
    return cancel(wave, by=person("root"), reason="rain")


@pytest.mark.parametrize("state", ["sending", "sent", "unknown", "delivered", "undeliverable"])
def test_k6_w6_after_somebody_may_have_been_notified_its_fans_are_not_selected_again(state):
    wave = cancelled_after_its_trigger()
    Send.objects.filter(pk=Send.objects.filter(wave=wave).first().pk).update(state=state)
    assert freed_by(wave) == Freed(bound=5, free=0, contacted=True)
    with pytest.raises(NoMembers):
        prepare(request(wave.campaign, "20260121-2"), by=person("ann"), now=NOW)
    seen = preview(request(wave.campaign, "20260121-2"), now=NOW).planned
    assert seen.excluded[Exclusion.HOLDS_CODE] == 5


def test_w6_fans_of_a_wave_that_notified_nobody_come_back_with_the_same_code_and_market():
    wave = cancelled_after_its_trigger()
    assert freed_by(wave) == Freed(bound=5, free=0, contacted=False)
    Market.objects.filter(campaign=wave.campaign).update(capacity=7)
    later = prepare(request(wave.campaign, "20260121-2"), by=person("ann"), now=NOW)
    codes = members_of(wave)
    assert later.planned.returned == 5
    assert (later.wave.selected, later.codes["reserved"]) == (7, 2)
    assert {fan: code for fan, code in members_of(later.wave).items() if fan in codes} == codes
    market = later.wave.wave_markets.get()
    assert (market.given, market.room, market.selected) == (5, 2, 2)
    assert published_fans() == sorted(codes)
    wave = approve(later.wave, by=person("bob"), digest=later.wave.content_digest, now=NOW)
    schedule(wave, by=person("bob"), now=NOW)
    assert [w.pk for w in check_due_waves(now=NOTIFY).triggered] == [wave.pk]
    assert published_fans() == sorted(members_of(wave))
    assert not check_due_waves(now=NOTIFY + SECOND)
    wave.refresh_from_db()
    assert wave.state == WaveState.TRIGGERED


def test_w6_t2_what_the_cancelled_wave_did_not_publish_the_later_one_does(monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(assignments, "publish", lambda *_, **__: 0)
        wave = cancelled_after_its_trigger()
    later = prepare(request(wave.campaign, "20260121-2"), by=person("ann"), now=NOW).wave
    approve(later, by=person("bob"), digest=later.content_digest, now=NOW)
    schedule(later, by=person("bob"), now=NOW)
    assert not published()
    check_due_waves(now=NOTIFY)
    assert published_fans() == sorted(members_of(wave))


def test_w6_who_came_back_and_was_notified_does_not_come_back_again():
    first = cancelled_after_its_trigger()
    second = prepare(request(first.campaign, "20260121-2"), by=person("ann"), now=NOW).wave
    approve(second, by=person("bob"), digest=second.content_digest, now=NOW)
    schedule(second, by=person("bob"), now=NOW)
    check_due_waves(now=NOTIFY)
    second.refresh_from_db()
    new_messages.make_sends(second)
    Send.objects.filter(pk=Send.objects.filter(wave=second).first().pk).update(state="sent")
    cancel(second, by=person("root"), reason="rain")
    assert preview(request(first.campaign, "20260121-3"), now=NOW).planned.returned == 0


def published_fans() -> list[str]:
    return sorted(record["globalUserId"] for record in published())


def test_w11_the_scheduler_sleeps_until_the_next_due_wave_and_at_most_a_second():
    assert seconds_to_next(NOW) == 1.0
    kept.scheduled()
    assert seconds_to_next(NOTIFY - timedelta(milliseconds=250)) == 0.25
    assert seconds_to_next(NOTIFY - timedelta(hours=1)) == 1.0
    assert seconds_to_next(NOTIFY + SECOND) == 0.0


def test_w11_a_wave_scheduled_while_the_scheduler_sleeps_is_at_most_a_second_late():
    """A clock of our own: the wave becomes known to the scheduler 300 ms before it is due."""
    wave = kept.scheduled()
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


@pytest.mark.parametrize("step", ["trigger_if_free", "finish_trigger"])
def test_w11_a_fault_with_one_wave_is_raised_after_the_others_went_out(monkeypatch, step):
    first, second = kept.scheduled(), kept.scheduled_too()
    real = getattr(scheduling, step)

    def faulty(wave, **values):
        if wave.pk == first.pk:
            raise ZeroDivisionError
        return real(wave, **values)

    monkeypatch.setattr(scheduling, step, faulty)
    done = scheduling.check_due_waves(now=NOTIFY)
    second.refresh_from_db()
    assert (second.state, second in done.triggered) == (WaveState.TRIGGERED, True)
    assert not Code.objects.filter(wave=second).exclude(state="published").exists()
    with pytest.raises(ZeroDivisionError):
        done.raise_faults()


def test_c2_a_wave_of_a_closed_campaign_is_never_due():
    wave = kept.scheduled()
    Campaign.objects.filter(pk=wave.campaign_id).update(status="closed")
    assert not scheduling.check_due_waves(now=NOTIFY)
    assert scheduling.seconds_to_next(NOTIFY) == scheduling.LONGEST_SLEEP_SECONDS


def test_t1_a_check_that_fails_alerts_once_and_is_made_again_a_second_later(monkeypatch):
    """[T-1, O-2]"""
    kept.scheduled()
    real, tries, triggered, slept = scheduling.claim_due_waves, [], [], []

    def broken(*, now):
        tries.append(now)
        if len(tries) < 3:
            raise KeyError("a fault of ours")
        return real(now=now)

    monkeypatch.setattr(scheduling, "claim_due_waves", broken)
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


def test_w11_a_wave_that_got_another_date_since_it_was_listed_is_neither_sent_nor_held(monkeypatch):
    wave = kept.scheduled()
    listed = [Wave.objects.select_related("campaign").get(pk=wave.pk)]
    Wave.objects.filter(pk=wave.pk).update(notify_date=NOTIFY + timedelta(days=3))
    monkeypatch.setattr("waves.schedule._due", lambda now: listed)
    for now in (NOTIFY, NOTIFY + timedelta(hours=3)):
        assert not scheduling.claim_due_waves(now=now)
    wave.refresh_from_db()
    assert wave.state == WaveState.SCHEDULED


@pytest.mark.parametrize("late", [timedelta(), timedelta(hours=4)])
def test_w11_a_wave_that_was_held_since_it_was_listed_is_left_to_a_person(monkeypatch, late):
    """W-2: two schedulers look on both sides of the grace."""
    listed = Wave.objects.select_related("campaign").get(pk=kept.scheduled().pk)
    held(Wave.objects.get(pk=listed.pk))
    monkeypatch.setattr("waves.schedule._due", lambda now: [listed])
    assert not scheduling.claim_due_waves(now=NOTIFY + late)
    assert Wave.objects.get(pk=listed.pk).state == WaveState.HELD


def test_x5_looking_for_changed_waves_asks_for_the_templates_once(django_assert_num_queries):
    waves = [scheduled() for _ in range(3)]
    Template.objects.create(campaign=waves[1].campaign, channel="sms", body="changed {code}")
    waiting = list(Wave.objects.order_by("id").select_related("campaign"))
    with django_assert_num_queries(1):
        assert changed_among(waiting) == [waves[1]]
    scheduling.void_what_changed()
    states = Wave.objects.order_by("id").values_list("state", flat=True)
    assert list(states) == ["scheduled", "prepared", "scheduled"]


def test_w11_a_wave_is_scheduled_up_to_the_grace_late_and_not_later():
    wave = kept.counted_wave()
    approve(wave, by=person("bob"), digest=wave.content_digest, now=NOW)
    with pytest.raises(TooLate, match="Give it a later notify date"):
        schedule(wave, by=person("bob"), now=NOTIFY + GRACE + SECOND)
    assert schedule(wave, by=person("bob"), now=NOTIFY + GRACE).state == "scheduled"


def test_w11_of_several_due_waves_the_earliest_goes_first():
    first, second = kept.scheduled(), kept.scheduled_too()
    later = max((first, second), key=lambda wave: wave.pk)
    Wave.objects.filter(pk=later.pk).update(notify_date=NOTIFY - timedelta(minutes=5))
    assert [wave.pk for wave in scheduling._due(NOTIFY)] == [
        later.pk,
        min(first.pk, second.pk),
    ]
