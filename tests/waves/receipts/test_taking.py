"""Each event has its result, and objections and texts are passed on. [N-3, N-8]"""

from __future__ import annotations

import uuid

import pytest

from tests.support.sending import attempted
from waves.choices import ReceiptResult, SendState
from waves.models import TrialMessage
from waves.providers.outcomes import Ignored, InboundText, Objection, Receipt, Refused
from waves.receipts import objections, taking

pytestmark = pytest.mark.django_db


def test_n8_objections_and_texts_are_passed_on_with_the_receipts_and_each_event_is_named(
    monkeypatch,
):
    noted = []
    monkeypatch.setattr(objections, "note", lambda *given: noted.append(given))
    [row] = attempted()
    text = InboundText("+12025550100", "STOP", "m-1")
    taken = taking.take(
        "sms_http",
        [
            Receipt(row.key, SendState.UNDELIVERABLE, "p", "gone", Objection.HARD_BOUNCE),
            Receipt(uuid.UUID(int=1), SendState.DELIVERED, "p", objection=Objection.COMPLAINT),
            text,
            Ignored("opened", "m-2"),
            Refused("id: odd."),
        ],
    )
    assert noted == [("sms_http", [(row.key, Objection.HARD_BOUNCE)], [text])]
    assert [each.result for each in taken] == [
        ReceiptResult.APPLIED,
        ReceiptResult.UNKNOWN_MESSAGE,
        ReceiptResult.TEXT_RECEIVED,
        ReceiptResult.IGNORED,
        ReceiptResult.REFUSED,
    ]
    assert [each.reference for each in taken[2:]] == ["m-1", "m-2", ""]
    row.refresh_from_db()
    assert (row.state, row.reason) == ("undeliverable", "hard_bounce")


def test_n3_a_test_message_has_its_receipt_too_and_objects_to_nothing(ann, monkeypatch):
    noted = []
    monkeypatch.setattr(objections, "note", lambda *given: noted.append(given))
    [row] = attempted()
    key = uuid.uuid4()
    trial = TrialMessage.objects.create(
        key=key, by=ann, campaign=row.wave.campaign, channel="sms", to="+12025550100", state="sent"
    )
    bounced = Receipt(key, SendState.UNDELIVERABLE, "p", "gone", Objection.HARD_BOUNCE)
    assert [each.result for each in taking.take("sms_http", [bounced, bounced])] == [
        ReceiptResult.APPLIED,
        ReceiptResult.REPEATED,
    ]
    trial.refresh_from_db()
    assert (trial.state, trial.reason, trial.provider_id) == ("undeliverable", "hard_bounce", "p")
    assert noted[0][1] == []
