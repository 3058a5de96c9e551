"""A reader unsubscribes from the e-mail that was sent, as mail programs and browsers do. [N-8]"""

from __future__ import annotations

import re
from email import message_from_bytes
from urllib.parse import urlsplit

import pytest
from django.core import mail
from django.test import Client

from tests.support.sending import triggered_wave
from waves.choices import Channel
from waves.models import Suppression, Wave
from waves.sending import email_queue, new_messages
from waves.suppression.contacts import Contact
from waves.suppression.suppressed import entries_of

pytestmark = pytest.mark.django_db(transaction=True)

ONE_CLICK = {"List-Unsubscribe": "One-Click"}
READER = Contact(Channel.EMAIL, "fan1@example.com")


@pytest.fixture
def reader() -> Client:
    """Of whom nothing is known: neither signed in nor with a token of a form."""
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def sent() -> Wave:
    wave = triggered_wave(1, phones=0, emails=1)
    new_messages.make_sends(wave)
    assert email_queue.deliver()["sent"] == 1
    return wave


def path_in(message: mail.EmailMessage) -> str:
    """Of the address that the header of the e-mail, as it goes over the wire, names."""
    headers = message_from_bytes(message.message().as_bytes())
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    found = re.fullmatch(r"\s*<(\S+)>", headers["List-Unsubscribe"])
    assert found is not None
    return urlsplit(found[1]).path


def test_n8_a_mail_program_unsubscribes_with_one_click(sent, reader):
    path = path_in(mail.outbox[0])
    for content_type in ("application/x-www-form-urlencoded", "multipart/form-data; boundary=b"):
        body = b"List-Unsubscribe=One-Click"
        if content_type.startswith("multipart"):
            body = (
                b'--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\n'
                b"One-Click\r\n--b--\r\n"
            )
        answer = reader.post(path, body, content_type=content_type)
        assert answer.status_code == 200
        assert not answer.cookies
    entry = entries_of(READER).get()
    assert (entry.cause, entry.campaign) == ("unsubscribed", None)


def test_n8_looking_at_the_page_changes_nothing(sent, reader):
    """Mail programs and virus scanners open every link."""
    path = path_in(mail.outbox[0])
    for look in (reader.get, reader.head, reader.get):
        answer = look(path)
        assert answer.status_code == 200
        assert not answer.cookies
    assert b"Unsubscribe from all e-mails</button>" in answer.content
    assert reader.put(path).status_code == 405
    assert not Suppression.objects.exists()


def test_n8_a_reader_leaves_one_campaign_alone_and_gets_no_more_of_its_emails(sent, reader):
    path = path_in(mail.outbox[0])
    answer = reader.post(path, {"from": "campaign"})
    assert b"no more e-mails about Spring Tour" in answer.content
    assert entries_of(READER).get().campaign == sent.campaign
    for wave, left in ((sent, 0), (triggered_wave(1, phones=0, emails=1), 1)):
        wave.sends.all().delete()
        new_messages.make_sends(wave)
        assert email_queue.deliver()["sent"] == left


def test_n8_the_page_runs_no_script_and_names_nobody(sent, reader):
    answer = reader.get(path_in(mail.outbox[0]))
    policy = answer.headers["Content-Security-Policy"]
    assert "script-src 'none'" in policy
    assert "unsafe" not in policy
    assert "no-store" in answer.headers["Cache-Control"]
    assert b"fan1" not in answer.content
    assert b"<script" not in answer.content


def test_n8_another_link_is_told_apart_from_one_that_works(sent, reader):
    path = path_in(mail.outbox[0])
    for wrong in (path[:-1], f"{path}x", path.replace(".", "-"), "/unsubscribe/nothing"):
        for answer in (reader.get(wrong), reader.post(wrong, ONE_CLICK)):
            assert answer.status_code == 404
            assert b"This link does not work" in answer.content
    sent.sends.all().delete()
    assert reader.post(path, ONE_CLICK).status_code == 404
    assert not Suppression.objects.exists()
