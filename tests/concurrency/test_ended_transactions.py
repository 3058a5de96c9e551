"""What PostgreSQL ends for another transaction's sake is done again where it is done: nobody sees a
failure, and nothing is done twice or by half. [O-6, N-3, N-4, W-2, W-11]
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.utils import timezone
from psycopg.errors import DeadlockDetected

from operations import leases
from operations.models import Alert, StatusChange
from tests.support.sending import triggered_wave
from tests.support.waves import (
    NOTIFY,
    NOW,
    approve,
    campaign_with,
    cleared,
    counted,
    person,
    published,
    request,
    scheduled,
)
from waves import actions, approval, schedule
from waves.choices import SendState
from waves.codes import assignments
from waves.models import Assignment, Member, Send, Template, Wave
from waves.preparation import attempts
from waves.preparation.prepare import prepare
from waves.preparation.submission import submit
from waves.providers import registry
from waves.providers.outcomes import Receipt
from waves.receipts import taking
from waves.sending import accounts, new_messages, results, send_rows, triggering
from waves.sending.pacing import NextState
from waves.sending.send_rows import Row

pytestmark = pytest.mark.django_db(transaction=True)

CLAIM = uuid.uuid4()
FAILED = NextState(SendState.FAILED, "http_400", 1, maybe_accepted=False)
WRITES = re.compile(r"\b(INSERT|UPDATE)\b")


def _end() -> None:
    raise OperationalError("deadlock detected") from DeadlockDetected()


@contextmanager
def first_write_ended() -> Iterator[None]:
    ended: list[str] = []

    def end_once(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if not ended and WRITES.search(sql):
            ended.append(sql)
            _end()
        return execute(sql, *rest)

    with connection.execute_wrapper(end_once):
        yield
    assert ended


def row(send: Send) -> Row:
    return Row(send.pk, str(send.key), 1, False, "", "", "", "", "")


@pytest.mark.parametrize(
    ("change", "state"),
    [
        (lambda send: send_rows.record_sent(CLAIM, [(row(send), "p")]), SendState.SENT),
        (lambda send: send_rows.record_rest(CLAIM, [(row(send), FAILED)]), SendState.FAILED),
        (
            lambda send: len(
                taking.take("sms_http", [Receipt(send.key, SendState.DELIVERED, "p")])
            ),
            SendState.DELIVERED,
        ),
    ],
    ids=["recorded as sent", "recorded as failed", "receipt"],
)
def test_n3_the_outcome_of_a_message_is_written_though_postgresql_ended_the_statement(
    change, state
):
    wave = triggered_wave(1)
    new_messages.make_sends(wave)
    Send.objects.update(
        state="sending", claim=CLAIM, lease_until=timezone.now() + timedelta(hours=1), attempts=1
    )
    message = Send.objects.get(channel="sms")
    with first_write_ended():
        assert change(message) == 1
    message.refresh_from_db()
    assert message.state == state


@contextmanager
def each_commit_ended(monkeypatch: pytest.MonkeyPatch, *, transactions: int) -> Iterator[None]:
    """Each of so many transactions has done all its work when it is ended; its repeat is not."""
    commit, tries = connection.commit, list[str]()

    def end_every_other() -> None:
        tries.append("repeated" if tries and tries[-1] == "ended" else "ended")
        if tries[-1] == "ended":
            _end()
        commit()

    with monkeypatch.context() as patch:
        patch.setattr(connection, "commit", end_every_other)
        yield
    assert tries == ["ended", "repeated"] * transactions


def test_n4_the_messages_of_a_wave_are_made_whole_though_postgresql_ended_it():
    wave = triggered_wave(3, emails=2)
    with first_write_ended():
        assert new_messages.make_sends(wave) == 6
    assert Send.objects.exclude(queued_at=None).count() == 2


def test_w2_each_step_moves_a_wave_once_though_postgresql_ended_it(monkeypatch):
    ann, bob = person("ann", superuser=True), person("bob")
    wave = prepare(request(campaign_with(5)), by=ann, now=NOW).wave

    def step(
        work: Callable[..., object], *arguments: Any, transactions: int = 1, **named: Any
    ) -> str:
        with each_commit_ended(monkeypatch, transactions=transactions):
            work(wave, *arguments, **named)
        return Wave.objects.values_list("state", flat=True).get(pk=wave.pk)

    def digest() -> str:
        return Wave.objects.values_list("content_digest", flat=True).get(pk=wave.pk)

    later = {"notify_date": NOTIFY + timedelta(hours=1), "by": ann, "reason": "venue", "now": NOW}
    assert step(actions.reschedule, **later) == "prepared"
    cleared(counted(wave))
    by_bob = {"by": bob, "digest": digest(), "now": NOW}
    assert step(approval.approve, transactions=2, **by_bob) == "approved"
    assert step(schedule.schedule, by=bob, now=NOW) == "scheduled"
    Template.objects.create(campaign=wave.campaign, channel="sms", body="Yours: {code}")
    assert step(lambda wave: approval.renew(wave.pk, by=None, reason="texts")) == "prepared"
    wave.refresh_from_db()
    approve(wave, by=bob, digest=digest(), now=NOW)
    schedule.schedule(wave, by=bob, now=NOW)
    wave.refresh_from_db()
    due = NOTIFY + timedelta(hours=1)
    assert step(triggering.trigger_if_free, now=due) == "triggered"
    wave.refresh_from_db()
    assert step(assignments.assign, now=due) == "triggered"
    assert step(assignments.publish, now=due, transactions=2) == "triggered"
    assert step(actions.pause, transactions=2, by=bob, reason="wait") == "paused"
    assert step(actions._cancel, by=bob, reason="no") == "cancelled"
    moves = StatusChange.objects.filter(subject_id=wave.name).order_by("id")
    assert [move.to_state for move in moves] == [
        *("configured", "prepared", "prepared", "approved", "scheduled", "prepared"),
        *("approved", "scheduled", "triggered", "paused", "cancelled"),
    ]
    assert Assignment.objects.filter(wave=wave, published_at=None).count() == 0
    assert len(published()) == 5


def test_w9_a_wave_is_reset_once_though_postgresql_ended_it(monkeypatch):
    ann = person("ann", superuser=True)
    wave = prepare(request(campaign_with(5)), by=ann, now=NOW).wave
    for before in ("prepared", "configured"):
        with each_commit_ended(monkeypatch, transactions=1):
            actions._reset(wave, by=ann, reason="again")
        wave.refresh_from_db()
        assert (wave.state, wave.attempts) == ("configured", 0), before
    prepare(request(wave.campaign), by=ann, now=NOW)


def test_w9_a_second_attempt_is_counted_once_though_postgresql_ended_it(monkeypatch):
    job = submit(request(campaign_with(5)), by=person("ann"), now=NOW)
    Wave.objects.update(state="failed", attempts=1, error="The disk is full.")
    wave = Wave.objects.get()
    with leases.working(job.pk) as lease, each_commit_ended(monkeypatch, transactions=1):
        attempts._count(wave, lease, by=None, started=NOW)
    wave = Wave.objects.get()
    assert (wave.state, wave.attempts) == ("configured", 2)


def test_x5_members_that_changed_are_found_though_postgresql_ended_it(monkeypatch):
    wave = scheduled(5)
    Member.objects.filter(wave=wave).first().delete()
    with each_commit_ended(monkeypatch, transactions=1):
        assert approval.void_members(wave.pk, by=None)
    assert (Wave.objects.get().state, Alert.objects.count()) == ("configured", 1)


def test_n7_failed_messages_go_again_and_a_wave_completes_though_postgresql_ended_it(monkeypatch):
    wave = triggered_wave(3)
    new_messages.make_sends(wave)
    Send.objects.filter(channel="sms").update(state="failed", reason="http_400", attempts=1)
    with each_commit_ended(monkeypatch, transactions=1):
        assert results.retry_failed(wave.pk) == 3
    Send.objects.filter(channel="sms").update(state="sent", sent_at=timezone.now())
    with each_commit_ended(monkeypatch, transactions=1):
        assert results.complete(wave.pk)
    assert Wave.objects.get(pk=wave.pk).state == "completed"


def test_n6_accounts_are_paused_and_resumed_though_postgresql_ended_it(monkeypatch):
    accounts.stop_all("makes the rows")
    accounts.resume_all("drill over")
    with each_commit_ended(monkeypatch, transactions=3):
        assert accounts.pause("sms_http", "down")
        assert accounts.resume("sms_http")
        assert len(accounts.stop_all("drill")) == len(registry.ALL)
    assert Alert.objects.filter(text__contains="is stopped: down").count() == 1
