"""The success metrics of the source documents and their targets, and whether a measured value meets
its target. Pure. [O-8]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final, Literal

WINDOW: Final = timedelta(days=7)  # what is measured; a miss is over when it lies farther back
MOST_FANS: Final = 100_000  # of a wave whose time is measured
SUSTAINED: Final = 0.98  # of the rate that is allowed [N-2]
LEAST_SMS: Final = 6_000  # of a wave whose rate is measured: half a minute at full rate
Unit = Literal["seconds", "percent", "rows", "per second"]


@dataclass(frozen=True)
class Goal:
    """One metric. `least`: the target is reached from there on upwards, else downwards; `strict`:
    the target itself is not enough. Targets are in `unit`.
    """

    name: str
    words: str
    unit: Unit
    target: float
    least: bool = True
    strict: bool = True
    how: str = ""

    def is_met(self, value: float | None) -> bool:
        """Where there was nothing to measure nothing was missed."""
        if value is None:
            return True
        if value == self.target:
            return not self.strict
        return value > self.target if self.least else value < self.target

    def is_worse(self, value: float, than: float) -> bool:
        return value < than if self.least else value > than

    @property
    def target_words(self) -> str:
        """`over 99%`, `exactly 100%`, `under 5 min`."""
        limit = amount(self.target, self.unit)
        if not self.strict and self.target in (0, 100):
            return f"exactly {limit}" if self.unit == "percent" else limit
        return (
            f"{'over' if self.least else 'under'} {limit}"
            if self.strict
            else (f"{limit} or {'more' if self.least else 'less'}")
        )


GROUPS: Final[tuple[tuple[str, tuple[Goal, ...]], ...]] = (
    (
        "Data",
        (
            Goal(
                "score_file_seconds",
                "Score file, from upload to stream",
                "seconds",
                300,
                least=False,
                how="The slowest file, from the start of its processing. Time spent waiting for a"
                " person or for the public value does not count.",
            ),
            Goal(
                "data_accuracy",
                "Records that match their schema",
                "percent",
                100,
                strict=False,
                how="Of the records that consumers took from the streams, those that did not become"
                " dead letters.",
            ),
            Goal(
                "merge_success",
                "Merges of the lake that succeed",
                "percent",
                99,
                how="Of the periods that were merged, refused or failed, those that were merged.",
            ),
            Goal(
                "rows_lost",
                "Rows lost",
                "rows",
                0,
                least=False,
                strict=False,
                how="Rows in, minus rows out and rejected, of all jobs, files and consumers.",
            ),
        ),
    ),
    (
        "Access codes",
        (
            Goal(
                "code_uniqueness",
                "Assigned codes that are unique",
                "percent",
                100,
                strict=False,
                how="Of the assigned codes, those that only one fan has.",
            ),
            Goal(
                "code_assignment",
                "Fans whose code is assigned at the trigger",
                "percent",
                99.5,
                how="Of the reserved codes of triggered waves, those that are assigned.",
            ),
            Goal(
                "code_reservation",
                "Codes that the code service reserves",
                "percent",
                99,
                how="Of the codes that were requested, those that arrived and can be used.",
            ),
        ),
    ),
    (
        "Messages",
        (
            Goal(
                "sms_attempts",
                "SMS that are attempted",
                "percent",
                98,
                how="Of the messages of finished waves. Fans without a usable number do not count.",
            ),
            Goal(
                "email_queued",
                "E-mails that are queued",
                "percent",
                100,
                strict=False,
                how="Of the messages of finished waves. Fans without an address, or with a"
                " suppressed one, do not count.",
            ),
            Goal(
                "wave_seconds",
                "Wave of up to 100,000 fans, from trigger to complete",
                "seconds",
                1_800,
                least=False,
                how="The slowest wave.",
            ),
            Goal(
                "sms_per_second",
                "SMS per second",
                "per second",
                SUSTAINED * 200,
                strict=False,
                how="The slowest wave of 6,000 SMS or more that was sent while no other wave was,"
                " without a pause of the wave or of the provider. The target is 98% of"
                " SMS_PER_SECOND, or of 200 if that is less.",
            ),
        ),
    ),
    (
        "Operations",
        (
            Goal(
                "job_success",
                "Jobs that succeed",
                "percent",
                99,
                how="Of the jobs that are done or failed, those that are done. A job that succeeds"
                " after a retry counts as done.",
            ),
            Goal(
                "alert_seconds",
                "Alert, until Slack has it",
                "seconds",
                60,
                least=False,
                how="The slowest alert, including one that is still waiting.",
            ),
            Goal(
                "retry_success",
                "Preparations that succeed when they are repeated",
                "percent",
                90,
                how="Of the preparations that needed a second attempt.",
            ),
            Goal(
                "detection_seconds",
                "Problem, until Slack has it, on average",
                "seconds",
                300,
                least=False,
                how="Alerts about problems. A silent service is noticed after three minutes.",
            ),
        ),
    ),
)


def goals_by_group(sms_per_second: int) -> list[tuple[str, Sequence[Goal]]]:
    """All goals; that of the rate of SMS is no higher than what is allowed."""
    allowed = SUSTAINED * min(200, sms_per_second)
    return [
        (
            title,
            [
                replace(goal, target=allowed) if goal.name == "sms_per_second" else goal
                for goal in goals
            ],
        )
        for title, goals in GROUPS
    ]


def goals_by_name(sms_per_second: int) -> dict[str, Goal]:
    """The same by their names."""
    return {goal.name: goal for _, goals in goals_by_group(sms_per_second) for goal in goals}


def amount(value: float | None, unit: Unit) -> str:
    """`99.5%`, `4 min 12 s`, `0.8 s`, `196 per second`, `0 rows`; a percentage is cut off, never
    rounded up to one that would meet its target.
    """
    if value is None:
        return "–"
    if unit == "percent":
        return f"{int(value * 100) / 100:g}%"
    if unit == "seconds":
        minutes, seconds = divmod(round(value), 60)
        if value < 60:
            return f"{value:.1f} s".replace(".0 s", " s")
        return f"{minutes} min {seconds} s" if seconds else f"{minutes} min"
    return f"{value:,.0f} {unit}"
