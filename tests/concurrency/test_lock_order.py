"""Whoever changes several messages, or several campaigns, locks them in the order of their keys, so
that receipts, senders, erasures and people never wait for each other in a circle. [N-3, N-4, N-5,
X-5, X-11]
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import partial

import pytest
from django.contrib.auth.models import User
from django.db import DEFAULT_DB_ALIAS, connection, connections, transaction
from django.db.models import Model
from django.utils import timezone

from campaigns.models import Campaign
from datalake.erased.erasing import Sought
from operations.database.statements import run
from tests.support.forms import read_by
from tests.support.people import client_of
from tests.support.sending import triggered_wave
from tests.support.waiting import wait_until
from tests.support.waves import NOW, campaign_with, person, request
from waves.choices import Channel, SendState
from waves.erasure import rows
from waves.locks import lock_selections
from waves.models import ProviderAccount, Resend, Send, Template, Wave
from waves.preparation.prepare import prepare
from waves.providers import registry
from waves.providers.outcomes import Receipt
from waves.receipts import taking
from waves.sending import accounts, new_messages, results, send_rows
from waves.sending.pacing import NextState
from waves.sending.send_rows import Messages, Row

pytestmark = pytest.mark.django_db(transaction=True)

CLAIM = uuid.uuid4()
FAILED = NextState(SendState.FAILED, "http_400", 1, maybe_accepted=False)


def _rows(sends: Sequence[Send]) -> list[Row]:
    return [Row(send.pk, str(send.key), 1, False, "", "", "", "", "") for send in sends]


def record_sent(sends: Sequence[Send]) -> object:
    return send_rows.record_sent(CLAIM, [(row, "p") for row in _rows(sends)])


def record_failed(sends: Sequence[Send]) -> object:
    return send_rows.record_rest(CLAIM, [(row, FAILED) for row in _rows(sends)])


def release(sends: Sequence[Send]) -> object:
    return send_rows.release(CLAIM, _rows(sends))


def take_over(sends: Sequence[Send]) -> object:
    return send_rows.take_over(Messages(sends[0].wave_id, Channel.SMS), honours_keys=True)


def apply_receipts(sends: Sequence[Send]) -> object:
    return taking.take("sms_http", [Receipt(send.key, SendState.DELIVERED, "p") for send in sends])


def back_to_pending(sends: Sequence[Send]) -> object:
    return send_rows.back_to_pending([send.pk for send in sends])


def retry_failed(sends: Sequence[Send]) -> object:
    return results.retry_failed(sends[0].wave_id)


# Small tables are read by index, in the order of their keys, whatever a statement says: so are large
# ones not.
AS_THEY_LIE = [
    f"SET enable_{way} = off"
    for way in ("indexscan", "indexonlyscan", "bitmapscan", "nestloop", "mergejoin")
]


@contextmanager
def held(model: type[Model], pk: int) -> Iterator[None]:
    """Somebody else has this row."""
    with closing(connections.create_connection(DEFAULT_DB_ALIAS)) as other:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute(
                f"SELECT 1 FROM {model._meta.db_table} WHERE id = %s FOR UPDATE",
                [pk],
            )
        yield
        other.rollback()


def locked_before_the_first(
    model: type[Model], pks: Sequence[int], work: Callable[[], object]
) -> int:
    """How many of the later rows `work` has locked while it waits for the first one."""

    def working() -> None:
        try:
            for setting in AS_THEY_LIE:
                run(setting)
            work()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as thread:
        with held(model, pks[0]):
            done = thread.submit(working)
            wait_until(lambda: done.done() or _somebody_waits(), "a wait for the first row")
            assert not done.done()
            locked = len(pks[1:]) - _free(model, pks[1:])
        done.result()
    return locked


@pytest.mark.parametrize("for_all", [False, True], ids=["of another campaign", "for all campaigns"])
def test_a_template_that_moves_to_another_campaign_waits_for_a_campaign_holding_nothing(for_all):
    """[X-5] Two that move in opposite directions never wait for each other. One that was for all
    campaigns changes waves of all: it waits for the last of them before it holds the template.
    """
    root = User.objects.create_superuser("root")
    smaller, larger = campaign_with(4, {"west": 4}), campaign_with(4, {"west": 4})
    template = Template.objects.create(
        campaign=None if for_all else larger, channel="sms", body="ours {code}"
    )
    prepare(request(larger), by=person("ann"), now=NOW)  # a wave that the edit changes
    browser, data = client_of(root), read_by(root, template) | {"campaign": smaller.pk}
    address = f"/admin/waves/template/{template.pk}/change/"

    def move() -> None:
        try:
            assert browser.post(address, data).status_code == 302
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as thread:
        with held(Campaign, larger.pk if for_all else smaller.pk):
            moved = thread.submit(move)
            wait_until(lambda: moved.done() or _somebody_waits(), "a wait for the campaign")
            free = _free(Template, [template.pk])
            free += for_all or _free(Campaign, [larger.pk])
        moved.result()
    assert free == 2
    template.refresh_from_db()
    assert template.campaign == smaller


def _somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])


def _free(model: type[Model], pks: Sequence[int]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id FROM {model._meta.db_table} WHERE id = ANY(%s) FOR UPDATE SKIP LOCKED",
            [list(pks)],
        )
        return len(cursor.fetchall())


def sends_of(wave: Wave, channel: str, state: SendState) -> list[Send]:
    """The wave's messages, in the order of their keys, the first one last in the table."""
    found = Send.objects.filter(wave=wave, channel=channel)
    taken = {"claim": CLAIM, "lease_until": timezone.now(), "attempts": 1, "reason": "http_400"}
    found.update(state=state, **taken)
    rows = list(found.order_by("pk"))
    Send.objects.filter(pk=rows[0].pk).update(provider_id="later")
    return rows


