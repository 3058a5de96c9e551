"""Whenever a contact is suppressed, no message is claimed for it from then on; and whoever does so at
once does it once. [N-8]
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection, transaction

from operations.database.statements import rows
from tests.conftest import FULL
from tests.support.waiting import wait_until
from tests.support.waves import NOW, approve, campaign_with, person, phone, request
from waves.choices import Channel, SendState, SuppressedBy
from waves.errors import SuppressionRefused
from waves.models import Send, Suppression, Wave
from waves.preparation.prepare import prepare
from waves.schedule import check_due_waves, schedule
from waves.sending import new_messages, send_rows
from waves.sending.pacing import NextState
from waves.sending.send_rows import Messages
from waves.suppression.contacts import Contact
from waves.suppression.suppressed import Ground, entries_of, lift, suppress

pytestmark = pytest.mark.django_db(transaction=True)

MOMENTS = ("before it is prepared", "prepared", "triggered", "rows are made", "between two tries")
REACHED = [[Channel.SMS], [Channel.EMAIL], [Channel.SMS, Channel.EMAIL]]
WAITING = """
SELECT count(*) FROM pg_locks WHERE NOT granted
"""
TRIED = NextState(SendState.PENDING, "no_connection", 1, maybe_accepted=False, wait_seconds=0.0)


class Objecting:
    """Fans who object at some moment of a wave's life, on some channels, to one campaign or to all;
    one for each combination, and one who never does.
    """

    def __init__(self, seed: int, channels: str) -> None:
        cases = [*itertools.product(MOMENTS, REACHED, (True, False)), None]
        random.Random(seed).shuffle(cases)
        self.cases = dict(enumerate(cases))
        self.campaign = campaign_with(len(cases), {"west": len(cases)}, notify_channels=channels)
        self.gone: set[Contact] = set()

    def come_to(self, moment: str) -> None:
        for fan, case in self.cases.items():
            if case and case[0] == moment:
                contacts = [contact_of(fan, channel) for channel in case[1]]
                ground = Ground(SuppressedBy.STOP, self.campaign if case[2] else None)
                suppress(contacts, ground)
                self.gone |= {*contacts}

    def triggered(self) -> Wave:
        self.come_to("before it is prepared")
        wave = prepare(request(self.campaign), by=person("ann"), now=NOW).wave
        self.come_to("prepared")
        approve(wave, by=person("bob"), digest=wave.content_digest, now=NOW)
        schedule(wave, by=person("bob"), now=NOW)
        check_due_waves(now=wave.notify_date)
        self.come_to("triggered")
        new_messages.make_sends(wave)
        self.come_to("rows are made")
        return wave

    def attempted(self, wave: Wave, state: NextState | None) -> set[Contact]:
        """Whom a sender would send to now, of both channels; each attempt ends in this state."""
        found: set[Contact] = set()
        for channel in Channel:
            sender, messages = uuid4(), Messages(wave.pk, channel)
            claimed = send_rows.claim(
                messages, sender, after=0, limit=1_000, lease=timedelta(seconds=60)
            ).rows
            found |= {Contact(channel, row.contact) for row in claimed}
            if state:
                send_rows.record_rest(sender, [(row, state) for row in claimed])
            else:
                send_rows.record_sent(sender, [(row, "p") for row in claimed])
            if channel == Channel.SMS:
                new_messages.queue_emails_instead(wave)
        return found


def contact_of(fan: int, channel: Channel) -> Contact:
    return Contact(channel, phone(fan) if channel == Channel.SMS else f"fan{fan}@example.com")


@pytest.mark.parametrize("seed", range(20 if FULL else 1))
@pytest.mark.parametrize("channels", ["both", "sms_first"])
def test_n8_no_message_is_claimed_for_a_contact_from_its_suppression_on(channels, seed):
    """And everybody else is reached on every channel that is left to them. [N-1]"""
    fans = Objecting(seed, channels)
    wave = fans.triggered()
    first = fans.attempted(wave, TRIED)
    assert not first & fans.gone
    fans.come_to("between two tries")
    second = fans.attempted(wave, None)
    assert not second & fans.gone
    due = {contact_of(fan, channel) for fan in fans.cases for channel in Channel} - fans.gone
    if channels == "sms_first":
        by_sms = {fan for fan in fans.cases if contact_of(fan, Channel.SMS) in due}
        due -= {contact_of(fan, Channel.EMAIL) for fan in by_sms}
    assert second == due
    left = Send.objects.filter(wave=wave).exclude(state=SendState.SENT)
    assert set(left.values_list("state", flat=True)) == {"skipped"}


def at_once(work: Callable[[], object], then: Callable[[], object]) -> tuple[object, object]:
    """`work` in a transaction that is committed only when `then`, of another connection, waits for
    it.
    """

    def other() -> object:
        try:
            return then()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as thread:
        with transaction.atomic():
            first = work()
            second = thread.submit(other)
            wait_until(lambda: _somebody_waits() or second.done(), "the second to wait")
        return first, second.result()


def _somebody_waits() -> bool:
    return rows(WAITING)[0][0] > 0


def test_n8_the_key_of_the_list_is_made_once_though_two_are_first():
    ann, bob = contact_of(1, Channel.SMS), contact_of(2, Channel.SMS)
    stop = Ground(SuppressedBy.STOP)
    assert at_once(lambda: suppress([ann], stop), lambda: suppress([bob], stop)) == (1, 1)
    assert entries_of(ann).count() == entries_of(bob).count() == 1


def test_n8_one_cause_of_a_contact_is_listed_once_though_two_report_it():
    contacts = [contact_of(fan, Channel.EMAIL) for fan in range(20)]
    stop = Ground(SuppressedBy.STOP)
    suppress(contacts[:1], stop)
    both = at_once(lambda: suppress(contacts, stop), lambda: suppress(contacts[::-1], stop))
    assert both == (19, 0)
    assert Suppression.objects.count() == 20


def test_n8_one_of_two_who_lift_an_entry_is_told_that_it_is_lifted():
    ann, bob = person("ann"), person("bob")
    suppress([contact_of(1, Channel.SMS)], Ground(SuppressedBy.STOP))
    entry = Suppression.objects.get()

    def second() -> str:
        try:
            lift(entry.pk, by=bob, reason="asked again")
        except SuppressionRefused as refusal:
            return str(refusal)
        return ""

    _, told = at_once(lambda: lift(entry.pk, by=ann, reason="asked again"), second)
    entry.refresh_from_db()
    assert entry.lifted_by == ann
    assert "already" in str(told)
