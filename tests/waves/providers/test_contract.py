"""Every registered provider has what its contract asks for. [N-3, N-5]"""

from __future__ import annotations

import inspect

import pytest

from waves.choices import Channel
from waves.providers import contract, registry


def parameters(function) -> list[str]:
    return [name for name in inspect.signature(function).parameters if name != "self"]


@pytest.mark.parametrize("value", list(registry.SMS))
def test_n3_an_sms_client_sends_looks_up_and_is_checked(settings, value):
    settings.SMS_PROVIDER = value
    is_a_provider(registry.sms_client())


@pytest.mark.parametrize("value", list(registry.EMAIL))
def test_n5_an_e_mail_client_sends_looks_up_and_is_checked(settings, value):
    settings.EMAIL_PROVIDER = value
    is_a_provider(registry.email_client())


@pytest.mark.parametrize("channel", list(Channel))
def test_x6_a_recorder_does_what_a_provider_does(channel):
    is_a_provider(registry.recorder(channel))


def is_a_provider(client) -> None:
    assert isinstance(client.honours_keys, bool)
    for name in ("open_session", "send", "look_up", "check"):
        asked = getattr(contract.Provider, name)
        assert parameters(getattr(client, name)) == parameters(asked)


@pytest.mark.parametrize(
    "name", [provider.name for provider in registry.ALL if provider.signs_receipts]
)
def test_n3_a_reader_of_receipts_judges_signatures_and_reads(name):
    reader = registry.receipt_reader(name)
    assert parameters(reader.is_genuine) == parameters(contract.ReceiptReader.is_genuine)
    assert parameters(reader.read) == parameters(contract.ReceiptReader.read)
