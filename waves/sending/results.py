"""The results of a wave: counts, whether it is complete, and how unknown and failed messages are
settled. [N-7, N-4]
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from campaigns.choices import CampaignStatus, NotifyChannels
from campaigns.opening import require_open
from operations.database.locks import lock_in_key_order
from operations.database.retries import retried
from waves.choices import Channel, SendState, WaveState
from waves.lifecycle import move
from waves.locks import lock_wave
from waves.models import Send, Wave
from waves.providers.contract import SmsProvider
from waves.providers.outcomes import Kind, Outcome
from waves.providers.sessions import TIMEOUT_SECONDS
from waves.sending import send_rows
from waves.sending.send_rows import Messages

# A member is ok if the SMS was sent (a receipt may have come since) or the e-mail queued; then the
# worst that is left.
PARTS = """
SELECT count(*) AS total,
       count(*) FILTER (WHERE ok) AS ok,
       count(*) FILTER (WHERE NOT ok AND failed AND NOT unknown AND NOT pending) AS failed,
       count(*) FILTER (WHERE NOT (ok OR failed OR unknown OR pending)) AS skipped,
       count(*) FILTER (WHERE NOT ok AND unknown AND NOT pending) AS unknown,
       count(*) FILTER (WHERE NOT ok AND pending) AS pending
"""
MEMBERS = f"""
{PARTS}
FROM (
    SELECT coalesce(bool_or(s.state IN ('sent', 'delivered', 'undeliverable')
        OR s.queued_at IS NOT NULL AND s.state IN ('pending', 'sending')), false) AS ok,
           coalesce(bool_or(s.state = 'failed'), false) AS failed,
           coalesce(bool_or(s.state = 'unknown'), false) AS unknown,
           coalesce(bool_or(s.state IN ('pending', 'sending')), true) AS pending
    FROM waves_member m LEFT JOIN waves_send s ON s.member_id = m.id
    WHERE m.wave_id = %(wave_id)s GROUP BY m.id
) AS members
"""  # noqa: S608 the parts are constants
CHANNELS = """
SELECT channel, count(queued_at), count(*) FILTER (WHERE state = 'sent'),
    count(*) FILTER (WHERE state = 'failed'), count(*) FILTER (WHERE state = 'delivered'),
    count(*) FILTER (WHERE state = 'undeliverable')
