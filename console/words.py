"""The vocabularies in words for people, and the tone each state has on a page."""

from __future__ import annotations

from typing import Final

from campaigns.choices import Reason, Tag
from demand.choices import ErrorType
from waves.choices import CodeReason, Exclusion, Order, RowReason
from waves.providers import registry
from waves.providers.reasons import reason_in_words

TONES: Final[dict[str, str]] = {
    "open": "good",
    "draft": "info",
    "closed": "warn",
    "uploaded": "info",
    "processing": "info",
    "validated": "warn",
    "streamed": "good",
    "saved": "good",
    "failed": "bad",
    "refused": "bad",
    "queued": "info",
    "running": "info",
    "paused": "warn",
    "done": "good",
    "prepared": "info",
    "approved": "info",
    "scheduled": "info",
    "triggered": "info",
    "held": "bad",
    "stopped": "bad",
    "ready": "good",
    "completed": "good",
    "sent": "good",
    "delivered": "good",
    "undeliverable": "bad",
    "unknown": "warn",
    "sending": "info",
    "published": "good",
    "assigned": "info",
    "reserved": "info",
    "lost": "bad",
    "waiting": "warn",
    "replayed": "good",
    "settled": "plain",
    "loose": "info",
    "merged": "good",
    "archived": "good",
    "querying": "info",
    "consolidating": "info",
}
WORDS: Final[dict[str, str]] = {
    # Why a row was rejected, what is odd about an accepted one, why a fan is not a candidate, the
    # orders of selection, and why a change event is not archived [S-3, S-4, S-5, W-5, BR-017]
    **{
        choice.value: str(choice.label)
        for vocabulary in (RowReason, Reason, Tag, Exclusion, Order, ErrorType, CodeReason)
        for choice in vocabulary
    },
    # Bands [S-7]
    "high": "High (0.95 and above)",
    "mid": "Mid (0.80 to 0.95)",
    "low": "Low (below 0.80)",
    # Providers [N-1, N-5]
    **registry.TITLES,
}
WAVE_STEPS: Final = ("configured", "prepared", "approved", "scheduled", "triggered", "completed")
STEP_OF_STATE: Final = {
    "paused": "triggered",
    "held": "scheduled",
    "code_generated": "configured",
}
FILE_STEPS: Final = ("uploaded", "processing", "validated", "streamed", "saved")


def words(name: str) -> str:
    """The words that pages use for a name: a state, a reason, a provider."""
    return WORDS[name] if name in WORDS else reason_in_words(name)


def steps(order: tuple[str, ...], state: str) -> list[tuple[str, str]]:
    """(step, "done" | "now" | "") up to `state`, or to the step at which it left the order; all
    blank for what has no place.
    """
    if state not in order:
        state = order[0] if state == "failed" else STEP_OF_STATE.get(state, state)
    if state not in order:
        return [(step, "") for step in order]
    at = order.index(state)
    last = len(order) - 1
    return [
        (step, "done" if i < at or at == last else "now" if i == at else "")
        for i, step in enumerate(order)
    ]
