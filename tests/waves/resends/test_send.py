"""What support asked for is sent by the machine that sends waves. [X-12, N-3, N-4, N-6]"""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

import sandbox
from tests.support.waves import person
from tests.waves.resends.test_ask import fan_of, sent_wave, wanted
from waves import actions
from waves.choices import Channel, SendState, SuppressedBy
from waves.errors import WrongState
from waves.models import Resend, Send, Suppression, Wave
from waves.providers.outcomes import Objection, Receipt
from waves.receipts import taking
from waves.resends import send, tasks
from waves.resends.ask import ask
from waves.sending import accounts, send_rows
from waves.sending.send_rows import Messages
from waves.suppression.contacts import Contact
from waves.suppression.suppressed import Ground, suppress
from waves.suppression.unsubscribe import link, message_of, unsubscribe

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def gateway(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    with sandbox.running(latency_ms=1) as box:
        settings.SMS_URL = box.url
        yield box


def test_x12_the_same_text_with_the_same_code_goes_to_the_corrected_contacts_once(gateway):
    wave = sent_wave()
    asked = wanted(wave, phone="+12065550142", email="ann@band.example")
    rows = tasks.send_here(asked, by=person("desk"))
    assert [row.state for row in rows] == ["sent", "sent"]
    (sms,) = gateway.messages()
    code, keys = fan_of(wave).code, {row.channel: str(row.key) for row in rows}
    assert (sms["to"], sms["key"], sms["wave"]) == ("+12065550142", keys["sms"], wave.name)
    assert code in sms["body"]
    (email,) = mail.outbox
    assert (email.to, code in email.body) == (["ann@band.example"], True)
    assert Send.objects.filter(wave=wave).exclude(state="sent").count() == 0
    tasks.send_here(asked, by=person("desk"))
    assert (len(gateway.messages()), len(mail.outbox)) == (1, 1)


def test_n6_it_waits_while_its_wave_or_what_is_left_of_it_is_paused(gateway):
    wave = sent_wave()
    ask(wanted(wave, phone="+12065550142"), by=person("desk"))
    for stopped in ({"queue": "paused"}, {"queue": "running", "state": "paused"}):
        Wave.objects.filter(pk=wave.pk).update(**stopped)
        assert not send.waves_with_resends().exists()
        send.send(wave.pk)
        assert Resend.objects.get().state == "pending"
    Wave.objects.filter(pk=wave.pk).update(state="completed")
    assert send.send(wave.pk) == {"sent": 1}
    assert len(gateway.messages()) == 1


def test_n9_the_second_provider_sends_it_while_the_first_is_paused(gateway, settings):
    wave = sent_wave()
    settings.SMS_PROVIDER, settings.SMS_FALLBACK = "twilio", "http"
    settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN = "AC1", "secret"
    settings.TWILIO_SENDER = "+12065550100"
    accounts.pause("twilio", "drill")
    ask(wanted(wave, phone="+12065550142"), by=person("desk"))
    assert list(send.waves_with_resends()) == [wave]
    accounts.pause("sms_http", "drill")
    assert not send.waves_with_resends().exists()
    accounts.resume("sms_http")
    assert send.send(wave.pk) == {"sent": 1}
    assert (Resend.objects.get().provider, len(gateway.messages())) == ("sms_http", 1)


def test_n4_what_another_provider_may_have_is_unknown(gateway):
    wave = sent_wave()
    ask(wanted(wave, phone="+12065550142"), by=person("desk"))
    gone = Messages(wave.pk, Channel.SMS, send.RESENT, provider="gone")
    send_rows.claim(gone, uuid.uuid4(), after=0, limit=1, lease=timedelta(seconds=-1))
    assert send.send(wave.pk) == {}
    assert (Resend.objects.get().state, gateway.messages()) == ("unknown", [])


@pytest.mark.parametrize("stopped", [{"state": "cancelled"}, {"queue": "cancelled"}])
def test_n6_what_waits_in_a_cancelled_wave_is_skipped_and_what_was_in_flight_is_unknown(
    stopped, gateway
):
    wave = sent_wave()
    ask(wanted(wave, phone="+12065550142", email="ann@band.example"), by=person("desk"))
    in_flight = Resend.objects.filter(channel="email")
    in_flight.update(state="sending", lease_until=timezone.now() - timedelta(minutes=1))
    Wave.objects.filter(pk=wave.pk).update(**stopped)
    assert not send.waves_with_resends().exists()
    claimed = Messages(wave.pk, Channel.SMS, send.RESENT)
    lease = timedelta(minutes=1)
    assert not send_rows.claim(claimed, uuid.uuid4(), after=0, limit=1, lease=lease).rows
    send.send(wave.pk)
    tasks.wake()
    ends = dict(Resend.objects.values_list("channel", "state"))
    assert (ends, gateway.messages()) == ({"sms": "skipped", "email": "unknown"}, [])
    assert not mail.outbox


def test_n8_a_corrected_contact_that_was_suppressed_meanwhile_is_skipped(gateway):
    wave = sent_wave()
    ask(wanted(wave, phone="+12065550142"), by=person("desk"))
    suppress([Contact(Channel.SMS, "+12065550142")], Ground(SuppressedBy.STOP))
    send.send(wave.pk)
    row = Resend.objects.get()
    assert (row.state, row.reason, gateway.messages()) == ("skipped", "suppressed", [])


def test_n3_its_receipt_is_its_own_and_an_objection_is_about_the_corrected_contact():
    wave = sent_wave()
    (row,) = tasks.send_here(wanted(wave, email="ann@band.example"), by=person("desk"))
    original = Send.objects.get(member=row.member, channel="email")
    bounce = Receipt(row.key, SendState.UNDELIVERABLE, "p-1", "gone", Objection.HARD_BOUNCE)
    delivered = Receipt(original.key, SendState.DELIVERED, "p-2")
    Send.objects.filter(pk=original.pk).update(attempts=1)
    taking.take("anymail", [bounce, delivered])
    row.refresh_from_db()
    original.refresh_from_db()
    assert (row.state, original.state) == ("undeliverable", "delivered")
    suppressed = Suppression.objects.get()
    other = Contact(Channel.EMAIL, row.member.email)
    assert suppress([Contact(Channel.EMAIL, "ann@band.example")], Ground(suppressed.cause)) == 0
    assert suppress([other], Ground(suppressed.cause)) == 1


def test_n8_its_unsubscribe_link_is_about_the_corrected_contact():
    wave = sent_wave()
    (row,) = ask(wanted(wave, email="ann@band.example"), by=person("desk"))
    token = link(str(row.key)).rstrip("/").rpartition("/")[2]
    message = message_of(token)
    assert message == row
    unsubscribe(message, None)
    assert (
        suppress([Contact(Channel.EMAIL, "ann@band.example")], Ground(SuppressedBy.UNSUBSCRIBED))
        == 0
    )
    assert message_of(link(str(uuid.uuid4())).rstrip("/").rpartition("/")[2]) is None


def test_n6_what_support_sends_again_of_a_completed_wave_is_paused_with_its_queue(ann):
    wave = sent_wave()
    wave.refresh_from_db()
    with pytest.raises(WrongState, match="no message left"):
        actions.pause(wave, by=ann, reason="wrong number")
    ask(wanted(wave, phone="+12065550142"), by=person("desk"))
    actions.pause(wave, by=ann, reason="wrong number")
    assert (wave.state, wave.queue) == ("completed", "paused")
    assert not send.waves_with_resends().exists()
    actions.resume(wave, by=ann, reason="the number is right")
    assert list(send.waves_with_resends()) == [wave]


def test_n4_what_may_have_arrived_and_waits_in_a_cancelled_wave_is_unknown(gateway):
    wave = sent_wave()
    ask(wanted(wave, phone="+12065550142"), by=person("desk"))
    Resend.objects.update(maybe_accepted=True, attempts=1)
    Wave.objects.filter(pk=wave.pk).update(state="cancelled")
    send.end_cancelled()
    assert Resend.objects.get().state == "unknown"
