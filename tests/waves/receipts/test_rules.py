"""What a receipt makes of its message, whatever came before it. [N-3, N-4]"""

from __future__ import annotations

import itertools
import uuid

import pytest

from waves.choices import ReceiptResult, SendState
from waves.providers.outcomes import Objection, Receipt
from waves.receipts.rules import Standing, judged

KEY = uuid.UUID(int=7)
DELIVERED = Receipt(KEY, SendState.DELIVERED, "p")
SENT_ON = Receipt(KEY, SendState.SENT, "p")
FAILED = Receipt(KEY, SendState.UNDELIVERABLE, "p", "handset_off")
BOUNCED = Receipt(KEY, SendState.UNDELIVERABLE, "p", "smtp_550", Objection.HARD_BOUNCE)
OPEN = Standing(SendState.SENT, "", 1)


def after(*receipts: Receipt, standing: Standing = OPEN) -> tuple[str, str, list[ReceiptResult]]:
    results = []
    for receipt in receipts:
        result, changed = judged(standing, receipt)
        assert changed is not None
        standing = changed
        results.append(result)
    return standing.state, standing.reason, results


@pytest.mark.parametrize("before", ["pending", "sending", "sent", "failed", "unknown"])
def test_n4_a_receipt_settles_every_earlier_state(before):
    """Also before `sent` is recorded, and where the outcome is unknown."""
    standing = Standing(before, "timed_out", 1)
    assert after(DELIVERED, standing=standing) == ("delivered", "", [ReceiptResult.APPLIED])
    assert after(FAILED, standing=standing)[:2] == ("undeliverable", "handset_off")


@pytest.mark.parametrize("before", ["pending", "sending", "failed", "unknown"])
def test_n4_that_a_message_was_sent_on_settles_only_what_is_open(before):
    """The provider has it, and says nothing of its delivery."""
    standing = Standing(before, "timed_out", 1)
    assert after(SENT_ON, standing=standing) == ("sent", "", [ReceiptResult.APPLIED])
    assert after(SENT_ON, DELIVERED, standing=standing)[:2] == ("delivered", "")
    for known in (OPEN, Standing("delivered", "", 1), Standing("undeliverable", "x", 1)):
        assert after(SENT_ON, standing=known) == (*known[:2], [ReceiptResult.IGNORED])


def test_n3_a_receipt_that_comes_again_changes_nothing():
    for receipt in (DELIVERED, FAILED, BOUNCED):
        assert after(receipt, receipt)[2] == [ReceiptResult.APPLIED, ReceiptResult.REPEATED]


def test_n3_what_was_delivered_is_not_undeliverable_later():
    assert after(DELIVERED, FAILED) == (
        "delivered",
        "",
        [ReceiptResult.APPLIED, ReceiptResult.LATE],
    )


def test_n3_an_address_that_does_not_exist_is_the_last_word():
    assert after(DELIVERED, BOUNCED)[:2] == ("undeliverable", "hard_bounce")
    assert after(BOUNCED, DELIVERED)[:2] == ("undeliverable", "hard_bounce")


def test_n3_the_order_in_which_receipts_come_does_not_matter():
    ends = {
        after(*order)[:2] for order in itertools.permutations([DELIVERED, FAILED, BOUNCED, FAILED])
    }
    assert ends == {("undeliverable", "hard_bounce")}
    assert {after(*order)[:2] for order in itertools.permutations([DELIVERED, FAILED])} == {
        ("delivered", "")
    }


def test_n3_a_receipt_for_nothing_or_for_what_was_never_attempted_is_named():
    assert judged(None, DELIVERED) == (ReceiptResult.UNKNOWN_MESSAGE, None)
    never = Standing(SendState.PENDING, "", 0)
    assert judged(never, DELIVERED) == (ReceiptResult.NEVER_SENT, never)
