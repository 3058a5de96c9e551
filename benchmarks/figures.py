"""What a benchmark reports, and how it is shown."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Figure:
    """One measured stage: `seconds` for `count` things, beside the limit's seconds for the same things in the same run.

    `goal` is the highest allowed ratio of seconds to limit; None where there is only a peer or a note.
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

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"per_second": round(self.count / self.seconds), "ratio": self.ratio, "holds": self.holds}

    def lines(self) -> list[str]:
        shown = [f"{self.stage}: {self.count:,} in {self.seconds:.2f} s, {self.count / self.seconds:,.0f} a second"]
        if self.ratio is not None:
            verdict = {True: "holds", False: "FALLS SHORT", None: ""}[self.holds]
            goal = f", goal at most {self.goal:g}×: {verdict}" if self.goal is not None else ""
            shown.append(f"    limit: {self.limit} in {self.limit_seconds:.2f} s → {self.ratio:.2f}×{goal}")
        return shown + ([f"    {self.note}"] if self.note else [])
