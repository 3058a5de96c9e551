"""The counters of a wave that is being sent, as the page shows them. [N-6, N-7]"""

from __future__ import annotations

import time
from typing import Any

from django.core.cache import cache
from django.utils.safestring import SafeString

from console import slow_counts
from console.charts import svg
from waves.choices import WaveState
from waves.models import Wave
from waves.sending import accounts, results
from waves.sending.run import not_going

SHORTEST_SECONDS = 1.0
MANY_FANS = 20_000


def counters(wave: Wave, since: tuple[float, int] | None) -> dict[str, Any]:
    """N-7's counts of fans, the number in flight, a bar, and messages a second since the page
    looked last.

    While it is sent the bar shows messages, for a fan may get two; then the results of the fans.
    """
    at, counts = _counted(wave)
    messages, settled = (
        counts.get("messages", 0),
        counts.get("messages", 0) - counts.get("waiting", 0),
    )
    going, over = (
        wave.state == WaveState.TRIGGERED,
        wave.state in (WaveState.COMPLETED, WaveState.CANCELLED),
    )
    rate = (
        max(0.0, (settled - since[1]) / (at - since[0]))
        if going and since and at - since[0] > 0.1
        else None
    )
    return {
        **counts,
        "in_flight": accounts.in_flight(wave=wave),
        "over": over,
        "goes_on": not over or (counts["in_queue"] > 0 and not not_going(wave)),
        "bar": _bar_of_fans(counts) if over else _bar_of_messages(settled, messages),
        "share": "" if over else svg.share(settled, messages),
        "rate": round(rate) if rate is not None else None,
        "seconds_left": counts["waiting"] / rate if rate else None,
        "at": f"{at:.2f}",
        "settled": settled,
    }


def notified(campaigns: list[int]) -> dict[int, int]:
    """Fans notified in each of these campaigns. [N-7]"""
    key = "notified:" + ",".join(map(str, sorted(campaigns)))
    return slow_counts.kept(key, lambda: results.notified(wave__campaign__in=campaigns))


def _bar_of_messages(settled: int, messages: int) -> SafeString:
    return svg.progress(
        [("good", settled)], messages, f"{settled} of {messages} messages handed over"
    )


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
    """Whether counting takes longer than a page may: 3 s for half a million fans. The page is shown
    at once then, and asks for its counts.
    """
    return wave.selected > MANY_FANS and cache.get(_key(wave)) is None


def _key(wave: Wave) -> str:
    return f"counters:{wave.pk}:{wave.state}"


def _counted(wave: Wave) -> tuple[float, dict[str, Any]]:
    """When it was counted, and the counts. However many people watch, counting takes a tenth of one
    processor's time: what took 1.3 s (measured, 400,000 members) is kept for 13 s, what took 20 ms
    for the second between two looks.
    """
    key = _key(wave)
    found: tuple[float, dict[str, Any]] | None = cache.get(key)
    if found is None:
        started = time.time()
        found = started, _counts(wave)
        cache.set(key, found, timeout=max(SHORTEST_SECONDS, 10 * (time.time() - started)))
    return found


def _counts(wave: Wave) -> dict[str, Any]:
    messages = results.messages(wave.pk)
    reached = {"notified": results.notified(wave=wave.pk).get(wave.campaign_id, 0)}
    return {
        **results.result(wave.pk),
        **reached,
        "messages": messages.all,
        "waiting": messages.waiting,
        "in_queue": messages.in_queue,
        "again": results.to_send_again(wave) if wave.state == WaveState.COMPLETED else {},
    }
