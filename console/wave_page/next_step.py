"""What the next step of a wave is, or what stands in its way, in one sentence. Pure. [W-2]"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from operations.choices import LIVE_JOBS
from waves.choices import SoftStartState, WaveKind, WaveState
from waves.preparation.judgement import MOST_ATTEMPTS, PREPARABLE
from waves.second_count.verdict import WHAT_TO_DO, Standing

# What the sentence offers: a button of the page, or a link to where it is done.
Offer = Literal["", "prepare", "approve", "schedule", "resume", "date", "messages", "count"]
ENDED: Final = (WaveState.COMPLETED, WaveState.CANCELLED)


@dataclass(frozen=True)
class Facts:
    """A wave as far as its next step depends on it. `failing` is why it cannot be approved as it
    is; `author`: whether who looks prepared or last edited it.
    """

    state: str
    kind: str
    attempts: int
    notify_date: datetime
    now: datetime
    grace: timedelta
    job_state: str  # of the last preparation, empty if there was none
    retry_at: datetime | None
    failing: str
    second_count: Standing
    author: bool
    four_eyes: bool
    may_approve: bool
    has_preflight: bool = True  # a recent one of the present content
    red_lines: int = 0  # of it
    soft_start: str = ""  # how far the soft start of a paused wave is [N-9]


@dataclass(frozen=True)
class NextStep:
    """`tone` is empty, "warn" or "bad"; `offer` says which button or link stands beside it."""

    text: str
    tone: str = ""
    offer: Offer = ""


def next_step(facts: Facts) -> NextStep | None:
    """None where nothing is left to do, or where the page counts down to it."""
    if facts.state in ENDED or facts.state in (WaveState.TRIGGERED, WaveState.SCHEDULED):
        return None
    if facts.state == WaveState.PAUSED:
        if facts.soft_start == SoftStartState.WAITING:
            return NextStep(
                "This wave waits for the receipts of its first messages. It continues"
                " automatically, or when someone resumes it.",
                "warn",
            )
        return NextStep("Sending is paused until it is resumed.", "warn")
    if facts.state == WaveState.HELD:
        return NextStep(
            "This wave was held at its notify date, and nothing was sent. Send it now, give it a"
            " new notify date, or cancel it.",
            "bad",
        )
    if facts.state in PREPARABLE:
        return _preparing(facts)
    if facts.now > facts.notify_date + facts.grace:
        return NextStep(
            "The notify date has passed, so this wave cannot be scheduled. Give it a new one.",
            "bad",
            "date",
        )
    if facts.state == WaveState.APPROVED:
        return NextStep(
            "This wave is approved, but not scheduled. It is not sent until it is scheduled.",
            "warn",
            "schedule",
        )
    return _approving(facts)


def _preparing(facts: Facts) -> NextStep:
    if facts.job_state in LIVE_JOBS:
        return NextStep("This wave is being prepared. It can be approved after that.")
    if facts.retry_at is not None:
        return NextStep("The preparation failed and is tried again automatically.", "warn")
    if facts.attempts >= MOST_ATTEMPTS:
        return NextStep(
            "The preparation failed twice. An administrator must reset this wave, with a reason.",
            "bad",
        )
    if facts.kind == WaveKind.UPLOADED:
        what = "Fix what the error names" if facts.state == WaveState.FAILED else "Check its list"
        tone = "bad" if facts.state == WaveState.FAILED else ""
        return NextStep(f"{what}, then upload it again.", tone, "prepare")
    if facts.state == WaveState.FAILED:
        return NextStep("Fix what the error names, then prepare this wave again.", "bad", "prepare")
    return NextStep("This wave is not prepared yet.", "", "prepare")


def _approving(facts: Facts) -> NextStep:
    if facts.failing:
        return NextStep(f"This wave cannot be approved. {facts.failing}", "bad", "messages")
    if facts.second_count == Standing.DIFFERS:
        return NextStep(f"The second count differs. {WHAT_TO_DO}", "bad", "count")
    if facts.second_count == Standing.NOT_FINISHED:
        return NextStep(
            "This wave can be approved when its second count has finished.", "", "count"
        )
    if facts.author and facts.four_eyes:
        return NextStep(
            "You prepared or last edited this wave, so another person must approve it.", "warn"
        )
    if not facts.may_approve:
        return NextStep("Waiting for a user with permission to approve waves.")
    if not facts.has_preflight:
        return NextStep("This wave can be approved when its pre-flight has run.")
    if facts.red_lines:
        return NextStep(
            "The pre-flight has red lines. Fix them, or approve this wave with a reason.",
            "warn",
            "approve",
        )
    return NextStep("Read the messages and the numbers, then approve this wave.", "", "approve")
