"""What support asked for is sent by the machine that sends waves: its accounts, permits, retries
and leases. [X-12, N-2 … N-6]
"""

from __future__ import annotations

from typing import Final

from django.db.models import Exists, OuterRef, Q, QuerySet

from waves.choices import Channel, Queue, SendState, WaveState
from waves.messages.rendering import composer_for
from waves.models import Resend, Wave
from waves.providers import registry
from waves.sending import accounts, email_queue, send_rows
from waves.sending.accounts import limits_of
from waves.sending.run import SenderSetup, Timing
from waves.sending.send_rows import Messages, SendTable
from waves.sending.sender import send_all

RESENT: Final = SendTable(
    "waves_resend",
    "wave_id",
    "EXISTS (SELECT 1 FROM waves_wave WHERE id = %(owner)s"
    " AND state <> 'paused' AND queue <> 'paused')",
    "m.code",
    contact="(SELECT r.contact FROM waves_resend r WHERE r.id = c.id)",
)


def waves_with_resends() -> QuerySet[Wave]:
    """Waves some of whose messages are to be sent again."""
    waiting = Resend.objects.filter(
        wave=OuterRef("pk"), state__in=[SendState.PENDING, SendState.SENDING]
    )
    going = ~Q(state=WaveState.PAUSED) & ~Q(queue=Queue.PAUSED)
    return Wave.objects.filter(going, Exists(waiting))


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


def why_stopped(wave: Wave) -> str:
    """Why nothing more is sent again of a wave; empty while it may be. [N-6]"""
    now = Wave.objects.only("state", "queue", "content_digest").get(pk=wave.pk)
    if now.state == WaveState.PAUSED or now.queue == Queue.PAUSED:
        return "the wave is paused"
    return "" if now.content_digest == wave.content_digest else "the wave's content changed"


def _send(wave: Wave, messages: Messages) -> dict[str, int]:
    provider = registry.client(messages.channel)
    accounts.account(provider.name)
    timing = email_queue.TIMING if messages.channel == Channel.EMAIL else Timing()
    limits = limits_of(messages.channel)
    setup = SenderSetup(wave, messages, provider, limits, timing, stops=why_stopped)
    return dict(send_all(setup, composer_for(wave)).counts)
