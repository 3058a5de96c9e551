"""What kept counts say. [N-7]"""

from __future__ import annotations

from waves.figures.parts import figures_of

PARTS = {
    "fans/ok": 7,
    "fans/failed": 2,
    "fans/pending": 1,
    "fans/notified": 6,
    "sms/waiting": 3,
    "sms/state/pending/": 1,
    "sms/state/sending/timed_out": 2,
    "sms/state/sent/": 4,
    "sms/state/delivered/": 5,
    "sms/state/undeliverable/": 1,
    "sms/state/failed/http_400": 2,
    "sms/state/skipped/no_contact": 9,
    "sms/second/1790000000": 6,
    "sms/second/1790000003": 4,
    "email/queued": 8,
    "email/in_queue": 8,
    "email/state/pending/": 8,
}


def test_n7_counts_become_the_result_and_what_a_receipt_told_of_was_sent():
    assert figures_of(PARTS).result == {
        "total": 10,
        "ok": 7,
        "failed": 2,
        "skipped": 0,
        "unknown": 0,
        "pending": 1,
        "detail": {
            "sms": {"sent": 10, "failed": 2, "delivered": 5, "undeliverable": 1},
            "email": {"queued": 8, "sent": 0, "failed": 0, "delivered": 0, "undeliverable": 0},
        },
    }


def test_n7_each_channel_has_its_messages_by_state_reason_and_second():
    found = figures_of(PARTS)
    sms, email = found.channels["sms"], found.channels["email"]
    assert found.notified == 6
    assert (sms.all, sms.open, email.all, email.open) == (15, 3, 8, 8)
    assert sms.by_reason == {
        ("pending", ""): 1,
        ("sending", "timed_out"): 2,
        ("sent", ""): 4,
        ("delivered", ""): 5,
        ("undeliverable", ""): 1,
        ("failed", "http_400"): 2,
        ("skipped", "no_contact"): 9,
    }
    assert sms.by_second == {1790000000: 6, 1790000003: 4}


def test_n7_where_nothing_was_counted_everything_is_none():
    assert figures_of({}).result["total"] == 0
