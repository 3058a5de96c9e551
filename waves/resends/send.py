"""What support asked for is sent by the machine that sends waves: its accounts, permits, retries
and leases. [X-12, N-2 … N-6]
"""

from __future__ import annotations

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
from waves.sending import accounts, email_queue, send_rows
from waves.sending.accounts import limits_of
from waves.sending.run import GOING, SenderSetup, Timing
from waves.sending.send_rows import SENDS, Messages, SendTable
from waves.sending.sender import send_all

RESENT: Final = SendTable(
    "waves_resend",
    "wave_id",
    SENDS.going,
    "m.code",
    contact="(SELECT r.contact FROM waves_resend r WHERE r.id = c.id)",
)
CANCELLED: Final = Q(wave__state=WaveState.CANCELLED) | Q(wave__queue=Queue.CANCELLED)


def waves_with_resends() -> QuerySet[Wave]:
    """Waves some of whose messages are to be sent again."""
    waiting = Resend.objects.filter(
        wave=OuterRef("pk"), state__in=[SendState.PENDING, SendState.SENDING]
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
    counts: dict[str, int] = {}
    for channel in Channel:
        messages = Messages(wave_id, channel, RESENT, provider=registry.chosen(channel).name)
        send_rows.settle_strays(messages, [messages.provider])
        if send_rows.open_rows(messages).all:
            for state, number in _send(wave, messages).items():
                counts[state] = counts.get(state, 0) + number
    return counts


def _send(wave: Wave, messages: Messages) -> dict[str, int]:
    provider = registry.client(messages.channel)
    accounts.account(provider.name)
    timing = email_queue.TIMING if messages.channel == Channel.EMAIL else Timing()
    limits = limits_of(messages.channel)
    setup = SenderSetup(wave, messages, provider, limits, timing)
    return dict(send_all(setup, composer_for(wave)).counts)
