"""A provider's account, which all workers share: slots, permits and pause, in its row in
PostgreSQL. [N-2, N-6]

Concurrency: each sender holds slots under a lease; the account's row is locked while they are
dealt, so their sum never exceeds the limit. Rate: permits are instants on the database's clock,
taken in blocks by moving `permits_until`. Leases, too, run by that clock alone: a machine whose own
clock is wrong takes nobody's slots.
"""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Now

from operations import alerts
from operations.database.locks import lock_in_key_order
from operations.database.retries import retried
from operations.jobs import record_move
from operations.models import StatusChange
from operations.subjects import Subject
from waves.choices import Channel
from waves.models import ProviderAccount, Sender
from waves.providers import registry
from waves.sending import pacing


@dataclass(frozen=True)
class Limits:
    """What the provider allows this account, over all workers. [N-2]"""

    per_second: int
    concurrency: int


def limits_of(channel: str) -> Limits:
    """As the settings say."""
    if channel == Channel.SMS:
        return Limits(settings.SMS_PER_SECOND, settings.SMS_CONCURRENCY)
    return Limits(settings.EMAIL_PER_SECOND, settings.EMAIL_CONNECTIONS)


@dataclass(frozen=True)
class SenderSlots:
    """How many requests a sender may have in flight, and why the account is paused, if it is."""

    count: int
    paused: str  # the reason, or empty


@dataclass(frozen=True)
class Grant:
    """A block of permits on the database's clock, and the question-and-answer times that tie the
    clocks together.
    """

    first: float
    count: int
    before: float
    database_now: float
    after: float


def account(name: str) -> ProviderAccount:
    """The account's row, made on first use."""
    return ProviderAccount.objects.get_or_create(name=name)[0]


def take_slots(
    name: str,
    sender: uuid.UUID,
    wave_id: int,
    *,
    limits: Limits,
    in_flight: int,
    lease: timedelta,
) -> SenderSlots:
    """Renew the sender's lease with the number of requests it has in flight; returns its slots and
    whether the account is paused. [N-2, N-6]
    """
    with transaction.atomic():
        held = ProviderAccount.objects.select_for_update().get(name=name)
        Sender.objects.filter(account=held, lease_until__lt=Now()).delete()
        others = Sender.objects.filter(account=held).exclude(pk=sender)
        alive = list(others.values_list("slots", "in_flight"))
        slots = pacing.share(
            limits.concurrency,
            held_by_others=sum(slots for slots, _ in alive),
            workers=len(alive) + 1,
        )
        # What is in flight stays ours until it comes back, so the sum holds while we make room for
        # a newcomer.
        kept = max(slots, in_flight)
        values = {
            "account": held,
            "wave_id": wave_id,
            "slots": kept,
            "in_flight": in_flight,
            "lease_until": Now() + lease,
        }
        Sender.objects.update_or_create(pk=sender, defaults=values)
        ProviderAccount.objects.filter(pk=held.pk).update(
            in_flight=in_flight + sum(busy for _, busy in alive)
        )
    return SenderSlots(slots, held.paused_reason or "paused" if held.paused else "")


def release_slots(name: str, sender: uuid.UUID) -> None:
    """Give the slots back; the sender has nothing in flight any more."""
    Sender.objects.filter(pk=sender).delete()
    busy = Sender.objects.filter(account__name=name, lease_until__gte=Now()).aggregate(
        busy=Sum("in_flight")
    )
    ProviderAccount.objects.filter(name=name).update(in_flight=busy["busy"] or 0)


def sends_instead(wave_id: int) -> str:
    """The title of the provider that sends the wave in place of the chosen one; empty where the
    chosen one does, or nobody. [N-9]
    """
    fallback = registry.fallback_sms()
    if fallback is None:
        return ""
    senders = Sender.objects.filter(
        wave=wave_id, account__name=fallback.name, lease_until__gte=Now()
    )
    return fallback.title if senders.exists() else ""


def in_flight(**of: Any) -> int:
    """Requests under way to real providers, of the live senders that `of` names (nothing: of all);
    falls to 0 after a stop. What a rehearsal records is not under way. [N-6, X-6]
    """
    alive = Sender.objects.filter(lease_until__gte=Now(), **of)
    alive = alive.exclude(account__name=registry.RECORDER.name)
    return alive.aggregate(busy=Sum("in_flight"))["busy"] or 0


NOW = "SELECT extract(epoch FROM clock_timestamp())::float8"
LOOKS_AT_THE_CLOCK = 3


def clock_bounds() -> pacing.ClockBounds:
    """How this worker's clock and the database's belong together, from a few quick questions: the
    first block of permits would be late by the time that its answer took. [N-2]
    """
    bounds = pacing.ClockBounds()
    with connection.cursor() as cursor:
        for _ in range(LOOKS_AT_THE_CLOCK):
            before = time.monotonic()
            cursor.execute(NOW)
            (theirs,) = cursor.fetchone()
            bounds = bounds.narrowed(before, theirs, time.monotonic())
    return bounds