FROM waves_send WHERE wave_id = %(wave_id)s GROUP BY channel
"""
LOOK_UPS_AT_ONCE = 20
OPEN = [SendState.PENDING, SendState.SENDING]


def result(wave_id: int) -> dict[str, Any]:
    """`{total, ok, failed, skipped, unknown, pending, detail}` as the rows are now; the five parts
    add up to `total` members. [N-7]

    `detail`: `{sms: {sent, failed, delivered, undeliverable}, email: {queued, …}}`; `email.queued`
    counts every e-mail put into the queue, those sent since too, and `sent` those that a receipt
    has told of since.
    """
    with connection.cursor() as cursor:
        cursor.execute(MEMBERS, {"wave_id": wave_id})
        parts = ("total", "ok", "failed", "skipped", "unknown", "pending")
        counts = dict(zip(parts, cursor.fetchone(), strict=True))
        cursor.execute(CHANNELS, {"wave_id": wave_id})
        by_channel = {channel: numbers for channel, *numbers in cursor.fetchall()}
    return counts | {"detail": detail_of(by_channel)}


def detail_of(by_channel: Mapping[str, Sequence[int]]) -> dict[str, dict[str, int]]:
    """N-7's detail. `by_channel`: of the messages of a channel those that came into the queue, are
    now sent, failed, delivered, undeliverable.
    """
    found = {}
    for channel in Channel:
        queued, sent, failed, delivered, undeliverable = by_channel.get(channel, (0,) * 5)
        found[str(channel)] = {
            **({"queued": queued} if channel == Channel.EMAIL else {}),
            "sent": sent + delivered + undeliverable,
            "failed": failed,
            "delivered": delivered,
            "undeliverable": undeliverable,
        }
    return found


def messages(wave_id: int) -> tuple[int, int]:
    """Messages of the wave, skipped ones aside, and how many are not handed over yet: SMS not
    settled, e-mails not queued.

    There are none before sending starts. Counting fans would mislead: a fan whose e-mail is queued
    counts as notified while the SMS is still to come.
    """
    waiting = Q(state__in=OPEN, queued_at=None)
    sent_at_all = Send.objects.filter(wave_id=wave_id).exclude(state=SendState.SKIPPED)
    counts = sent_at_all.aggregate(all=Count("pk"), waiting=Count("pk", filter=waiting))
    return counts["all"], counts["waiting"]


def notified(**of: Any) -> dict[int, int]:
    """Fans by campaign who were sent a message, of the waves that `of` names. [N-7]

    An e-mail that is only queued does not count, nor does what a receipt calls undeliverable.
    """
    reached = Send.objects.filter(state__in=[SendState.SENT, SendState.DELIVERED], **of)
    counted = reached.order_by().values_list("wave__campaign")
    return dict(counted.annotate(Count("member", distinct=True)))


def waves_to_send() -> QuerySet[Wave]:
    """Waves that need a sender: the triggered ones, and completed ones whose failed SMS go again.
    [N-7]
    """
    sms = Send.objects.filter(wave=OuterRef("pk"), channel=Channel.SMS, state__in=OPEN)
    again = Q(state=WaveState.COMPLETED, campaign__status=CampaignStatus.OPEN) & Q(Exists(sms))
    return Wave.objects.filter(Q(state=WaveState.TRIGGERED) | again)


def take_over_cancelled() -> int:
    """Messages that were in flight when their wave was cancelled and whose sender is dead: nobody
    sends them again, so they are unknown. Returns how many. [N-4]
    """
    left = Send.objects.filter(wave__state=WaveState.CANCELLED, state=SendState.SENDING)
    found = left.order_by("wave", "channel").values_list("wave", "channel").distinct()
    return sum(
        send_rows.take_over(Messages(wave, Channel(channel)), honours_keys=False)
        for wave, channel in found
    )


@retried
def complete(wave_id: int) -> bool:
    """TRIGGERED → COMPLETED if no SMS is pending or in flight and every e-mail is queued. True if
    this call completed it. [N-7]
    """
    with transaction.atomic():
        wave = lock_wave(wave_id)
        if wave.state not in {WaveState.TRIGGERED, WaveState.COMPLETED}:
            return False
        send_rows.queue_emails_instead(wave)
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
    return not waiting.exists() and send_rows.are_made(wave_id)


@retried
@transaction.atomic
def retry_failed(wave_id: int) -> int:
    """Failed messages become pending again, with their keys, and only they. Returns how many. [N-7]

    With `sms_first` an SMS that was replaced by an e-mail stays failed: its fan is notified
    already. [N-1] Raises WrongStatus unless the campaign is open: nothing would send them. [C-2]
    """
    wave = lock_wave(wave_id)
    require_open(wave.campaign)
    failed = Send.objects.filter(wave_id=wave_id, state=SendState.FAILED)
    if wave.notify_channels == NotifyChannels.SMS_FIRST:
        instead = Send.objects.filter(member=OuterRef("member"), channel=Channel.EMAIL)
        failed = failed.exclude(Exists(instead), channel=Channel.SMS)
    lock_in_key_order(failed)
    return failed.update(state=SendState.PENDING, reason="", attempts=0, not_before=None)


def waves_with_unknown() -> QuerySet[Wave]:
    """Waves some of whose SMS may or may not have been accepted. [N-4]"""
    unknown = Send.objects.filter(wave=OuterRef("pk"), channel=Channel.SMS, state=SendState.UNKNOWN)
    return Wave.objects.filter(
        Exists(unknown), state__in=[WaveState.TRIGGERED, WaveState.PAUSED, WaveState.COMPLETED]
    )


def settle_unknown(wave_id: int, provider: SmsProvider) -> dict[str, int]:
    """Ask the provider about each unknown SMS by our reference: accepted → sent, not accepted →
    failed. [N-4]

    What it cannot say stays unknown, for a receipt or a person. Returns `{sent, failed, unknown}`.
    """
    unknown = list(
        Send.objects.filter(wave_id=wave_id, channel=Channel.SMS, state=SendState.UNKNOWN)
    )
    answers = asyncio.run(_look_up(provider, [str(send.key) for send in unknown]))
    counts = {"sent": 0, "failed": 0, "unknown": 0}
    for send, answer in zip(unknown, answers, strict=True):
        state = {Kind.SENT: SendState.SENT, Kind.REFUSED: SendState.FAILED}.get(
            answer.kind, SendState.UNKNOWN
        )
        counts[state] += 1
        now = timezone.now()
        values: dict[str, Any] = {"state": state, "reason": answer.reason, "settled_at": now}
        if state == SendState.SENT:
            values |= {"provider_id": answer.provider_id, "sent_at": now}
        if state != SendState.UNKNOWN:
            Send.objects.filter(pk=send.pk, state=SendState.UNKNOWN).update(**values)
    return counts


async def _look_up(provider: SmsProvider, references: list[str]) -> list[Outcome]:
    async with provider.open_session(TIMEOUT_SECONDS, LOOK_UPS_AT_ONCE) as session:
        return await asyncio.gather(
            *(provider.look_up(session, reference) for reference in references)
        )
