"""The first fans of a wave, and when the others follow, whatever happens in between. [N-9]"""

from __future__ import annotations

import threading
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.utils import timezone

from operations.models import Alert, Job, StatusChange
from tests.support.sending import FAST, QUICK, states, triggered_wave
from waves import actions
from waves.choices import Channel, SendState, SuppressedBy
from waves.errors import WrongState
from waves.lifecycle import subject_of
from waves.models import Resend, Send, SoftStart, Wave
from waves.providers.outcomes import Kind, Outcome, Receipt
from waves.receipts import taking
from waves.sending import email_queue, new_messages, results, send_rows, tasks
from waves.sending.send_rows import Messages
from waves.sending.send_wave import send_wave
from waves.soft_start import progress, rules
from waves.soft_start.rules import Verdict
from waves.suppression.contacts import Contact
from waves.suppression.suppressed import Ground, suppress

pytestmark = pytest.mark.django_db(transaction=True)
SHORT = replace(QUICK, patience=0.0)


class Accepting:
    """A provider that accepts everything but what goes to `refused`."""

    keys_last, honours_keys = None, True

    def __init__(self, name: str = "sms_http", *, refused=()) -> None:
        self.name, self.refused, self.asked = name, refused, []

    @asynccontextmanager
    async def open_session(self, timeout_seconds, most_connections):
        yield None

    async def send(self, session, message):
        self.asked.append(message.key)
        if message.to in self.refused:
            return Outcome(Kind.REFUSED, "http_400")
        return Outcome(Kind.SENT, provider_id="1")


def send(wave: Wave, provider: Accepting | None = None, **options) -> dict:
    return send_wave(
        wave.pk, provider=provider or Accepting(), limits=FAST, timing=SHORT, **options
    )


def deliver(provider: Accepting | None = None) -> None:
    email_queue.deliver(provider=provider or Accepting("anymail"), limits=FAST, timing=SHORT)


def first_sent(members: int = 20, first: int = 10, **options) -> Wave:
    """A wave whose first messages are sent; it waits for their receipts."""
    wave = triggered_wave(members, soft_start=first, **options)
    send(wave)
    wave.refresh_from_db()
    return wave


def receipts(wave: Wave, delivered: int, undeliverable: int = 0, provider: str = "sms_http"):
    rows = Send.objects.filter(wave=wave, provider=provider, state="sent").order_by("pk")
    outcomes = ["delivered"] * delivered + ["undeliverable"] * undeliverable
    events = [
        Receipt(row.key, SendState(state), "1")
        for row, state in zip(rows[: len(outcomes)], outcomes, strict=True)
    ]
    taking.take(provider, events)


def state_of(wave: Wave) -> tuple[str, str]:
    wave.refresh_from_db()
    return wave.state, SoftStart.objects.get(wave=wave).state


def alerts() -> list[str]:
    return list(Alert.objects.filter(text__contains="soft start").values_list("text", flat=True))


def test_n9_the_first_fans_are_notified_and_the_others_follow_once_nine_tenths_are_delivered():
    wave, provider = triggered_wave(20, soft_start=10), Accepting()
    send(wave, provider)
    first = Send.objects.filter(wave=wave, channel="sms", member__global_user_id__lte="fan-0000010")
    assert set(provider.asked) == {str(key) for key in first.values_list("key", flat=True)}
    assert state_of(wave) == ("paused", "waiting")
    receipts(wave, 4)
    tasks.wake_waves()
    assert state_of(wave) == ("paused", "waiting")

    receipts(wave, 5, 1)
    tasks.wake_waves()
    assert state_of(wave) == ("triggered", "passed")
    assert Job.objects.filter(kind=tasks.SEND_KIND, subject_id=wave.name).exists()
    send(wave, provider)
    assert (len(provider.asked), len(set(provider.asked))) == (20, 20)
    assert state_of(wave) == ("completed", "passed")
    assert alerts() == []
    moves = StatusChange.objects.about(subject_of(wave)).order_by("pk")
    assert [(move.to_state, move.by, move.reason) for move in moves][:2] == [
        ("paused", None, "soft start: messages to the first 10 were sent; waiting for receipts"),
        (
            "triggered",
            None,
            "soft start: 9 of the 10 messages with a receipt were delivered; 10 were accepted",
        ),
    ]


def test_n9_too_few_delivered_alert_once_and_a_person_lets_the_others_follow(ann):
    wave = first_sent()
    receipts(wave, 8, 2)
    for _ in range(2):
        tasks.wake_waves()
    assert state_of(wave) == ("paused", "waiting")
    [said] = alerts()
    assert f"Wave {wave.name} is paused after its soft start" in said
    assert "Fewer than 90% were delivered: 8 of the 10 messages" in said

    actions.resume(wave, by=ann, reason="the two numbers are old")
    assert state_of(wave) == ("triggered", "passed")
    send(wave)
    assert (state_of(wave)[0], states(wave)["sent"]) == ("completed", 10)


