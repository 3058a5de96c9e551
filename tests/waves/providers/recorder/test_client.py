"""The recorder takes everything and sends nothing. [X-6]"""

from __future__ import annotations

import asyncio

import pytest
from django.core.exceptions import ImproperlyConfigured

from waves.providers import registry
from waves.providers.contract import About, EmailText, SmsMessage
from waves.providers.outcomes import Kind
from waves.providers.recorder.client import EmailRecorder, SmsRecorder, record_of

ABOUT = About("tour", "tour_20260120", "2026-01-20", "west", "corr-0001")


def test_x6_a_message_is_recorded_by_what_its_text_is():
    async def send():
        recorder = SmsRecorder()
        return await recorder.send(None, SmsMessage("k", "+12065550100", "Text", ABOUT))

    outcome = asyncio.run(send())
    assert (outcome.kind, outcome.provider_id) == (Kind.SENT, record_of("Text"))
    email = EmailText("k", "a@example.com", "Subject", "Text", "<p>", ABOUT)
    assert EmailRecorder().send([email])[0].provider_id == record_of("Subject", "Text", "<p>")
    assert record_of("Text") != record_of("text")
    assert EmailRecorder().check().is_well


def test_x6_no_setting_chooses_it_and_no_setting_chooses_another_for_rehearsals(settings):
    settings.SMS_PROVIDER = settings.EMAIL_PROVIDER = "recorder"
    for client in (registry.sms_client, registry.email_client):
        with pytest.raises(ImproperlyConfigured):
            client()
    settings.SMS_PROVIDER, settings.EMAIL_PROVIDER = "http", "django"
    assert type(registry.sms_recorder()).__name__ == "SmsRecorder"
    assert type(registry.email_recorder()).__name__ == "EmailRecorder"
