"""Messages through the first provider of their channel that is not paused, and through the next one
while it is. What one of them may have accepted never goes through another. [N-9]
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from waves.messages.rendering import Composer
from waves.models import ProviderAccount, Wave
from waves.providers.contract import Provider
from waves.sending import send_rows
from waves.sending.accounts import Limits
from waves.sending.run import SenderSetup, Timing, wave_stops
from waves.sending.send_rows import Messages
from waves.sending.sender import NOTHING_TO_SEND, Ended, send_all


@dataclass(frozen=True)
class Route:
    """A provider, and those before it that are paused: it ends when one of them sends again.
    `only_own`: one before it sends, so that it gets nothing but what it may have accepted.
    """

    provider: Provider[Any]
    paused_before: tuple[str, ...]
    only_own: bool

    def stops(self, wave: Wave) -> str:
        """As `wave_stops`. [N-6, N-9]"""
        return wave_stops(wave) or ("another provider sends again" if self._is_over() else "")

    def _is_over(self) -> bool:
        before = ProviderAccount.objects.filter(name__in=self.paused_before)
        return before.filter(paused=False).exists()


def send(
    wave: Wave,
    messages: Messages,
    providers: Sequence[Provider[Any]],
    *,
    limits: Limits,
    timing: Timing,
    composer: Composer,
) -> Ended:
    """Send the messages until none is left that one of the providers may send: the earlier one in
    the list, where it is not paused. The wave is triggered, and each provider has its account.
    """
    done, ended, counts, seconds = set[str](), NOTHING_TO_SEND, Counter[str](), 0.0
    while route := next_route(providers, paused_accounts(providers), done):
        theirs = replace(messages, provider=route.provider.name, only_own=route.only_own)
        if route.only_own and not send_rows.open_rows(theirs).all:
            done.add(route.provider.name)
            continue
        setup = SenderSetup(wave, theirs, route.provider, limits, timing, stops=route.stops)
        ended = send_all(setup, composer)
        counts.update(ended.counts)
        seconds += ended.seconds
        if not ended.why:
            done.add(route.provider.name)
        elif wave_stops(wave):
            break
        else:
            done.clear()
    why = ended.why
    if not why and send_rows.open_rows(messages).all:
        why = _paused_ones(providers)
    return Ended(why, counts, seconds)


def next_route(
    providers: Sequence[Provider[Any]], paused: Sequence[str], done: set[str]
) -> Route | None:
    """Through whom to go on: the first that is neither paused nor has sent all that it may; None
    where there is none.
    """
    before: list[str] = []
    for place, provider in enumerate(providers):
        if provider.name in paused:
            before.append(provider.name)
        elif provider.name not in done:
            return Route(provider, tuple(before), only_own=len(before) < place)
    return None


def paused_accounts(providers: Sequence[Provider[Any]]) -> list[str]:
    """The names of those that are paused."""
    names = [provider.name for provider in providers]
    paused = ProviderAccount.objects.filter(name__in=names, paused=True)
    return list(paused.values_list("name", flat=True))


def take_over(messages: Messages, providers: Sequence[Provider[Any]]) -> None:
    """What dead senders left, of each provider by whether it honours keys, also of paused ones; and
    what went through one that is none of these. [N-4]
    """
    send_rows.settle_strays(messages, [provider.name for provider in providers])
    for provider in providers:
        theirs = replace(messages, provider=provider.name)
        send_rows.take_over(theirs, honours_keys=provider.honours_keys)


def _paused_ones(providers: Sequence[Provider[Any]]) -> str:
    """Why messages are left: who would send them is paused; empty where nobody is."""
    names = [provider.name for provider in providers]
    paused = ProviderAccount.objects.filter(name__in=names, paused=True).order_by("name")
    return "; ".join(
        f"{name} is stopped: {reason or 'no reason given'}"
        for name, reason in paused.values_list("name", "paused_reason")
    )
