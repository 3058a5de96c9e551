"""Test messages: a draft sent to a colleague. [N-1]"""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

import sandbox
from tests.support.waves import campaign_with, person
from waves.choices import Channel, SendState
from waves.errors import BadTemplate, TrialRefused
from waves.messages.content import MessageTemplate
from waves.models import ProviderAccount, Sender, TrialMessage, Wave
from waves.providers.answers import BadAddress
from waves.providers.outcomes import Kind, Outcome, Receipt
from waves.receipts import taking
from waves.rehearsal import trial_messages
from waves.rehearsal.trial_messages import Trial, send_trial
from waves.sending import accounts

pytestmark = pytest.mark.django_db
PHONE, ADDRESS = "+12065550199", "ann@band.example"
SMS = MessageTemplate(Channel.SMS, "{market}: {code}")


@pytest.fixture(autouse=True)
def listed(settings):
    settings.TEST_RECIPIENTS = [PHONE, ADDRESS]
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    settings.SMS_URL = "http://127.0.0.1:9"  # nobody listens


def trial(draft: MessageTemplate = SMS, to: str = PHONE, **values) -> Trial:
    campaign = values.pop("campaign", None) or campaign_with(1)
    key = values.pop("key", None) or uuid.uuid4()
    return Trial(draft, campaign, campaign.markets.first(), to, key)


def refused(wanted: Trial, match: str) -> None:
    before = TrialMessage.objects.count()
    with pytest.raises(TrialRefused, match=match):
        send_trial(wanted, by=person("ann"))
    assert TrialMessage.objects.count() == before


def test_an_sms_goes_to_the_provider_with_a_marked_code_and_a_key_of_its_own(settings):
    wanted = trial()
    with sandbox.running(latency_ms=1) as box:
        settings.SMS_URL = box.url
        row = send_trial(wanted, by=person("ann"))
        (sent,) = box.messages()
    assert (sent["to"], sent["body"], sent["key"]) == (PHONE, "West: TEST-ONLY", str(wanted.key))
    assert (sent["campaignId"], sent["wave"]) == (wanted.campaign.campaign_id, "test")
    row.refresh_from_db()
    assert (row.by.username, row.state, row.provider_id) == ("ann", SendState.SENT, "sms-1")


def test_n3_a_receipt_that_comes_before_the_outcome_is_kept(monkeypatch):
    wanted = trial()

    def send(trial, message):
        taking.take("sms_http", [Receipt(trial.key, SendState.DELIVERED, "p-1")])
        return Outcome(Kind.SENT, provider_id="p-1")

    monkeypatch.setattr(trial_messages, "_send", send)
    row = send_trial(wanted, by=person("ann"))
    row.refresh_from_db()
    assert row.state == SendState.DELIVERED


def test_an_email_is_sent_as_html_and_text():
    draft = MessageTemplate(Channel.EMAIL, "{code}", subject="Hi", html="<b>{code}</b>")
    assert send_trial(trial(draft, ADDRESS), by=person("ann")).state == SendState.SENT
    (sent,) = mail.outbox
    assert (sent.to, sent.body) == ([ADDRESS], "TEST-ONLY")
    assert sent.alternatives[0][0] == "<b>TEST-ONLY</b>"


def test_a_provider_that_does_not_answer_leaves_the_reason():
    row = send_trial(trial(), by=person("ann"))
    assert (row.state, row.reason) == (SendState.FAILED, "no_connection")


@pytest.mark.parametrize("to", ["+12065550100", ADDRESS, ""])
def test_nobody_but_the_recipients_of_the_channel_is_sent_any(to):
    refused(trial(to=to), "not on the list of test recipients")


def test_a_draft_that_cannot_be_rendered_is_refused():
    with pytest.raises(BadTemplate):
        send_trial(trial(MessageTemplate(Channel.SMS, "{cod}")), by=person("ann"))


def test_n6_a_paused_account_sends_no_test_either():
    accounts.pause("sms_http", "Stopped by ann")
    refused(trial(), "is stopped: Stopped by ann")


def test_n6_a_stop_acts_while_a_test_waits_for_its_permit(monkeypatch):
    monkeypatch.setattr(trial_messages.time, "sleep", lambda wait: accounts.pause("sms_http", "x"))
    row = send_trial(trial(), by=person("ann"))
    assert (row.state, row.reason) == (SendState.FAILED, "paused")


def test_n3_nobody_waits_for_a_provider_that_asked_us_to_wait(monkeypatch):
    accounts.account("sms_http")
    assert send_trial(trial(), by=person("ann")).reason == "no_connection"
    accounts.hold_off("sms_http", 60)
    refused(trial(), "SMS gateway takes no more messages now")
    monkeypatch.setattr(trial_messages, "_begin", lambda trial, *_: TrialMessage(key=trial.key))
    assert send_trial(trial(), by=person("ann")).reason == "http_429"


def test_n4_whatever_a_client_raises_leaves_it_unknown_and_so_does_a_process_that_died(settings):
    settings.SMS_URL = "no address"
    with pytest.raises(BadAddress):
        send_trial(trial(), by=person("ann"))
    row = TrialMessage.objects.get()
    assert (row.state, row.reason) == (SendState.UNKNOWN, "sender_lost")
    new = TrialMessage.objects.filter(pk=row.pk)
    new.update(state="sending", reason="")
    trial_messages.settle_lost()
    assert new.get().state == SendState.SENDING
    new.update(at=timezone.now() - timedelta(minutes=6))
    trial_messages.settle_lost()
    assert (new.get().state, new.get().reason) == (SendState.UNKNOWN, "sender_lost")


def test_n2_no_test_is_sent_beside_a_wave():
    campaign = campaign_with(1)
    wave = Wave.objects.create(
        campaign=campaign, name="x", date_key="x", notify_date=timezone.now()
    )
    Sender.objects.create(
        account=accounts.account("sms_http"),
        wave=wave,
        slots=1,
        lease_until=timezone.now() + timedelta(minutes=1),
    )
    refused(trial(campaign=campaign), "A wave is being sent")
    assert ProviderAccount.objects.get().permits_until is None


def test_n4_a_page_that_is_sent_twice_sends_one_message():
    wanted = trial()
    send_trial(wanted, by=person("ann"))
    refused(wanted, "sent already")


def test_one_person_may_send_so_many_in_so_much_time(monkeypatch):
    monkeypatch.setattr(trial_messages, "MOST", 2)
    campaign = campaign_with(1)
    for _ in range(2):
        send_trial(trial(campaign=campaign), by=person("ann"))
    refused(trial(campaign=campaign), "2 test messages in the last 10 minutes")
    send_trial(trial(campaign=campaign), by=person("bob"))
    TrialMessage.objects.update(at=timezone.now() - timedelta(minutes=11))
    send_trial(trial(campaign=campaign), by=person("ann"))
