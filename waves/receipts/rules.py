"""What a receipt makes of its message: decisions only. [N-3, N-4]

A message ends in the same state whatever the order in which its receipts come, and however often:
the strongest counts. The weakest says only that the provider sent the message on. That a provider
delivered a message is stronger than that it once could not; that there is no such address is
stronger still, because mail servers accept e-mails first and return them later.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from waves.choices import ReceiptResult, SendState
from waves.providers.outcomes import Objection, Receipt

HARD_BOUNCE: Final = Objection.HARD_BOUNCE.value
OPEN, SENT, UNDELIVERABLE, DELIVERED, BOUNCED = range(5)  # the weakest first


class Standing(NamedTuple):
    """A message as its row is now."""

    state: str
    reason: str
    attempts: int


def judged(standing: Standing | None, receipt: Receipt) -> tuple[ReceiptResult, Standing | None]:
    """What becomes of the receipt, and how its message stands after it. A receipt proves that the
    message was accepted, so it settles every earlier state, also `failed`, which was our mistake
    then; but not what was never attempted.
    """
    if standing is None:
        return ReceiptResult.UNKNOWN_MESSAGE, None
    if not standing.attempts:
        return ReceiptResult.NEVER_SENT, standing
    after = Standing(receipt.state, reason_of(receipt), standing.attempts)
    had, has = _strength(standing), _strength(after)
    if has > had:
        return ReceiptResult.APPLIED, after
    if has == SENT:
        return ReceiptResult.IGNORED, standing
    return (ReceiptResult.REPEATED if has == had else ReceiptResult.LATE), standing


def reason_of(receipt: Receipt) -> str:
    """Why a message was not delivered, as its row keeps it."""
    if receipt.state == SendState.DELIVERED:
        return ""
    return HARD_BOUNCE if receipt.objection == Objection.HARD_BOUNCE else receipt.reason


def _strength(standing: Standing) -> int:
    if standing.state == SendState.DELIVERED:
        return DELIVERED
    if standing.state != SendState.UNDELIVERABLE:
        return SENT if standing.state == SendState.SENT else OPEN
    return BOUNCED if standing.reason == HARD_BOUNCE else UNDELIVERABLE
