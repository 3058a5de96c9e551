"""What providers report and fans reply is on the list at once, and a repeat changes nothing. [N-8]"""

from __future__ import annotations

import uuid

import pytest

from tests.support.sending import triggered_wave
from waves.choices import Channel, SuppressedBy
from waves.models import Member, Send, Suppression
from waves.sending import new_messages
from waves.suppression.contacts import Contact
from waves.suppression.reports import follow_wishes, suppress_recipients
from waves.suppression.stop_words import Wish
from waves.suppression.suppressed import Ground, entries_of, suppress

pytestmark = pytest.mark.django_db

EMAIL, SMS = Channel.EMAIL, Channel.SMS


def live(contact: Contact) -> list[tuple[str, int | None]]:
    found = entries_of(contact).filter(lifted_at=None).order_by("cause")
    return list(found.values_list("cause", "campaign"))


def test_n8_the_recipient_of_a_message_is_suppressed_on_its_channel_for_all_campaigns():
    wave = triggered_wave(2, emails=2)
    new_messages.make_sends(wave)
    ids = {(row.member.place, row.channel): row.key for row in Send.objects.filter(wave=wave)}
    reported = [
        (ids[1, EMAIL], SuppressedBy.HARD_BOUNCE),
        (ids[1, EMAIL], SuppressedBy.COMPLAINT),
        (ids[2, SMS], SuppressedBy.OPTED_OUT),
        (uuid.uuid4(), SuppressedBy.COMPLAINT),  # of a message that is deleted since
    ]
    assert suppress_recipients(reported) == 3
    assert suppress_recipients(reported) == 0
    assert live(Contact(EMAIL, "fan1@example.com")) == [("complaint", None), ("hard_bounce", None)]
    assert live(Contact(SMS, "+12020000002")) == [("opted_out", None)]
    assert live(Contact(SMS, "+12020000001")) == []


def test_n8_a_member_whose_contact_is_gone_puts_nothing_on_the_list():
    wave = triggered_wave(1)
    new_messages.make_sends(wave)
    Member.objects.filter(wave=wave).update(phone="")
    suppress_recipients([(Send.objects.get(wave=wave, channel=SMS).key, SuppressedBy.STOP)])
    assert not Suppression.objects.exists()


def test_n8_start_takes_back_what_the_fan_asked_for_and_no_more():
    number = Contact(SMS, "+12065550101")
    for cause in (SuppressedBy.OPTED_OUT, SuppressedBy.HARD_BOUNCE):
        suppress([number], Ground(cause))
    follow_wishes({number.value: Wish.STOP, "+12065550102": Wish.NOTHING})
    follow_wishes({number.value: Wish.STOP})
    assert live(number) == [("hard_bounce", None), ("opted_out", None), ("stop", None)]
    assert live(Contact(SMS, "+12065550102")) == []
    follow_wishes({number.value: Wish.START})
    follow_wishes({"+12065550199": Wish.START})
    assert live(number) == [("hard_bounce", None)]