TAKE_PERMITS = """
UPDATE waves_provideraccount
SET permits_until = greatest(coalesce(permits_until, '-infinity'), clock_timestamp()) +
    make_interval(secs => %(length)s)
WHERE name = %(name)s AND NOT paused
RETURNING extract(epoch FROM permits_until)::float8, extract(epoch FROM clock_timestamp())::float8
"""


def take_permits(name: str, *, per_second: int, wanted: int | None = None) -> Grant | None:
    """The next block of permits of this account; None while it is paused. Two workers never get the
    same instants. [N-2]
    """
    count = pacing.block_size(per_second, wanted)
    length = count * pacing.spacing(per_second)
    with connection.cursor() as cursor:
        before = time.monotonic()
        cursor.execute(TAKE_PERMITS, {"length": length, "name": name})
        row = cursor.fetchone()
        after = time.monotonic()
    return Grant(row[0] - length, count, before, row[1], after) if row else None


def hold_off(name: str, seconds: float) -> None:
    """No permits for the next `seconds`: the provider asked all of us to wait. [N-3]"""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE waves_provideraccount SET permits_until = "
            "greatest(permits_until, clock_timestamp() + make_interval(secs => %s)) WHERE name"
            " = %s",
            [seconds, name],
        )


@retried
@transaction.atomic
def pause(name: str, reason: str, *, by: User | None = None) -> bool:
    """Stop sending through the account, within two seconds in every worker, and alert. False if it
    was paused. [N-6]
    """
    account(name)
    paused = ProviderAccount.objects.filter(name=name, paused=False).update(
        paused=True, paused_reason=reason[:200], paused_at=Now()
    )
    if paused:
        record_move(Subject("account", name), "sending", "paused", by=by, reason=reason)
        who = f" by {by.get_username()}" if by else ""
        alerts.alert(
            f":double_vertical_bar: Sending through {registry.TITLES.get(name, name)}"
            f" is stopped{who}: {reason}{'' if by else _instead(name)}"
        )
    return bool(paused)


def why_paused(channel: str) -> str:
    """Why nothing is sent on a channel: its first provider is paused, and each other one is, too;
    empty where one of them sends. [N-6, N-9]
    """
    paused = dict(ProviderAccount.objects.filter(paused=True).values_list("name", "paused_reason"))
    providers = registry.all_of(channel)
    if any(each.name not in paused for each in providers):
        return ""
    first = providers[0]
    return f"Sending through {first.title} is stopped: {paused[first.name]}"


def _instead(name: str) -> str:
    """The sentence that names who sends now; empty where nobody does. [N-9]"""
    others = [each for each in registry.all_sms() if each.name != name]
    may_send = [each.title for each in others if not account(each.name).paused]
    is_sms = any(each.name == name for each in registry.all_sms())
    return f". {may_send[0]} sends instead." if is_sms and may_send else ""


def with_who_stopped_them() -> QuerySet[ProviderAccount]:
    """All accounts by name, with `stopped_by`: who paused them last; null: the system. [N-6]"""
    pauses = StatusChange.objects.filter(
        subject_kind="account", subject_id=OuterRef("name"), to_state="paused"
    )
    last = Subquery(pauses.order_by("-id").values("by__username")[:1])
    return ProviderAccount.objects.annotate(stopped_by=last).order_by("name")


@retried
@transaction.atomic
def resume(name: str, *, by: User | None = None, reason: str = "") -> bool:
    """Let the account send again; the caller has read the reason for the pause. False if
    it was not paused. [N-6]

    Senders that ended have to be woken by the caller.
    """
    resumed = ProviderAccount.objects.filter(name=name, paused=True).update(
        paused=False, paused_reason="", paused_at=None
    )
    if resumed:
        record_move(Subject("account", name), "paused", "sending", by=by, reason=reason)
    return bool(resumed)


@retried
@transaction.atomic
def stop_all(reason: str, *, by: User | None = None) -> list[str]:
    """Pause the account of every provider, or none where something fails: what is left would send
    instead. Returns the names of those that this call paused. [N-6, N-9]
    """
    for provider in registry.ALL:
        account(provider.name)
    lock_in_key_order(ProviderAccount.objects.all())
    return [provider.name for provider in registry.ALL if pause(provider.name, reason, by=by)]


def resume_all(reason: str, *, by: User | None = None) -> list[str]:
    """Let every account send again; returns the names of those that were paused. [N-6]"""
    return [
        provider.name for provider in registry.ALL if resume(provider.name, by=by, reason=reason)
    ]
