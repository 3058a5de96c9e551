"""Triggered once at its notify date, codes assigned and published, held when late. [W-11, K-5, K-6,
T-2]
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.utils import DatabaseError

from datalake import streams
from datalake.streams.batches import unpack_frame
from operations.models import Alert
from tests.support.waves import KEY, NOTIFY, NOW, campaign_with, person, request
from waves.actions import cancel
from waves.approval import approve
from waves.choices import CodeState, WaveState
from waves.codes import assignments
from waves.errors import CodesNotAssigned, NotDue, TooLate, WrongState
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


def scheduled(fans: int = 12, key: str = KEY, **options) -> Wave:
    campaign = campaign_with(fans, **options)
    wave = prepare(request(campaign, key), by=person("ann"), now=NOW).wave
    approve(wave, by=person("bob"), digest=wave.content_digest, now=NOW)
    return schedule(wave, by=person("bob"), now=NOW)


def published() -> list[dict]:
    last = streams.extent("input", 0, 1_000)
    batches = streams.read("input", 1, last) if last else []
    return [record for batch in batches for record in unpack_frame(batch.payload).to_dicts()]


def test_nothing_happens_before_the_notify_date():
    wave = scheduled()
    assert not check_due_waves(now=NOTIFY - SECOND)
    with pytest.raises(NotDue):
        trigger(wave, by=None, now=NOTIFY - SECOND)
    assert not Assignment.objects.exists()


def test_a_due_wave_is_triggered_once_and_its_codes_are_assigned_and_published():  # W-11, K-5, T-2
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


def test_many_batches_are_assigned_and_published_whole(monkeypatch):  # W-11
    monkeypatch.setattr(assignments, "BATCH", 3)
    wave = scheduled(20, capacities={"west": 10})
    check_due_waves(now=NOTIFY)
    assert Assignment.objects.filter(wave=wave).count() == len(published()) == 10


def test_repeats_change_nothing():  # W-11, T-2
    wave = scheduled()
    trigger(wave, by=None, now=NOTIFY)
    before = list(Assignment.objects.order_by("id").values())
    again = assignments.assign(wave, now=NOTIFY + SECOND)
    assert (again.members, again.valid, again.updated) == (10, 10, 0)
    assert assignments.publish(wave, now=NOTIFY + SECOND) == 0
    assert list(Assignment.objects.order_by("id").values()) == before
    assert len(published()) == 10


def test_a_trigger_that_was_cut_off_is_finished_by_the_next_look(monkeypatch):  # O-6
    wave = scheduled()
    with monkeypatch.context() as patch:
        patch.setattr(assignments, "publish", lambda *_, **__: 0)
        check_due_waves(now=NOTIFY)
    assert Code.objects.filter(wave=wave, state=CodeState.ASSIGNED).count() == 10
    check_due_waves(now=NOTIFY + SECOND)
    assert (
        Code.objects.filter(wave=wave, state=CodeState.PUBLISHED).count() == len(published()) == 10
    )


def test_tm_is_neither_assigned_nor_streamed():  # K-3, T-2
    wave = scheduled(4, capacities={"west": 4}, code_source="tm")
    assert [w.pk for w in check_due_waves(now=NOTIFY).triggered] == [wave.pk]
    assert not Assignment.objects.exists()
    assert published() == []


def test_more_than_the_grace_late_is_held_with_an_alert_and_nothing_is_assigned():  # W-11
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


def test_a_sender_that_comes_too_late_finds_the_wave_held():  # W-11
    wave = scheduled()
    with pytest.raises(TooLate, match="is held now"):
        trigger(wave, by=None, now=NOTIFY + timedelta(hours=2) + SECOND)
    assert Wave.objects.get(pk=wave.pk).state == WaveState.HELD
    assert not Assignment.objects.exists()


def test_exactly_the_grace_late_is_still_triggered():  # W-11
    wave = scheduled()
    assert [w.pk for w in check_due_waves(now=NOTIFY + timedelta(hours=2)).triggered] == [wave.pk]


def test_a_held_wave_that_is_too_late_is_not_scheduled_again_for_its_old_date():  # W-11
    wave = scheduled()
    late = NOTIFY + timedelta(hours=3)
    check_due_waves(now=late)
    wave.refresh_from_db()
    with pytest.raises(TooLate):
        schedule(wave, by=person("bob"), now=late)


def test_content_that_changed_is_not_triggered():
    wave = scheduled()
    member = Member.objects.filter(wave=wave).first()
    Member.objects.filter(pk=member.pk).update(phone="+12065550000")
    seen = check_due_waves(now=NOTIFY)
    assert ([w.pk for w in seen.voided], seen.triggered) == ([wave.pk], [])
    wave.refresh_from_db()
    assert wave.state == WaveState.CONFIGURED
    assert not Assignment.objects.exists()
    assert Alert.objects.filter(text__contains=wave.name).exists()


def test_a_template_that_cannot_be_used_any_more_stops_the_trigger_of_that_wave_only():  # X-5, K-3
    broken, fine = scheduled(4, capacities={"west": 4}, code_source="tm"), scheduled()
    Template.objects.create(campaign=broken.campaign, channel="sms", body="{code}")
    seen = check_due_waves(now=NOTIFY)
    assert ([w.pk for w in seen.voided], [w.pk for w in seen.triggered]) == ([broken.pk], [fine.pk])


def test_a_code_that_cannot_be_assigned_pauses_its_wave_and_not_the_others():  # K-6
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
    with pytest.raises(CodesNotAssigned, match="1 codes"):
        assignments.assign(first, now=NOTIFY)


def test_a_cancelled_wave_assigns_nothing_more():  # K-5
    wave = scheduled()
    stale = Wave.objects.select_related("campaign").get(pk=wave.pk)
    cancel(wave, by=person("root"), reason="rain")
    with pytest.raises(WrongState):
        assignments.assign(stale, now=NOTIFY)
    assert not Assignment.objects.exists()


def test_a_fan_who_holds_a_code_is_not_selected_again():  # K-6
    wave = scheduled()
    check_due_waves(now=NOTIFY)
    wave.refresh_from_db()
    cancel(wave, by=person("root"), reason="rain")
    again = prepare(request(wave.campaign, "20260121-2"), by=person("ann"), now=NOW)
    assert {str(reason): n for reason, n in again.decision.excluded.items()} == {"holds_code": 10}


def test_an_assignment_cannot_be_changed_or_deleted():  # K-6
    check_due_waves(now=NOTIFY) if scheduled() else None
    assignment = Assignment.objects.first()
    with pytest.raises(DatabaseError, match="immutable"), transaction.atomic():
        Assignment.objects.filter(pk=assignment.pk).update(global_user_id="somebody else")
    with (
        pytest.raises(DatabaseError, match="immutable"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("DELETE FROM waves_assignment WHERE id = %s", [assignment.pk])


def test_one_assignment_for_each_campaign_and_fan():  # K-6
    wave = scheduled()
    check_due_waves(now=NOTIFY)
    one = Assignment.objects.first()
    free = Code.objects.create(campaign=wave.campaign, code="SPARE22222")
    with pytest.raises(IntegrityError, match="assignment_once"), transaction.atomic():
        Assignment.objects.create(
            campaign=wave.campaign,
            global_user_id=one.global_user_id,
            code=free,
            wave=wave,
            market=one.market,
            assigned_at=NOW,
        )


def test_the_scheduler_sleeps_until_the_next_due_wave_and_at_most_a_second():  # W-11
    assert seconds_to_next(NOW) == 1.0
    scheduled()
    assert seconds_to_next(NOTIFY - timedelta(milliseconds=250)) == 0.25
    assert seconds_to_next(NOTIFY - timedelta(hours=1)) == 1.0
    assert seconds_to_next(NOTIFY + SECOND) == 0.0


def test_a_wave_scheduled_while_the_scheduler_sleeps_is_at_most_a_second_late():  # W-11
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
