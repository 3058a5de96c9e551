"""Providers are asked for by the names in the settings. [N-1, N-3, N-5]"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

import waves.providers
from waves.providers import registry

FOLDER = Path(waves.providers.__file__).parent


RECORDER = "recorder"  # what rehearsals are sent to: no setting can name it


def test_every_provider_is_a_folder_and_every_folder_a_provider():
    folders = {path.parent.name for path in FOLDER.glob("*/client.py")}
    assert folders == {RECORDER} | {provider.name for provider in registry.ALL}
    assert RECORDER not in {*registry.SMS, *registry.EMAIL}


def test_a_provider_signs_receipts_where_its_folder_has_a_reader_of_them():
    with_receipts = {path.parent.name for path in FOLDER.glob("*/receipts.py")}
    assert with_receipts == {provider.name for provider in registry.ALL if provider.signs_receipts}


@pytest.mark.parametrize("value", list(registry.SMS))
def test_n1_the_setting_names_the_sms_client_whose_account_is_its_folder(settings, value):
    settings.SMS_PROVIDER = value
    assert registry.sms_client().name == registry.chosen_sms().name == registry.SMS[value].name


@pytest.mark.parametrize("value", list(registry.EMAIL))
def test_n5_the_setting_names_the_e_mail_client_whose_account_is_its_folder(settings, value):
    settings.EMAIL_PROVIDER = value
    assert registry.email_client().name == registry.chosen_email().name


def test_n3_only_a_provider_that_signs_receipts_has_a_reader_of_them():
    read = {provider.name for provider in registry.ALL if registry.receipt_reader(provider.name)}
    assert read == {provider.name for provider in registry.ALL if provider.signs_receipts}
    assert registry.receipt_reader("nobody") is None


@pytest.mark.parametrize(
    ("setting", "chosen"),
    [("SMS_PROVIDER", registry.chosen_sms), ("EMAIL_PROVIDER", registry.chosen_email)],
)
def test_an_unknown_name_is_refused_with_the_names_there_are(settings, setting, chosen):
    setattr(settings, setting, "pigeon")
    with pytest.raises(
        ImproperlyConfigured, match=f"{setting}: .*'pigeon' is not a provider. Use one of: "
    ):
        chosen()


def test_n5_a_provider_is_set_up_where_none_of_its_settings_is_empty(settings):
    settings.EMAIL_PROVIDER = "sfmc"
    needs = registry.EMAIL["sfmc"].needs
    for name in needs:
        setattr(settings, name, "")
    assert registry.missing_settings() == [("EMAIL_PROVIDER", "sfmc", list(needs))]
    for name in needs:
        setattr(settings, name, "x")
    assert registry.missing_settings() == []
    settings.EMAIL_PROVIDER = "pigeon"  # another check names it
    assert registry.missing_settings() == []


def test_no_client_is_imported_before_it_is_asked_for():
    code = (
        "import sys, waves.providers.registry;"
        " sys.exit(any(name.endswith('.client') for name in sys.modules if 'waves' in name))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=FOLDER.parent.parent).returncode == 0


def test_n9_a_soft_start_counts_on_providers_alone_that_say_what_was_delivered(settings):
    """Marketing Cloud has no event for a delivery."""
    settings.SFMC_SIGNATURE_KEY = "k"
    assert registry.posting_receipts() == ["sms_http", "twilio", "infobip", "anymail"]