def test_n9_receipts_that_do_not_come_alert_once():
    wave = first_sent()
    tasks.wake_waves()
    assert alerts() == []
    SoftStart.objects.update(waiting_since=Now() - rules.LONGEST_WAIT)
    for _ in range(2):
        tasks.wake_waves()
    [said] = alerts()
    assert "After 15 minutes too few receipts have come: 0 of the 0" in said
    receipts(wave, 10)
    tasks.wake_waves()
    assert state_of(wave) == ("triggered", "passed")


@pytest.mark.parametrize("last", ["sms", "email"])
def test_n9_the_first_messages_of_both_channels_are_sent_before_it_waits(last):
    wave = triggered_wave(20, emails=20, soft_start=10)
    new_messages.make_sends(wave)
    steps = [lambda: send(wave), deliver]
    if last == "sms":
        steps.reverse()
    steps[0]()
    assert state_of(wave) == ("triggered", "first")
    steps[1]()
    assert state_of(wave) == ("paused", "waiting")
    assert states(wave) == states(wave, "email") == {"sent": 10, "pending": 10}
    assert not email_queue.has_work()

    receipts(wave, 10)
    assert progress.judge(wave.pk) == Verdict.GOES_ON
    deliver()
    send(wave)
    assert states(wave) == {"delivered": 10, "sent": 10}
    assert states(wave, "email") == {"sent": 20}
    assert state_of(wave)[0] == "completed"


def test_n9_while_the_first_sms_are_sent_the_other_e_mails_are_no_work():
    wave = triggered_wave(20, phones=20, emails=20, soft_start=10)
    new_messages.make_sends(wave)
    deliver()
    assert state_of(wave) == ("triggered", "first")
    assert not email_queue.has_work()


def test_n7_n9_a_wave_of_e_mails_is_not_complete_before_its_soft_start_is_over():
    wave = triggered_wave(20, phones=0, emails=20, soft_start=10)
    send(wave)
    assert state_of(wave) == ("triggered", "first")
    deliver()
    receipts(wave, 10, provider="anymail")
    progress.judge(wave.pk)
    send(wave)
    assert state_of(wave) == ("completed", "passed")
    deliver()
    assert states(wave, "email") == {"delivered": 10, "sent": 10}


def test_n9_what_a_killed_worker_had_in_flight_is_sent_before_it_waits():
    wave = triggered_wave(20, soft_start=10)
    new_messages.make_sends(wave)
    messages = Messages(wave.pk, Channel.SMS, provider="sms_http", last=progress.last_send(wave.pk))
    claimed = send_rows.claim(messages, uuid4(), after=0, limit=100, lease=timedelta(seconds=60))
    assert len(claimed.rows) == 10  # and none behind them
    progress.look_after()
    assert state_of(wave) == ("triggered", "first")
    Send.objects.filter(state="sending").update(lease_until=Now() - timedelta(seconds=1))
    provider = Accepting()
    send(wave, provider)
    assert len(provider.asked) == 10
    assert state_of(wave) == ("paused", "waiting")


def test_n9_a_worker_that_is_killed_behind_the_last_of_them_leaves_it_to_the_next_minute(
    monkeypatch,
):
    wave = triggered_wave(20, soft_start=10)
    with monkeypatch.context() as patch:
        patch.setattr(progress, "end_first", lambda wave_id: False)
        send(wave)
    assert state_of(wave) == ("triggered", "first")
    tasks.wake_waves()
    assert state_of(wave) == ("paused", "waiting")


def test_n9_messages_and_soft_start_are_made_together_or_not_at_all(monkeypatch):
    wave = triggered_wave(20, soft_start=10)

    def killed(wave):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(progress, "begin", killed)
        with pytest.raises(KeyboardInterrupt):
            new_messages.make_sends(wave)
    assert not Send.objects.filter(wave=wave).exists()
    assert new_messages.make_sends(wave) > 0
    assert progress.is_open(wave.pk)


def test_n9_two_workers_send_the_first_messages_once_and_it_waits_once():
    wave, provider = triggered_wave(60, soft_start=30), Accepting()

    def work():
        try:
            send(wave, provider)
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert (len(provider.asked), len(set(provider.asked))) == (30, 30)
    assert state_of(wave) == ("paused", "waiting")
    paused = StatusChange.objects.about(subject_of(wave)).filter(to_state="paused")
    assert paused.count() == 1


def test_n1_n9_e_mails_instead_of_the_first_sms_go_after_it(settings):
    wave = triggered_wave(20, emails=20, channels="sms_first", soft_start=10)
    send(wave, Accepting(refused={"+12020000001"}))
    assert state_of(wave) == ("paused", "waiting")
    receipts(wave, 9)
    progress.judge(wave.pk)
    send(wave)
    deliver()
    assert states(wave, "email") == {"sent": 1}
    assert state_of(wave)[0] == "completed"


