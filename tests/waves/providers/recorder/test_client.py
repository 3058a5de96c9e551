"""The recorder takes everything and sends nothing. [X-6]"""

from __future__ import annotations

import asyncio

import pytest
from django.core.exceptions import ImproperlyConfigured

from waves.choices import Channel
from waves.providers import registry
from waves.providers.contract import About, EmailMessage, SmsMessage
from waves.providers.outcomes import Kind
from waves.providers.recorder.client import record_of

ABOUT = About("tour", "tour_20260120", "2026-01-20", "west", "corr-0001")


def test_x6_a_message_is_recorded_by_what_its_text_is():
    sms = SmsMessage("k", "+12065550100", "Text", ABOUT)
    email = EmailMessage("k", "a@example.com", "Subject", "Text", "<p>", ABOUT)

    async def outcomes():
        texts, emails = registry.recorder(Channel.SMS), registry.recorder(Channel.EMAIL)
        assert (await emails.check(None)).is_well
        return await texts.send(None, sms), await emails.send(None, email)

    of_sms, of_email = asyncio.run(outcomes())
    assert (of_sms.kind, of_sms.provider_id) == (Kind.SENT, record_of("Text"))
    assert of_email.provider_id == record_of("Subject", "Text", "<p>")
    assert record_of("Text") != record_of("text")


def test_x6_no_setting_chooses_it_and_no_setting_chooses_another_for_rehearsals(settings):
    settings.SMS_PROVIDER = settings.EMAIL_PROVIDER = "recorder"
    for client in (registry.sms_client, registry.email_client):
        with pytest.raises(ImproperlyConfigured):
            client()
    settings.SMS_PROVIDER, settings.EMAIL_PROVIDER = "http", "django"
    assert {registry.recorder(channel).name for channel in Channel} == {"recorder"}
