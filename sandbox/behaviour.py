"""How the sandbox behaves: what `python -m sandbox` and `POST /control` can set, and the dice it
throws.
"""

from __future__ import annotations

import dataclasses
import random
from collections import deque
from dataclasses import dataclass, field
from typing import Any


class BadOption(ValueError):
    """An option that does not exist or has a value of the wrong kind; the message names it."""


@dataclass
class Behaviour:
    """Every option with its default: an honest, quick provider that takes everything."""

    latency_ms: float = 20.0
    jitter_ms: float = 0.0  # up to this much more, drawn evenly
    # HTTP status → share of requests refused with it
    fail_rates: dict[str, float] = field(default_factory=dict)
    retry_after_seconds: float = 1.0  # sent with every 429 and 503; 0 leaves the header out
    # more than this in a rolling second are answered 429; 0 = no limit
    rate_limit_per_second: int = 0
    drop_rate: float = 0.0  # the message is accepted, then the connection is cut without an answer
    honour_keys: bool = True
    receipts: bool = False
    receipt_url: str = ""
    receipt_secret: str = "sandbox"  # noqa: S105 the well-known secret of a sandbox
    undeliverable_rate: float = 0.0
    token: str = "sandbox"  # noqa: S105 likewise
    token_seconds: float = 1_079.0  # how long an access token of Marketing Cloud lasts
    token_uses: int = 0  # after so many requests it is refused before its time; 0 = never
    seed: int = 0
    # the code service: action → fault (codes.py), how late a slow answer is, how many codes there
    # are (0 = without end), the token it wants ("" = none), and a file for what it has done
    code_faults: dict[str, str] = field(default_factory=dict)
    code_slow_seconds: float = 5.0
    code_stock: int = 0
    code_token: str = ""
    codes_file: str = ""

    def change(self, options: dict[str, Any]) -> None:
        """Set some options. Raises BadOption, and then nothing has changed."""
        known = {option.name: option for option in dataclasses.fields(self)}
        for name, value in options.items():
            if name not in known:
                raise BadOption(
                    f"There is no option {name!r}; there are {', '.join(sorted(known))}."
                )
            kind = type(getattr(Behaviour(), name))
            fits = isinstance(value, kind) or (kind is float and type(value) is int)
            if not fits or (kind is not bool and isinstance(value, bool)):
                raise BadOption(f"{name} is {value!r}; it has to be a {kind.__name__}.")
        for name, value in options.items():
            setattr(self, name, float(value) if isinstance(getattr(self, name), float) else value)


class Dice:
    """Chance with a seed: the same requests in the same order meet the same fate."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def latency_seconds(self, behaviour: Behaviour) -> float:
        jitter = self._random.random() * behaviour.jitter_ms if behaviour.jitter_ms else 0.0
        return (behaviour.latency_ms + jitter) / 1000

    def hits(self, rate: float) -> bool:
        return rate > 0 and self._random.random() < rate

    def refusal(self, rates: dict[str, float]) -> int:
        """The status to refuse a request with, or 0."""
        if not rates:
            return 0
        drawn = self._random.random()
        for status, rate in rates.items():
            if drawn < rate:
                return int(status)
            drawn -= rate
        return 0


class Gauge:
    """How many requests run at once and how many arrived in the last second, and the most of both
    ever seen.
    """

    def __init__(self) -> None:
        self.running = 0
        self.most_running = 0
        self.most_in_a_second = 0
        self._arrivals: deque[float] = deque()

    def enter(self, now: float) -> None:
        """Count an arrival."""
        arrivals = self._arrivals
        while arrivals and arrivals[0] <= now - 1:
            arrivals.popleft()
        arrivals.append(now)
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        self.most_in_a_second = max(self.most_in_a_second, len(arrivals))

    def leave(self) -> None:
        self.running -= 1


class RateLimit:
    """Lets at most so many through in any rolling second; what it turned away does not count."""

    def __init__(self) -> None:
        self._passed: deque[float] = deque()

    def passes(self, now: float, per_second: int) -> bool:
        while self._passed and self._passed[0] <= now - 1:
            self._passed.popleft()
        if len(self._passed) >= per_second:
            return False
        self._passed.append(now)
        return True


def most_in_a_second(instants: list[float]) -> int:
    """The most of these instants (seconds, any order) that lie in one half-open second."""
    ordered = sorted(instants)
    most = first = 0
    for last, instant in enumerate(ordered):
        while ordered[first] <= instant - 1:
            first += 1
        most = max(most, last - first + 1)
    return most
