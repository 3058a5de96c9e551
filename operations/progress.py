"""How far work is, how fast it goes and how long it will take, in words. [O-1]

The speed is that of this step, this attempt and the last half minute (a worker samples it each 10
s, four samples are kept): a job that was paused overnight is not called slow, and a slow step says
nothing about a quick one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

SHORTEST_SECONDS = 1.0  # what was measured for less than this says nothing
FEW_STEPS = 20  # they take unlike times, so a speed would say nothing
NEARLY_DONE_SECONDS = 1.5
MINUTE, HOUR, DAY = 60, 3600, 86400


@dataclass(frozen=True)
class Pace:
    """What a job does now: the name of the step; its rows and the job's progress when it began with
    them (0 rows: not counted); and samples of the progress, oldest first, as (seconds since 1970,
    progress).
    """

    step: str = ""
    first: int = 0
    rows: int = 0
    samples: tuple[tuple[float, int], ...] = ()

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Pace:
        samples = tuple((float(at), int(progress)) for at, progress in kept.get("samples", ()))
        return cls(kept.get("step", ""), kept.get("first", 0), kept.get("rows", 0), samples)


@dataclass(frozen=True)
class Estimate:
    """Units a second (0: not known), and the seconds until all is done (None: not known)."""

    per_second: float = 0.0
    seconds_left: float | None = None


def estimate(pace: Pace, *, now: float, progress: int, total: int) -> Estimate:
    """From the oldest sample until now. Never negative, whatever the clocks of two
    machines say.
    """
    if not pace.samples or total <= FEW_STEPS:
        return Estimate()
    at, since = pace.samples[0]
    if now - at < SHORTEST_SECONDS or progress <= since:
        return Estimate()
    per_second = (progress - since) / (now - at)
    return Estimate(per_second, max(0, total - progress) / per_second)


def sentence(pace: Pace, *, now: float, progress: int, total: int) -> str:
    """`Judging rows: 1.2 million of 2 million rows, 90,000 per second, about 9 seconds left`; blank
    where nothing is known.
    """
    counted = _counted(pace, progress, total)
    found = estimate(pace, now=now, progress=progress, total=total)
    parts = [counted] if counted else []
    if counted and found.per_second:
        parts.append(f"{rounded(found.per_second)} per second")
    if counted and found.seconds_left is not None:
        parts.append(duration(found.seconds_left))
    return ": ".join(part for part in (pace.step, ", ".join(parts)) if part)


def _counted(pace: Pace, progress: int, total: int) -> str:
    if pace.rows:
        return (
            f"{spoken(min(max(progress - pace.first, 0), pace.rows))} of {spoken(pace.rows)} rows"
        )
    if pace.step and not total and progress > pace.first:
        return f"{spoken(progress - pace.first)} rows"
    if pace.step or not progress:
        return ""
    return f"{spoken(progress)} of {spoken(total)} steps" if total else f"{spoken(progress)} steps"


def milestone(pace: Pace, *, percent: int) -> str:
    """Changes with the step and with each tenth of the work: as often as a screen reader should
    speak of it.
    """
    return f"{pace.step} {percent // 10}".strip()


def spoken(number: int) -> str:
    """1,234; from a million on 1.2 million, never more than there are."""
    if number < 1_000_000:
        return f"{number:,}"
    tenths = number // 100_000
    return f"{tenths / 10:,.1f}".removesuffix(".0") + " million"


def rounded(per_second: float) -> str:
    """Two digits say enough of a speed: 93,512 → 94,000."""
    if per_second < 10:
        return f"{max(per_second, 0.1):.1f}".removesuffix(".0")
    digits = len(str(int(per_second)))
    return spoken(int(round(per_second, 2 - digits)))


def duration(seconds: float) -> str:
    """`about 9 seconds left`, `about 2 minutes left`, `nearly done`."""
    if seconds < NEARLY_DONE_SECONDS:
        return "almost finished"
    if seconds < 10:
        return f"about {round(seconds)} seconds left"
    if seconds < 58:
        return f"about {5 * round(seconds / 5)} seconds left"
    for name, size, below in (
        ("minute", MINUTE, 58 * MINUTE),
        ("hour", HOUR, 36 * HOUR),
        ("day", DAY, 60 * DAY),
    ):
        if seconds < below:
            count = max(1, round(seconds / size))
            return f"about {count} {name}{'s' * (count > 1)} left"
    return "more than two months left"
