"""Every registered provider has what its contract asks for. [N-3, N-5]"""

from __future__ import annotations

import inspect

import pytest

from waves.providers import contract, registry


def parameters(function) -> list[str]:
    return [name for name in inspect.signature(function).parameters if name != "self"]


@pytest.mark.parametrize("value", list(registry.SMS))
def test_n3_an_sms_client_sends_and_looks_up(settings, value):
    settings.SMS_PROVIDER = value
    client = registry.sms_client()
    assert isinstance(client.honours_keys, bool)
    for name in ("send", "look_up"):
        asked = getattr(contract.SmsProvider, name)
        assert parameters(getattr(client, name)) == parameters(asked)


@pytest.mark.parametrize("value", list(registry.EMAIL))
def test_n5_an_e_mail_client_sends(settings, value):
    settings.EMAIL_PROVIDER = value
    asked = parameters(contract.EmailProvider.send)
    assert parameters(registry.email_client().send) == asked


@pytest.mark.parametrize(
    "name", [provider.name for provider in registry.ALL if provider.signs_receipts]
)
def test_n3_a_reader_of_receipts_judges_signatures_and_reads(name):
    reader = registry.receipt_reader(name)
    assert parameters(reader.is_genuine) == parameters(contract.ReceiptReader.is_genuine)
    assert parameters(reader.read) == parameters(contract.ReceiptReader.read)
