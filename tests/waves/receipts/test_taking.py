"""Each event has its result, and objections and texts are passed on. [N-3, N-8]"""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from tests.support.sending import attempted
from waves.choices import Channel, ReceiptResult, SendState
from waves.models import Send, TrialMessage
from waves.providers.outcomes import Ignored, InboundText, Objection, Receipt, Refused
from waves.receipts import objections, taking
from waves.suppression.contacts import Contact
from waves.suppression.suppressed import entries_of, lift

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


def wishes(*texts: tuple[str, str]) -> list[str]:
    """What becomes of texts of one number and their ids, posted one after the other."""
    posted = [[InboundText("+12025550100", text, name)] for text, name in texts]
    return [taking.take("twilio", each)[0].result for each in posted]


def is_suppressed(contact: Contact) -> bool:
    return entries_of(contact).filter(lifted_at=None).exists()


def test_n8_a_start_that_is_posted_again_does_not_lift_the_stop_that_came_after_it():
    number = Contact(Channel.SMS, "+12025550100")
    new, again = ReceiptResult.TEXT_RECEIVED, ReceiptResult.REPEATED
    assert wishes(("START", "SM1"), ("STOP", "SM2"), ("START", "SM1")) == [new, new, again]
    assert is_suppressed(number)
    assert wishes(("START", "SM3"), ("STOP", "SM2")) == [new, again]
    assert not is_suppressed(number)


def test_n8_the_same_text_twice_in_one_post_counts_once_and_each_without_an_id():
    events = [
        InboundText("+12025550100", text, name)
        for text, name in (("START", "SM1"), ("STOP", "SM2"), ("START", "SM1"))
    ]
    assert [each.result for each in taking.take("twilio", events)][2] == ReceiptResult.REPEATED
    assert is_suppressed(Contact(Channel.SMS, "+12025550100"))
    assert wishes(("STOP", ""), ("STOP", "")) == [ReceiptResult.TEXT_RECEIVED] * 2


def test_n8_an_objection_that_a_person_lifted_does_not_count_when_it_is_posted_again(ann):
    [row] = attempted()
    number = Contact(Channel.SMS, "+12020000001")
    bounced = Receipt(row.key, SendState.UNDELIVERABLE, "p", "gone", Objection.HARD_BOUNCE)
    taking.take("twilio", [bounced])
    lift(entries_of(number).get().pk, by=ann, reason="The number was corrected")
    taking.take("twilio", [bounced])
    assert not is_suppressed(number)
    taking.take("twilio", [bounced._replace(objection=Objection.OPTED_OUT)])
    assert is_suppressed(number)


def test_n3_a_receipt_keeps_when_its_message_was_sent_and_says_when_it_was_settled():
    [row] = attempted()
    sent_at = timezone.now() - timedelta(hours=1)
    Send.objects.filter(pk=row.pk).update(sent_at=sent_at)
    taking.take("sms_http", [Receipt(row.key, SendState.DELIVERED, "p")])
    row.refresh_from_db()
    assert (row.sent_at, row.settled_at > sent_at) == (sent_at, True)
