"""Messages whose outcome is unknown: the provider is asked by our reference, or a person says what
became of them. They are never repeated by themselves. [N-4]
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any, Final

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from campaigns.choices import CampaignStatus
from campaigns.opening import require_open
from operations.database.locks import lock_in_key_order
from operations.database.retries import retried
from operations.jobs import record_move
from operations.plurals import plural
from waves.choices import Channel, SendState, Settling, WaveState
from waves.errors import ReasonMissing, WrongState
from waves.lifecycle import subject_of
from waves.locks import lock_wave
from waves.models import Resend, Send, Wave
from waves.providers.contract import Provider
from waves.providers.outcomes import Kind, Outcome
from waves.providers.sessions import TIMEOUT_SECONDS
from waves.sending import new_messages, results

LOOK_UPS_AT_ONCE: Final = 20
Message = Send | Resend
# a wave's messages, and those that support sent again, in the order in which all lock them
MESSAGES: Final[tuple[type[Message], ...]] = (Send, Resend)
# Of a wave in another state nobody sends a message again.
AGAIN: Final = (WaveState.TRIGGERED, WaveState.PAUSED, WaveState.COMPLETED)
WORDS: Final = {
    Settling.SENT: "settled as sent",
    Settling.FAILED: "settled as failed",
    Settling.AGAIN: "sent again",
}
# What a look-up's answer makes of an unknown message; any other leaves it so.
SETTLED: Final = {
    Kind.SENT: SendState.SENT,
    Kind.UNDELIVERABLE: SendState.UNDELIVERABLE,
    Kind.REFUSED: SendState.FAILED,
}


def settle(
    wave_id: int, settling: Settling, *, by: User, reason: str, channel: Channel | None = None
) -> int:
    """A person says what became of the unknown messages of a wave, of one channel or of both:
    they were sent, they were not, or they are to be sent again, with their keys. Returns how many.
    [N-4]

    Raises ReasonMissing; for those that are to be sent again WrongState and WrongStatus.
    """
    if not reason.strip():
        raise ReasonMissing("Say why, for the history of the wave.")
    return _settle(wave_id, settling, by, reason, channel)


@retried
@transaction.atomic
def _settle(
    wave_id: int, settling: Settling, by: User, reason: str, channel: Channel | None
) -> int:
    wave = lock_wave(wave_id)
    if settling == Settling.AGAIN:
        require_open(wave.campaign)
        if wave.state not in AGAIN:
            raise WrongState(f"Wave {wave.name} is {wave.state}. Its messages are not sent again.")
        results.require_queue(wave)
    settled = 0
    for model in MESSAGES:
        unknown = _unknown(model, [channel] if channel else list(Channel)).filter(wave=wave)
        lock_in_key_order(unknown)
        settled += unknown.update(**_values(settling))
    if settling == Settling.FAILED:
        _emails_instead(wave)
    if settled:
        why = f"{plural(settled, 'unknown message')}: {reason}"
        record_move(subject_of(wave), wave.state, WORDS[settling], by=by, reason=why)
    return settled


def _emails_instead(wave: Wave) -> None:
    """For fans whose SMS is now known to have failed. [N-1]"""
    if wave.state in AGAIN and wave.campaign.status == CampaignStatus.OPEN:
        new_messages.queue_emails_instead(wave)


def _values(settling: Settling) -> dict[str, Any]:
    if settling == Settling.SENT:
        return {"state": SendState.SENT, "reason": "", "sent_at": Now(), "settled_at": Now()}
    if settling == Settling.FAILED:
        return {"state": SendState.FAILED, "reason": "settled_by_hand", "settled_at": Now()}
    # The earlier attempt may still have arrived: its receipt counts until the next one starts, and
    # another failure is unknown again.
    again = {"state": SendState.PENDING, "reason": "", "not_before": None}
    return again | {
        "attempts": 1,
        "maybe_accepted": True,
        "key_used_at": None,  # a person decides, however long ago it was
        "provider": results.who_repeats(),
    }


def waves_with_unknown(channels: Sequence[Channel]) -> QuerySet[Wave]:
    """Waves some of whose messages on these channels may or may not have been accepted. [N-4]"""
    sends, resends = (
        Exists(_unknown(model, channels).filter(wave=OuterRef("pk"))) for model in MESSAGES
    )
    return Wave.objects.filter(sends | resends, state__in=AGAIN)


def unknown_messages(wave: Wave) -> int:
    """How many messages of a wave are unknown, its own and those that support sent again. [N-4]"""
    return sum(_unknown(model, list(Channel)).filter(wave=wave).count() for model in MESSAGES)


def _unknown(model: type[Message], channels: Sequence[Channel]) -> QuerySet[Any]:
    return model._default_manager.filter(channel__in=channels, state=SendState.UNKNOWN)


def look_up(wave_id: int, channel: Channel, providers: Sequence[Provider[Any]]) -> dict[str, int]:
    """Ask about each unknown message of a channel by our reference the provider that may have it,
    or the first where none is named: accepted → sent, accepted and not delivered → undeliverable,
    not accepted → failed. [N-4, N-9]

    What it cannot say stays unknown, for a receipt or a person. Returns `{sent, failed, unknown}`;
    `sent` counts what was accepted, also where it was not delivered.
    """
    counts = {"sent": 0, "failed": 0, "unknown": 0}
    asked = {provider.name: list[Message]() for provider in providers}
    for send in _of_wave(wave_id, channel):
        name = send.provider or providers[0].name
        if name in asked:
            asked[name].append(send)
        else:  # nobody else can say what that one accepted
            counts["unknown"] += 1
    unknown = [send for sends in asked.values() for send in sends]
    answers = [
        answer
        for provider in providers
        for answer in asyncio.run(
            _look_up(provider, [str(send.key) for send in asked[provider.name]])
        )
    ]
    for send, answer in zip(unknown, answers, strict=True):
        state = SETTLED.get(answer.kind, SendState.UNKNOWN)
        was_accepted = state in {SendState.SENT, SendState.UNDELIVERABLE}
        counts["sent" if was_accepted else state] += 1
        now = timezone.now()
        values: dict[str, Any] = {"state": state, "reason": answer.reason, "settled_at": now}
        if was_accepted:
            values |= {"provider_id": answer.provider_id, "sent_at": now}
        if state != SendState.UNKNOWN:
            _unknown(type(send), [channel]).filter(pk=send.pk).update(**values)
    if counts["failed"]:
        _emails_instead(Wave.objects.select_related("campaign").get(pk=wave_id))
    return counts


def _of_wave(wave_id: int, channel: Channel) -> Iterator[Message]:
    for model in MESSAGES:
        yield from _unknown(model, [channel]).filter(wave=wave_id)


async def _look_up(provider: Provider[Any], references: list[str]) -> list[Outcome]:
    at_once = asyncio.Semaphore(LOOK_UPS_AT_ONCE)
    async with provider.open_session(TIMEOUT_SECONDS, LOOK_UPS_AT_ONCE) as session:

        async def looked_up(reference: str) -> Outcome:
            async with at_once:  # a wait for a connection would count as the provider's
                return await provider.look_up(session, reference)

        return await asyncio.gather(*map(looked_up, references))
