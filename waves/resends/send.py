"""What support asked for is sent by the machine that sends waves: its accounts, permits, retries,
leases and second provider. [X-12, N-2 … N-6, N-9]
"""

from __future__ import annotations

from collections import Counter
from typing import Final

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from operations.database.locks import lock_in_key_order
from operations.database.retries import retried
from waves.choices import Channel, Queue, SendState, WaveState
from waves.messages.rendering import composer_for
from waves.models import Resend, Wave
from waves.providers import registry
from waves.sending import accounts, email_queue, failover, send_rows
from waves.sending.accounts import limits_of
from waves.sending.run import GOING, Timing
from waves.sending.send_rows import SENDS, Messages, SendTable

RESENT: Final = SendTable(
    "waves_resend",
    "wave_id",
    SENDS.going,
    "m.code",
    contact="(SELECT r.contact FROM waves_resend r WHERE r.id = c.id)",
)
CANCELLED: Final = Q(wave__state=WaveState.CANCELLED) | Q(wave__queue=Queue.CANCELLED)


def waves_with_resends() -> QuerySet[Wave]:
    """Waves some of whose messages are to be sent again, on a channel on which a provider sends.
    [N-6, N-9]
    """
    waiting = Resend.objects.filter(
        wave=OuterRef("pk"),
        channel__in=[channel for channel in Channel if not accounts.why_paused(channel)],
        state__in=[SendState.PENDING, SendState.SENDING],
    )
    return Wave.objects.filter(GOING, Exists(waiting))


@retried
@transaction.atomic
def end_cancelled() -> None:
    """What waits in a cancelled wave is skipped; what may have arrived is unknown, also where its
    sender died. [N-4, N-6]
    """
    over = Q(state=SendState.PENDING) | Q(state=SendState.SENDING, lease_until__lt=Now())
    left = Resend.objects.filter(CANCELLED, over)
    lock_in_key_order(left)
    waiting = {"state": SendState.PENDING, "maybe_accepted": False}
    left.filter(**waiting).update(state=SendState.SKIPPED, reason="cancelled", not_before=None)
    lost = {"state": SendState.UNKNOWN, "maybe_accepted": True, "reason": "sender_lost"}
    left.update(**lost, not_before=None, claim=None, lease_until=None)


def send(wave_id: int) -> dict[str, int]:
    """Send what is to be sent again of a wave, as it was approved; several processes may do so at
    once. Returns how many messages came to which end. [X-5]
    """
    wave = Wave.objects.select_related("campaign").get(pk=wave_id)
    counts = Counter[str]()
    for channel in Channel:
        providers, messages = registry.clients(channel), Messages(wave_id, channel, RESENT)
        for each in providers:
            accounts.account(each.name)
        failover.take_over(messages, providers)
        if send_rows.open_rows(messages).all:
            ended = failover.send(
                wave,
                messages,
                providers,
                limits=limits_of(channel),
                timing=email_queue.TIMING if channel == Channel.EMAIL else Timing(),
                composer=composer_for(wave),
            )
            counts.update(ended.counts)
    return dict(counts)
