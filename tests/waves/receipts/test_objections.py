"""Objections and texts put contacts on the suppression list. [N-8]"""

from __future__ import annotations

import logging
import uuid

import pytest

from tests.support.sending import triggered_wave
from waves.choices import Channel
from waves.models import Send
from waves.providers.outcomes import InboundText, Objection
from waves.receipts import objections
from waves.sending import new_messages
from waves.suppression.contacts import Contact
from waves.suppression.suppressed import entries_of

pytestmark = pytest.mark.django_db


def live(contact: Contact) -> list[str]:
    found = entries_of(contact).filter(lifted_at=None).order_by("cause")
    return list(found.values_list("cause", flat=True))


def test_n8_objections_are_logged_by_their_number_and_nothing_personal(caplog):
    with caplog.at_level(logging.INFO):
        objections.note("twilio", [], [])
        objections.note(
            "twilio",
            [(uuid.uuid4(), Objection.COMPLAINT)],
            [InboundText("+12025550100", "STOP", "SM1")],
        )
    [record] = [each for each in caplog.records if each.name == "waves.receipts.objections"]
    assert (record.provider, record.objections, record.texts) == ("twilio", 1, 1)
    assert "2025550100" not in str([vars(each) for each in caplog.records])


def test_n8_each_objection_suppresses_the_contact_of_its_message():
    wave = triggered_wave(4, phones=0, emails=4)
    new_messages.make_sends(wave)
    sends = Send.objects.filter(wave=wave, channel=Channel.EMAIL).order_by("member__place")
    objections.note("anymail", list(zip([each.key for each in sends], Objection, strict=True)), [])
    found = [live(Contact(Channel.EMAIL, f"fan{fan}@example.com")) for fan in (1, 2, 3, 4)]
    assert found == [["hard_bounce"], ["complaint"], ["unsubscribed"], ["opted_out"]]


def test_n8_the_last_text_of_a_number_that_asks_for_something_counts():
    texts = [
        *(("+12025550101", "Arrêt!"), ("+12025550101", "who is this?")),
        *(("+12025550102", "STOP"), ("+12025550102", "start")),
        ("+12025550103", "See you there"),
    ]
    told = [InboundText(number, text, "SM1") for number, text in texts]
    objections.note("twilio", [], [*told, InboundText("+12025550104", "no more", "SM1", True)])
    numbers = [f"+1202555010{last}" for last in (1, 2, 3, 4)]
    found = [live(Contact(Channel.SMS, number)) for number in numbers]
    assert found == [["stop"], [], [], ["stop"]]
    objections.note("twilio", [], [InboundText(numbers[0], "START", "SM2")])
    assert live(Contact(Channel.SMS, numbers[0])) == []
