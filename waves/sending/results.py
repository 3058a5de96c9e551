"""The results of a wave: counts, whether it is complete, and how unknown and failed messages are
settled. [N-7, N-4]
"""

from __future__ import annotations

import asyncio
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
from waves.models import QueuedEmail, Send, SendResult, Wave
from waves.providers.contract import SmsProvider
from waves.providers.outcomes import Kind, Outcome
from waves.providers.sessions import open_session
from waves.sending import send_rows

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
        OR q.id IS NOT NULL), false) AS ok,
           coalesce(bool_or(s.state = 'failed'), false) AS failed,
           coalesce(bool_or(s.state = 'unknown'), false) AS unknown,
           coalesce(bool_or(s.state IN ('pending', 'sending')), true) AS pending
    FROM waves_member m LEFT JOIN waves_send s ON s.member_id = m.id LEFT JOIN waves_queuedemail q
        ON q.send_id = s.id
    WHERE m.wave_id = %(wave_id)s GROUP BY m.id
) AS members
"""  # noqa: S608 the parts are constants
CHANNELS = """
SELECT s.channel, count(*) FILTER (WHERE s.state IN ('sent', 'delivered', 'undeliverable')) AS sent,
       count(*) FILTER (WHERE s.state = 'failed') AS failed, count(q.id) AS queued
FROM waves_send s LEFT JOIN waves_queuedemail q ON q.send_id = s.id
WHERE s.wave_id = %(wave_id)s GROUP BY s.channel
"""
LOOK_UPS_AT_ONCE = 20
OPEN_SMS = [SendState.PENDING, SendState.SENDING]


def result(wave_id: int) -> dict[str, Any]:
    """`{total, ok, failed, skipped, unknown, pending, detail: {sms: {sent, failed}, email: {queued,
    sent, failed}}}`. [N-7]

    The five parts add up to `total` members. `email.queued` counts every e-mail put into the queue,
    those sent since too.
    """
    with connection.cursor() as cursor:
        cursor.execute(MEMBERS, {"wave_id": wave_id})
        counts = dict(
            zip(
                ("total", "ok", "failed", "skipped", "unknown", "pending"),
                cursor.fetchone(),
                strict=True,
            )
        )
        cursor.execute(CHANNELS, {"wave_id": wave_id})
        by_channel = {
            channel: (sent, failed, queued) for channel, sent, failed, queued in cursor.fetchall()
        }
    sms_sent, sms_failed, _ = by_channel.get(Channel.SMS, (0, 0, 0))
    sent, failed, queued = by_channel.get(Channel.EMAIL, (0, 0, 0))
    detail = {
        "sms": {"sent": sms_sent, "failed": sms_failed},
        "email": {"queued": queued, "sent": sent, "failed": failed},
    }
    return counts | {"detail": detail}


def messages(wave_id: int) -> tuple[int, int]:
    """Messages of the wave, skipped ones aside, and how many are not handed over yet: SMS not
    settled, e-mails not queued.

    There are none before sending starts. Counting fans would mislead: a fan whose e-mail is queued
    counts as notified while the SMS is still to come.
    """
    waiting = Q(state__in=OPEN_SMS) & (Q(channel=Channel.SMS) | Q(queued_email=None))
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
    sms = Send.objects.filter(wave=OuterRef("pk"), channel=Channel.SMS, state__in=OPEN_SMS)
    again = Q(state=WaveState.COMPLETED, campaign__status=CampaignStatus.OPEN) & Q(Exists(sms))
    return Wave.objects.filter(Q(state=WaveState.TRIGGERED) | again)


def take_over_cancelled() -> int:
    """SMS that were in flight when their wave was cancelled and whose sender is dead: nobody sends
    them again, so they are unknown. Returns how many. [N-4]
    """
    left = Send.objects.filter(
        wave__state=WaveState.CANCELLED, channel=Channel.SMS, state=SendState.SENDING
    )
    waves = left.order_by("wave").values_list("wave", flat=True).distinct()
    return sum(send_rows.take_over(wave, honours_keys=False) for wave in waves)


@retried
def complete(wave_id: int) -> bool:
    """TRIGGERED → COMPLETED if nothing is left to send; saves the result with it. True if this
    call completed it. [N-7]

    For a wave that is COMPLETED already (failed ones were sent again) only the saved result is
    renewed.
    """
    with transaction.atomic():
        wave = lock_wave(wave_id)
        if wave.state not in {WaveState.TRIGGERED, WaveState.COMPLETED}:
            return False
        send_rows.queue_emails_instead(wave)
        counts = result(wave_id)
        if counts["pending"] or send_rows.open_rows(wave_id) or _emails_not_queued(wave_id):
            return False
        SendResult.objects.update_or_create(wave=wave, defaults=counts)
        if wave.state == WaveState.COMPLETED:
            return False
        move(
            wave,
            WaveState.COMPLETED,
            by=None,
            reason="all messages sent",
            completed_at=timezone.now(),
        )
        return True


def _emails_not_queued(wave_id: int) -> bool:
    waiting = Send.objects.filter(
        wave_id=wave_id, channel=Channel.EMAIL, state=SendState.PENDING, queued_email=None
    )
    return waiting.exists()


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
    emails = QueuedEmail.objects.filter(send__in=failed.filter(channel=Channel.EMAIL))
    for rows in (emails, failed):
        lock_in_key_order(rows)
    again = {"state": SendState.PENDING, "reason": "", "attempts": 0, "not_before": None}
    emails.update(**again)
    return failed.update(**again)


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
    async with open_session(most_connections=LOOK_UPS_AT_ONCE) as session:
        return await asyncio.gather(
            *(provider.look_up(session, reference) for reference in references)
        )