@pytest.mark.parametrize(
    ("change", "state"),
    [
        (record_sent, SendState.SENDING),
        (record_failed, SendState.SENDING),
        (release, SendState.SENDING),
        (take_over, SendState.SENDING),
        (apply_receipts, SendState.SENDING),
        (back_to_pending, SendState.FAILED),
        (retry_failed, SendState.FAILED),
    ],
)
def test_messages_are_locked_in_the_order_of_their_keys(change, state):
    wave = triggered_wave(6)
    new_messages.make_sends(wave)
    sends = sends_of(wave, "sms", state)
    backwards = sends[::-1]
    locked = locked_before_the_first(Send, [s.pk for s in sends], lambda: change(backwards))
    assert locked == 0


def test_x11_an_erasure_locks_the_messages_of_a_fan_as_receipts_do_and_each_kind_before_the_next():
    """[N-3] A receipt of the first message and one of that which was sent again may come at once."""
    wave = triggered_wave(2)
    new_messages.make_sends(wave)
    member = wave.members.order_by("pk").first()
    first, *rest = sends_of(wave, "sms", SendState.PENDING)
    assert first.member_id == member.pk
    again = Resend.objects.create(
        wave=wave,
        member=member,
        channel="sms",
        contact="+12065550000",
        request="0" * 32,
        key=uuid.uuid4(),
        by=person("ann"),
        why="asked",
        is_corrected=False,
        state=SendState.SENT,
    )
    with ThreadPoolExecutor(1) as thread:
        with held(Send, first.pk):
            done = thread.submit(_erased, wave.campaign, member.global_user_id)
            wait_until(lambda: done.done() or _somebody_waits(), "a wait for the first message")
            assert not done.done()
            assert _free(Resend, [again.pk]) == 1
            assert _free(Send, [each.pk for each in rest]) == len(rest)
        done.result()
    again.refresh_from_db()
    assert again.contact == ""


def test_x11_an_erasure_waits_for_selections_before_it_holds_a_campaign():
    """[T-4] Who saves selections waits for registrants, and who holds those for another campaign."""
    wave = triggered_wave(2)
    with ThreadPoolExecutor(1) as thread:
        with transaction.atomic():
            lock_selections()
            done = thread.submit(_erased, wave.campaign, "somebody")
            wait_until(lambda: done.done() or _somebody_waits(), "a wait for the selections")
            assert not done.done()
            assert _free(Campaign, [wave.campaign_id]) == 1
        done.result()


def _erased(campaign: Campaign, fan: str) -> None:
    try:
        with rows.locked(campaign.pk) as locked:
            run("SET LOCAL fairwave.erasure = 'on'")
            rows.erase_rows(locked, Sought(fan, 1), lambda place: None)
    finally:
        connection.close()


def test_n6_stopping_all_waits_for_the_first_account_and_holds_none_of_the_others():
    for provider in reversed(registry.ALL):
        accounts.account(provider.name)
    pks = list(ProviderAccount.objects.order_by("pk").values_list("pk", flat=True))
    stop = partial(accounts.stop_all, "drill")
    assert locked_before_the_first(ProviderAccount, pks, stop) == 0
