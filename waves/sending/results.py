"""The results of a wave: counts, whether it is complete, and failed messages sent again. [N-7]"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.db.models import Case, Count, Exists, F, OuterRef, Q, QuerySet, Value, When
from django.utils import timezone

from campaigns.choices import CampaignStatus, NotifyChannels
from campaigns.opening import require_open
from operations.database.locks import lock_in_key_order
from operations.database.retries import retried
from waves.choices import Channel, Queue, SendState, WaveState
from waves.errors import WrongState
from waves.figures import kept
from waves.lifecycle import move
from waves.locks import lock_wave
from waves.models import Resend, Send, Wave
from waves.providers import registry
from waves.sending import new_messages, send_rows
from waves.sending.run import GOING
from waves.soft_start import progress

OPEN = [SendState.PENDING, SendState.SENDING]
# A message that support sent again and that has reached its fan, or may still do so.
SENT_AGAIN = [*OPEN, SendState.SENT, SendState.DELIVERED, SendState.UNKNOWN]


def result(wave_id: int) -> dict[str, Any]:
    """`{total, ok, failed, skipped, unknown, pending, detail}` as the rows are now; the five parts
    add up to `total` members. [N-7]

    `detail`: `{sms: {sent, failed, delivered, undeliverable}, email: {queued, …}}`; `email.queued`
    counts every e-mail put into the queue, those sent since too, and `sent` those that a receipt
    has told of since.
    """
    return kept.figures(wave_id).result


def has_left(wave: Wave) -> bool:
    """Whether the wave still has messages to send: its queued e-mails, failed ones that go again,
    or what support sends again. [N-6, X-12]
    """
    return any(model.objects.filter(wave=wave, state__in=OPEN).exists() for model in (Send, Resend))


def notified(campaigns: Iterable[int]) -> dict[int, int]:
    """Fans in each of these campaigns who were sent a message. [N-7]

    An e-mail that is only queued does not count, nor does what a receipt calls undeliverable.
    """
    sent = Wave.objects.filter(campaign__in=campaigns, triggered_at__isnull=False)
    campaign_of: dict[int, int] = dict(sent.values_list("pk", "campaign_id"))
    found = Counter[int]()
    for wave_id, each in kept.figures_of_all(campaign_of).items():
        found[campaign_of[wave_id]] += each.notified
    return found


def waves_to_send() -> QuerySet[Wave]:
    """Waves that need a sender: the triggered ones, and completed ones whose failed SMS go again.
    [N-7]
    """
    sms = Send.objects.filter(wave=OuterRef("pk"), channel=Channel.SMS, state__in=OPEN)
    again = Q(campaign__status=CampaignStatus.OPEN) & Q(Exists(sms))
    return Wave.objects.filter(GOING, Q(state=WaveState.TRIGGERED) | again)


def take_over_cancelled() -> int:
    """Messages that were in flight when their wave was cancelled and whose sender is dead: nobody
    sends them again, so they are unknown. Returns how many. [N-4]
    """
    cancelled = Q(wave__state=WaveState.CANCELLED) | Q(wave__queue=Queue.CANCELLED)
    left = Send.objects.filter(cancelled, state=SendState.SENDING)
    found = left.order_by("wave", "channel").values_list("wave", "channel").distinct()
    return sum(
        send_rows.take_over(send_rows.Messages(wave, Channel(channel)), honours_keys=False)
        for wave, channel in found
    )


@retried
def complete(wave_id: int) -> bool:
    """TRIGGERED → COMPLETED if no SMS is pending or in flight, every e-mail is queued, and no soft
    start keeps any of them back. True if this call completed it. [N-7, N-9]
    """
    with transaction.atomic():
        wave = lock_wave(wave_id)
        if wave.state not in {WaveState.TRIGGERED, WaveState.COMPLETED}:
            return False
        new_messages.queue_emails_instead(wave)
        if wave.state == WaveState.COMPLETED or not _is_done(wave_id):
            return False
        move(
            wave,
            WaveState.COMPLETED,
            by=None,
            reason="all messages sent",
            completed_at=timezone.now(),
        )
        return True


def _is_done(wave_id: int) -> bool:
    waiting = Send.objects.filter(wave_id=wave_id, state__in=OPEN, queued_at=None)
    if waiting.exists() or not new_messages.are_made(wave_id):
        return False
    return not progress.is_open(wave_id)


def require_queue(wave: Wave) -> None:
    """Raises WrongState where nothing of the wave is sent any more. [N-6]"""
    if wave.queue == Queue.CANCELLED:
        raise WrongState(
            f"Wave {wave.name}: the messages that were left are cancelled. They are not sent."
        )


def to_send_again(wave: Wave) -> dict[str, int]:
    """How many failed messages of each channel `retry_failed` would send again. [N-7]"""
    counts = _to_send_again(wave).order_by().values_list("channel").annotate(Count("pk"))
    return dict.fromkeys(Channel.values, 0) | dict(counts)


def _to_send_again(wave: Wave) -> QuerySet[Send]:
    reached = Resend.objects.filter(
        member=OuterRef("member"), channel=OuterRef("channel"), state__in=SENT_AGAIN
    )
    failed = Send.objects.filter(~Exists(reached), wave=wave, state=SendState.FAILED)
    if wave.queue == Queue.CANCELLED:
        return failed.none()
    if wave.notify_channels != NotifyChannels.SMS_FIRST:
        return failed
    instead = Send.objects.filter(member=OuterRef("member"), channel=Channel.EMAIL)
    return failed.exclude(Exists(instead), channel=Channel.SMS)


@retried
@transaction.atomic
def retry_failed(wave_id: int, channel: Channel | None = None) -> int:
    """Failed messages become pending again, of one channel or of both, and only they. Returns how
    many. [N-7]

    They keep their keys, but where the provider would answer one with its old refusal: it has
    certainly not sent that message. [N-4]

    With `sms_first` an SMS that was replaced by an e-mail stays failed: its fan is notified
    already. [N-1] So does what support has sent again since. [X-12] Raises WrongStatus unless the
    campaign is open, and WrongState where what was left of the wave is cancelled: nothing would
    send them. [C-2, N-6]
    """
    wave = lock_wave(wave_id)
    require_open(wave.campaign)
    require_queue(wave)
    failed = _to_send_again(wave)
    if channel is not None:
        failed = failed.filter(channel=channel)
    lock_in_key_order(failed)
    send_rows.renew_keys(list(failed.filter(_refused_for_good()).values_list("pk", flat=True)))
    # of what may have arrived a receipt counts until the next attempt, as after `settle`
    attempts = Case(When(maybe_accepted=True, then=1), default=0)
    return failed.update(
        state=SendState.PENDING,
        reason="",
        attempts=attempts,
        not_before=None,
        key_used_at=None,
        provider=who_repeats(),
    )


def who_repeats() -> Case:
    """For what a person has sent again: the provider that it went through, where the settings still
    name that one; else whoever sends. [N-4, N-9]
    """
    configured = [*registry.all_sms(), registry.chosen_email()]
    theirs = When(provider__in=[each.name for each in configured], then=F("provider"))
    return Case(theirs, default=Value(""))


def _refused_for_good() -> Q:
    """Failed with a reason that the provider keeps with the key."""
    found = Q(pk__in=[])
    for each in registry.ALL:
        if each.keeps_refusals:
            found |= Q(provider=each.name, reason__startswith=each.keeps_refusals)
    return found
