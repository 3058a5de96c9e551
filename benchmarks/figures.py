"""What a benchmark reports, and how it is shown."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

VERDICTS = {True: "holds", False: "FALLS SHORT", None: ""}


@dataclass(frozen=True)
class Figure:
    """One measured stage: `seconds` for `count` things, beside the limit's seconds for the same
    things in the same run.

    `goal` is the highest allowed ratio of seconds to limit; None where there is only a peer or a
    note.
    """

    stage: str
    count: int
    seconds: float
    limit: str = ""
    limit_seconds: float | None = None
    goal: float | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        return self.seconds / self.limit_seconds if self.limit_seconds else None

    @property
    def holds(self) -> bool | None:
        return None if self.goal is None or self.ratio is None else self.ratio <= self.goal

    @property
    def measured(self) -> float:
        """What runs are ordered by, to find the middle one."""
        return self.seconds if self.ratio is None else self.ratio

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {
            "per_second": round(self.count / self.seconds),
            "ratio": self.ratio,
            "holds": self.holds,
        }

    def lines(self) -> list[str]:
        shown = [
            (
                f"{self.stage}: {self.count:,} in {self.seconds:.2f} s,"
                f" {self.count / self.seconds:,.0f} a second"
            )
        ]
        if self.ratio is not None:
            goal = (
                f", goal at most {self.goal:g}×: {VERDICTS[self.holds]}"
                if self.goal is not None
                else ""
            )
            shown.append(
                f"    limit: {self.limit} in {self.limit_seconds:.2f} s → {self.ratio:.2f}×{goal}"
            )
        return shown + ([f"    {self.note}"] if self.note else [])


@dataclass(frozen=True)
class Bound:
    """A measured value that is no time, in its unit, and what it must not pass or fall below."""

    stage: str
    value: float
    unit: str
    at_most: float | None = None
    at_least: float | None = None
    note: str = ""

    @property
    def holds(self) -> bool | None:
        if self.at_most is None and self.at_least is None:
            return None
        return (self.at_most is None or self.value <= self.at_most) and (
            self.at_least is None or self.value >= self.at_least
        )

    @property
    def measured(self) -> float:
        """What runs are ordered by, to find the middle one."""
        return self.value

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"holds": self.holds}

    def lines(self) -> list[str]:
        goals = {"at most": self.at_most, "at least": self.at_least}
        values = "".join(
            f", goal {how} {goal:g}: {VERDICTS[self.holds]}"
            for how, goal in goals.items()
            if goal is not None
        )
        shown = (
            f"{self.stage}: {self.value:,.4g} {self.unit}"
            if self.value < 1000
            else f"{self.stage}: {self.value:,.0f} {self.unit}"
        )
        return [shown + values] + ([f"    {self.note}"] if self.note else [])