def test_n6_n9_a_person_who_pauses_and_resumes_during_the_first_messages_lets_no_others_follow(ann):
    wave = triggered_wave(20, soft_start=10)
    new_messages.make_sends(wave)
    actions.pause(wave, by=ann, reason="look")
    tasks.wake_waves()
    assert state_of(wave) == ("paused", "first")
    actions.resume(wave, by=ann, reason="go on")
    send(wave)
    assert state_of(wave) == ("paused", "waiting")
    assert states(wave) == {"sent": 10, "pending": 10}


def test_n9_a_person_keeps_a_wave_paused_that_waits_for_receipts(ann):
    wave = first_sent()
    actions.pause(wave, by=ann, reason="wait for the artist")
    assert state_of(wave) == ("paused", "by_hand")
    last = StatusChange.objects.about(subject_of(wave)).latest("pk")
    assert (last.to_state, last.by, last.reason) == ("stays paused", ann, "wait for the artist")
    receipts(wave, 10)
    tasks.wake_waves()
    assert progress.judge(wave.pk) is None
    assert state_of(wave) == ("paused", "by_hand")
    with pytest.raises(WrongState):
        actions.pause(wave, by=ann, reason="again")
    actions.resume(wave, by=ann, reason="go on")
    assert state_of(wave) == ("triggered", "passed")


def test_n9_a_wave_that_is_paused_later_is_not_resumed_by_its_soft_start(ann):
    wave = first_sent()
    receipts(wave, 10)
    tasks.wake_waves()
    wave.refresh_from_db()
    actions.pause(wave, by=ann, reason="stop")
    tasks.wake_waves()
    assert state_of(wave) == ("paused", "passed")


def test_n9_a_wave_that_is_cancelled_while_it_waits_stays_so(ann):
    wave = first_sent()
    actions.cancel(wave, by=ann, reason="wrong text")
    receipts(wave, 10)
    tasks.wake_waves()
    assert state_of(wave)[0] == "cancelled"
    assert progress.standing(wave) is None


def test_n8_n9_who_is_suppressed_among_the_first_holds_up_nobody():
    wave = triggered_wave(20, soft_start=10)
    suppress([Contact(Channel.SMS, "+12020000003")], Ground(SuppressedBy.STOP))
    send(wave)
    assert state_of(wave) == ("paused", "waiting")
    receipts(wave, 9)
    assert progress.judge(wave.pk) == Verdict.GOES_ON


def test_x12_n9_what_support_sends_again_is_no_receipt_of_the_first_messages(ann):
    wave = first_sent()
    row = Send.objects.filter(wave=wave, state="sent").earliest("pk")
    again = {"wave": wave, "member": row.member, "channel": "sms", "state": "delivered"}
    for _ in range(10):
        Resend.objects.create(
            **again,
            request=uuid4(),
            key=uuid4(),
            by=ann,
            why="lost",
            contact="+12025550100",
            is_corrected=True,
            provider="sms_http",
            attempts=1,
        )
    assert progress.judge(wave.pk) == Verdict.WAITS


@pytest.mark.parametrize("members", [1, 10])
def test_n9_a_wave_of_no_more_fans_than_that_has_no_soft_start(members):
    wave = triggered_wave(members, soft_start=10)
    send(wave)
    wave.refresh_from_db()
    assert (wave.state, SoftStart.objects.count()) == ("completed", 0)


def test_n9_a_channel_whose_provider_posts_no_receipts_is_not_waited_for():
    wave = triggered_wave(20, emails=20, soft_start=10)
    new_messages.make_sends(wave)
    deliver(Accepting("email_django"))
    send(wave)
    receipts(wave, 5)
    assert progress.judge(wave.pk) == Verdict.GOES_ON


def test_n9_where_no_receipt_can_come_a_person_decides_at_once():
    wave = triggered_wave(20, phones=0, emails=20, soft_start=10)
    new_messages.make_sends(wave)
    deliver(Accepting("email_django"))
    assert progress.judge(wave.pk) == Verdict.POOR
    assert "by a provider that posts receipts" in alerts()[0]


def test_n9_a_closed_or_refused_wave_holds_up_no_other(monkeypatch):
    stuck, other = first_sent(), first_sent()
    receipts(other, 10)
    judge = progress.judge

    def refused(wave_id):
        if wave_id == stuck.pk:
            raise WrongState("no")
        return judge(wave_id)

    monkeypatch.setattr(progress, "judge", refused)
    progress.look_after()
    assert (state_of(stuck)[0], state_of(other)[0]) == ("paused", "triggered")


def test_n7_n9_failed_ones_among_the_first_are_sent_again_before_the_others(ann):
    wave = triggered_wave(20, soft_start=10)
    send(wave, Accepting(refused={"+12020000001"}))
    results.retry_failed(wave.pk)
    assert state_of(wave) == ("paused", "waiting")
    receipts(wave, 9)
    tasks.wake_waves()
    send(wave)
    assert states(wave) == {"delivered": 9, "sent": 11}


def test_n9_a_settled_message_is_none_with_a_receipt():
    wave = first_sent()
    Send.objects.filter(state="sent").update(provider="", settled_at=timezone.now())
    assert progress.judge(wave.pk) == Verdict.POOR
