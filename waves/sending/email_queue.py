"""The e-mail queue: what the waves' senders have put there is sent by the same machine as SMS, one
wave after the other. [N-5]
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from campaigns.choices import CampaignStatus
from operations.errors import Refusal
from waves.choices import Channel, SendState, SoftStartState
from waves.messages.rendering import composer_for
from waves.models import Send, SoftStart, Wave
from waves.providers import registry
from waves.providers.contract import EmailProvider
from waves.sending import accounts, send_rows
from waves.sending.accounts import Limits, limits_of
from waves.sending.run import GOING, SenderSetup, Timing
from waves.sending.send_rows import Messages
from waves.sending.send_wave import checked
from waves.sending.sender import send_all
from waves.sending.triggering import pause_unapproved
from waves.soft_start import progress

logger = logging.getLogger(__name__)

# A mail server may take its time over each step; and what it asked us to send later is left for a
# later run.
TIMING = Timing(timeout=20.0, row_lease=120.0, patience=5.0)


def deliver(
    *,
    limit: int | None = None,
    provider: EmailProvider | None = None,
    limits: Limits | None = None,
    timing: Timing = TIMING,
) -> dict[str, int]:
    """Send what is queued and due, of the wave first that was triggered first, at most `limit`.
    Several processes may do so at once.

    Returns `{sent, failed, unknown, left}`; `left` counts what is still queued. Waves that are
    paused or cancelled keep theirs, and so do those whose content is not what was approved. [N-6,
    X-5] A fault in one wave holds up no other: the first one is raised when all have had their
    turn.
    """
    is_chosen, counts = provider is None, Counter[str]()
    provider = provider or registry.email_client()
    accounts.account(provider.name)
    faults: list[Exception] = []
    for wave_id in list(_waves_with_work().values_list("pk", flat=True)):
        left = None if limit is None else limit - counts.total()
        if left is None or left > 0:
            try:
                if not (is_chosen and _is_unapproved(wave_id)):
                    counts.update(_send(wave_id, provider, limits, timing, left))
            except Exception as fault:
                logger.exception("e-mails of a wave not sent", extra={"wave": wave_id})
                faults.append(fault)
    if faults:
        raise faults[0]
    names = (SendState.SENT, SendState.FAILED, SendState.UNKNOWN)
    return {str(name): counts[name] for name in names} | {"left": _open().count()}


def has_work() -> bool:
    """Whether something in the queue is due, or was left by a worker that died. By the database's
    clock, which also set these times.
    """
    return _waves_with_work().exists()


def _is_unapproved(wave_id: int) -> bool:
    """Whether the wave was approved with another provider; then it is paused. [X-5]"""
    return pause_unapproved(Wave.objects.get(pk=wave_id), Channel.EMAIL)


def _send(
    wave_id: int,
    provider: EmailProvider,
    limits: Limits | None,
    timing: Timing,
    most: int | None,
) -> Mapping[str, int]:
    """Of one wave; a wave that may not be sent holds up no other: its page says why."""
    try:
        wave = checked(wave_id)
    except Refusal:
        return {}
    limits = limits or limits_of(Channel.EMAIL)
    last = progress.last_send(wave_id)
    messages = Messages(wave_id, Channel.EMAIL, provider=provider.name, last=last)
    send_rows.settle_strays(messages, [provider.name])
    setup = SenderSetup(wave, messages, provider, limits, timing, most)
    counts = send_all(setup, composer_for(wave)).counts
    progress.end_first(wave_id)
    return counts


def _behind_first() -> QuerySet[SoftStart]:
    """Of a message: the soft start for whose end it waits. [N-9]"""
    behind = SoftStart.objects.filter(wave=OuterRef("wave"), last_send__lt=OuterRef("pk"))
    return behind.exclude(state=SoftStartState.PASSED)


def _open() -> QuerySet[Send]:
    return Send.objects.filter(
        channel=Channel.EMAIL, state__in=[SendState.PENDING, SendState.SENDING]
    )


def _waves_with_work() -> QuerySet[Wave]:
    due = Q(state=SendState.PENDING) & (Q(not_before=None) | Q(not_before__lte=Now()))
    left = Q(state=SendState.SENDING, lease_until__lt=Now())
    emails = _open().filter(due | left, wave=OuterRef("pk")).exclude(Exists(_behind_first()))
    sent = Wave.objects.filter(GOING, Exists(emails), campaign__status=CampaignStatus.OPEN)
    return sent.order_by("triggered_at", "pk")
