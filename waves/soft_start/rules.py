"""Whether the fans behind the first ones are notified, by the receipts of the first messages:
decisions and their words. [N-9]
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from waves.choices import SoftStartState

DELIVERED_PERCENT: Final = 90  # of the messages with a receipt
# Fewer receipts than this say little about the rest of the wave.
ANSWERED_PERCENT: Final = 50  # of the messages that providers accepted
LONGEST_WAIT: Final = timedelta(minutes=15)  # until somebody is alerted
RULE: Final = (
    f"The others follow when {ANSWERED_PERCENT}% of the first messages have a receipt and"
    f" {DELIVERED_PERCENT}% of these were delivered."
)


class Verdict(StrEnum):
    """What the receipts say: go on; it is too early; it takes too long, or too few were delivered,
    so that a person has to decide.
    """

    GOES_ON = "go"
    WAITS = "wait"
    SLOW = "slow"
    POOR = "poor"


@dataclass(frozen=True)
class Receipts:
    """Of the first messages, those that went through providers which post receipts: how many were
    accepted, and what receipts say of these.
    """

    accepted: int
    delivered: int
    undeliverable: int

    @property
    def answered(self) -> int:
        return self.delivered + self.undeliverable

    @property
    def words(self) -> str:
        """As the beginning of a sentence, or one of its own."""
        return (
            f"{self.delivered:,} of the {self.answered:,} messages with a receipt were delivered;"
            f" {self.accepted:,} were accepted"
        )


def verdict(found: Receipts, waited: timedelta) -> Verdict:
    """`waited`: since all of the first messages were sent."""
    if not found.accepted:
        return Verdict.POOR  # no receipt can come
    if found.answered * 100 >= found.accepted * ANSWERED_PERCENT:
        is_good = found.delivered * 100 >= found.answered * DELIVERED_PERCENT
        return Verdict.GOES_ON if is_good else Verdict.POOR
    return Verdict.SLOW if waited >= LONGEST_WAIT else Verdict.WAITS


def why(what: Verdict, found: Receipts) -> str:
    """Why a person has to decide; empty where nobody has to."""
    if what == Verdict.SLOW:
        minutes = LONGEST_WAIT // timedelta(minutes=1)
        return f"After {minutes} minutes too few receipts have come: {found.words}."
    if what != Verdict.POOR:
        return ""
    if not found.accepted:
        return "None of the first messages was accepted by a provider that posts receipts."
    return f"Fewer than {DELIVERED_PERCENT}% were delivered: {found.words}."


def sentences(state: str, fans: int, found: Receipts, what: Verdict) -> str:
    """What the page of the wave says while its soft start is not over; `fans`: the first ones."""
    first = f"the first {fans:,} fans" if fans != 1 else "the first fan"
    if state == SoftStartState.FIRST:
        return f"Soft start: messages to {first} are sent before all others. {RULE}"
    if state == SoftStartState.BY_HAND:
        said = f"{found.words}. The wave stays paused until someone resumes it."
    elif needed := why(what, found):
        said = f"{needed} Resume the wave to notify the other fans, or cancel it."
    else:
        said = f"{found.words}. {RULE} Or resume the wave now."
    return f"Soft start: messages to {first} were sent. {said}"
