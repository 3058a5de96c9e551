"""Settings that name no provider fail `manage.py check`. [N-1]"""

from __future__ import annotations

import pytest
from django.core.checks import run_checks


@pytest.mark.parametrize("setting", ["SMS_PROVIDER", "SMS_FALLBACK", "EMAIL_PROVIDER"])
def test_a_wrong_name_fails_the_check_with_an_id_and_the_names_there_are(settings, setting):
    setattr(settings, setting, "pigeon")
    [mistake] = run_checks(tags=["fairwave"])
    assert (mistake.id, mistake.msg) == ("waves.E001", f"{setting}: 'pigeon' is not a provider.")
    assert mistake.hint.startswith("Use one of: ")


def test_a_provider_that_is_not_set_up_fails_the_check_with_what_is_missing(settings):
    settings.EMAIL_PROVIDER = "sfmc"
    settings.SFMC_AUTH_URL, settings.SFMC_CLIENT_ID = "https://x.example", "package"
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
    assert [each.id for each in run_checks(tags=["fairwave"])] == ["waves.E002"]
    settings.ANYMAIL_ESP = "postmark"
    [mistake] = run_checks(tags=["fairwave"])
    assert mistake.id == "waves.E003"
    assert "POSTMARK_SERVER_TOKEN" in mistake.msg
    settings.ANYMAIL = {"POSTMARK_SERVER_TOKEN": "p"}
    assert run_checks(tags=["fairwave"]) == []


def test_the_settings_as_they_are_pass():
    assert run_checks(tags=["fairwave"]) == []
