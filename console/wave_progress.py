"""The figures of a wave that is being sent, as the page shows them. [N-6, N-7]"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from django.core.cache import cache
from django.utils.safestring import SafeString

from console import slow_counts
from console.charts import sending, svg
from operations.database.statements import first_row
from waves.choices import Channel, SendState, WaveState
from waves.figures import kept
from waves.figures.parts import ChannelFigures
from waves.models import Wave
from waves.sending import accounts, results
from waves.sending.run import not_going
from waves.soft_start import progress

SHORTEST_SECONDS = 1.0
MANY_FANS = 20_000
TITLES: Final = {"sms": "SMS", "email": "E-mail"}
# What people should know of, the worst first. Fans without a contact are no fault.
FAULTS: Final = (SendState.FAILED, SendState.UNKNOWN, SendState.UNDELIVERABLE, SendState.PENDING)


@dataclass(frozen=True)
class Line:
    """The messages of one channel as a line of the table: `open` are pending or in flight; `rate`
    and `seconds_left` only while it is being sent.
    """

    channel: str
    title: str
    all: int
    queued: int
    open: int
    sent: int
    delivered: int
    undeliverable: int
    failed: int
    unknown: int
    skipped: int
    rate: float | None
    seconds_left: int | None
    bar: SafeString


@dataclass(frozen=True)
class Fault:
    """Messages of a channel that are in a state for the same reason."""

    channel: str
    title: str
    state: str
    reason: str
    messages: int


def counters(wave: Wave) -> dict[str, Any]:
    """N-7's counts of fans; a line for each channel with its bar, its rate and the time left; what
    went wrong, by kind; the rate over time; and the number in flight.
    """
    counts = _counted(wave)
    over = wave.state in (WaveState.COMPLETED, WaveState.CANCELLED)
    return {
        **counts,
        "in_flight": accounts.in_flight(wave=wave),
        "sent_instead_by": accounts.sends_instead(wave.pk),
        "soft_start": progress.standing(wave),
        "over": over,
        "goes_on": not over or (counts["in_queue"] > 0 and not not_going(wave)),
        "bar": _bar_of_fans(counts) if over else None,
    }


def notified(campaigns: list[int]) -> dict[int, int]:
    """Fans notified in each of these campaigns. [N-7]"""
    key = "notified:" + ",".join(map(str, sorted(campaigns)))
    return slow_counts.kept(key, lambda: results.notified(campaigns))


def line_of(channel: str, found: ChannelFigures, *, until: int, going: bool) -> Line:
    """Pure. `until`: the second of the Unix epoch that is not over yet."""
    rate = sending.present_rate(found.by_second, until=until) if going and found.open else None
    detail = found.detail
    settled = found.all - found.open
    return Line(
        channel,
        TITLES[channel],
        all=found.all,
        queued=found.queued,
        open=found.open,
        **detail,
        unknown=found.states[SendState.UNKNOWN],
        skipped=found.states[SendState.SKIPPED],
        rate=rate,
        seconds_left=math.ceil(found.open / rate) if rate else None,
        bar=svg.progress(
            [
                ("good", detail["sent"] - detail["undeliverable"]),
                ("bad", detail["failed"] + detail["undeliverable"]),
                ("warn", found.states[SendState.UNKNOWN]),
            ],
            found.all,
            f"{settled:,} of {found.all:,} {TITLES[channel]} messages settled",
        ),
    )


def faults_of(channel: str, found: ChannelFigures) -> Iterator[Fault]:
    """What went wrong, or waits for another try; the worst first, and of it the most frequent."""
    for state in FAULTS:
        kinds = [
            (reason, n)
            for (of, reason), n in found.by_reason.items()
            if of == state and (reason or state != SendState.PENDING)
        ]
        for reason, number in sorted(kinds, key=lambda kind: (-kind[1], kind[0])):
            yield Fault(channel, TITLES[channel], str(state), reason, number)


def _bar_of_fans(counts: dict[str, Any]) -> SafeString:
    parts = [
        ("good", counts["ok"]),
        ("bad", counts["failed"]),
        ("warn", counts["unknown"]),
        ("soft", counts["skipped"]),
    ]
    label = ", ".join(
        f"{counts[name]} {'accepted' if name == 'ok' else name}"
        for name in ("ok", "failed", "unknown", "skipped", "pending")
    )
    return svg.progress(parts, counts["total"], label)


def is_slow(wave: Wave) -> bool:
    """Whether the messages of a large wave were never counted: that takes longer than a page may,
    3 s for half a million fans. The page is shown at once then, and asks for its counts.
    """
    return wave.selected > MANY_FANS and not kept.was_counted(wave.pk)


def _counted(wave: Wave) -> dict[str, Any]:
    """However many people watch, counting takes a tenth of one processor's time."""
    key = f"counters:{wave.pk}:{wave.state}"
    found: dict[str, Any] | None = cache.get(key)
    if found is None:
        started = time.monotonic()
        found = _counts(wave)
        cache.set(key, found, timeout=max(SHORTEST_SECONDS, 10 * (time.monotonic() - started)))
    return found


def _counts(wave: Wave) -> dict[str, Any]:
    found = kept.figures(wave.pk)
    going, until = wave.state in (WaveState.TRIGGERED, WaveState.COMPLETED), _now()
    channels = {str(channel): found.channels[channel] for channel in Channel}
    lines = [line_of(name, figures, until=until, going=going) for name, figures in channels.items()]
    is_open = any(line.open for line in lines)
    rates = sending.rates(
        {name: figures.by_second for name, figures in channels.items()},
        until=until if going and is_open else None,
    )
    messages = sum(line.all for line in lines)
    settled = messages - sum(line.open for line in lines)
    return {
        **found.result,
        "notified": found.notified,
        "lines": [line for line in lines if line.all or line.skipped],
        "faults": [
            fault for name, figures in channels.items() for fault in faults_of(name, figures)
        ],
        "chart": sending.line_chart(rates, TITLES, with_numbers=not is_open) if rates else "",
        "messages": messages,
        "settled": settled,
        "share": svg.share(settled, messages),
        "in_queue": channels[Channel.EMAIL].in_queue,
        "again": results.to_send_again(wave) if wave.state == WaveState.COMPLETED else {},
    }


def _now() -> int:
    """The second of the database's clock, which wrote when messages were sent."""
    row = first_row("SELECT floor(extract(epoch FROM now()))::bigint")
    return row[0] if row else 0
