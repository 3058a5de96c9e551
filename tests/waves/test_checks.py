"""Settings that name no provider fail `manage.py check`. [N-1]"""

from __future__ import annotations

import pytest
from django.core.checks import run_checks

from waves.providers import registry


@pytest.mark.parametrize("setting", ["SMS_PROVIDER", "SMS_FALLBACK", "EMAIL_PROVIDER"])
def test_a_wrong_name_fails_the_check_with_an_id_and_the_names_there_are(settings, setting):
    setattr(settings, setting, "pigeon")
    [mistake] = run_checks(tags=["fairwave"])
    assert (mistake.id, mistake.msg) == ("waves.E001", f"{setting}: 'pigeon' is not a provider.")
    assert mistake.hint.startswith("Use one of: ")


def test_a_provider_that_is_not_set_up_fails_the_check_with_what_is_missing(settings):
    settings.EMAIL_PROVIDER = "sfmc"
    settings.SFMC_AUTH_URL, settings.SFMC_CLIENT_ID = "https://x.example", "package"
    settings.SFMC_SIGNATURE_KEY = "k"
    [mistake] = run_checks(tags=["fairwave"])
    missing = "SFMC_CLIENT_SECRET, SFMC_DEFINITION_KEY"
    assert (mistake.id, mistake.msg) == (
        "waves.E002",
        f"EMAIL_PROVIDER is sfmc, which needs {missing}.",
    )


def test_n9_a_fallback_that_is_the_same_provider_fails_the_check(settings):
    settings.SMS_FALLBACK = settings.SMS_PROVIDER = "http"
    [mistake] = run_checks(tags=["fairwave"])
    assert (mistake.id, mistake.msg) == ("waves.E004", "SMS_FALLBACK is http, as SMS_PROVIDER is.")


def test_n9_a_fallback_that_is_not_set_up_fails_the_check(settings):
    settings.SMS_FALLBACK = "infobip"
    [mistake] = run_checks(tags=["fairwave"])
    assert (mistake.id, mistake.msg.split(",")[0]) == (
        "waves.E002",
        "SMS_FALLBACK is infobip",
    )


def test_a_chosen_sms_provider_says_what_is_missing(settings):
    settings.SMS_PROVIDER = "twilio"
    settings.TWILIO_ACCOUNT_SID = "AC1"
    [mistake] = run_checks(tags=["fairwave"])
    missing = "TWILIO_AUTH_TOKEN, TWILIO_SENDER"
    assert (mistake.id, mistake.msg) == (
        "waves.E002",
        f"SMS_PROVIDER is twilio, which needs {missing}.",
    )


def test_a_provider_of_anymail_that_is_not_set_up_fails_the_check(settings):
    settings.EMAIL_PROVIDER, settings.ANYMAIL = "anymail", {}
    settings.ANYMAIL_WEBHOOK_SECRET = "events:long-enough-for-us"
    assert [each.id for each in run_checks(tags=["fairwave"])] == ["waves.E002"]
    settings.ANYMAIL_ESP = "postmark"
    [mistake] = run_checks(tags=["fairwave"])
    assert mistake.id == "waves.E003"
    assert "POSTMARK_SERVER_TOKEN" in mistake.msg
    settings.ANYMAIL = {"POSTMARK_SERVER_TOKEN": "p"}
    assert run_checks(tags=["fairwave"]) == []


def test_n8_anymail_without_the_secret_of_its_events_does_not_start(settings):
    settings.EMAIL_PROVIDER, settings.ANYMAIL_ESP = "anymail", "postmark"
    settings.ANYMAIL = {"POSTMARK_SERVER_TOKEN": "p"}
    [mistake] = run_checks(tags=["fairwave"])
    assert (mistake.id, mistake.msg.split(", ")[1]) == (
        "waves.E002",
        "which needs ANYMAIL_WEBHOOK_SECRET.",
    )


def test_n8_marketing_cloud_without_the_key_of_its_events_is_a_warning(settings):
    settings.EMAIL_PROVIDER = "sfmc"
    for name in registry.EMAIL["sfmc"].needs:
        setattr(settings, name, "https://x.example")
    [warning] = run_checks(tags=["fairwave"])
    assert (warning.id, warning.is_serious()) == ("waves.W001", False)
    assert warning.msg.startswith("SFMC_SIGNATURE_KEY not set: no bounce or complaint from")
    settings.SFMC_SIGNATURE_KEY = "k"
    assert run_checks(tags=["fairwave"]) == []


def test_the_settings_as_they_are_pass():
    assert run_checks(tags=["fairwave"]) == []
