"""Which providers there are, by the names that the settings use: the only place that lists them.

A provider is a folder `waves/providers/NAME/` with `client.py`, whose `from_settings()` returns an
`SmsProvider` or an `EmailProvider`, and with `receipts.py` (a `ReceiptReader`) where it signs
delivery receipts. NAME is also the name of its account in the database and of its address,
`/receipts/NAME`. A client is imported when it is asked for, so a provider's libraries are loaded
only where the settings choose it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final, cast

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from waves.choices import Channel
from waves.providers import contract
from waves.providers.contract import AddressCheck, EmailProvider, ReceiptReader, SmsProvider


@dataclass(frozen=True)
class Provider:
    """A provider's name (folder, account, address of receipts) and its title on pages. `looks_up`:
    it can be asked what it accepted; `needs`: the settings without which it cannot be chosen;
    `events_need`: those that come after the first connection, and without which what it posts is
    refused. `keeps_refusals`: how the reasons begin with which it refuses a key for good, whatever
    became possible since. `reports_deliveries`: its receipts say so where a message arrived;
    `names_sender`: it has the sender's address in its own settings, and not EMAIL_FROM.
    """

    name: str
    title: str
    signs_receipts: bool = False
    looks_up: bool = False
    needs: tuple[str, ...] = ()
    events_need: tuple[str, ...] = ()
    keeps_refusals: str = ""
    reports_deliveries: bool = True
    names_sender: bool = False

    @property
    def lacking_for_events(self) -> list[str]:
        """The settings that are empty, so that no receipt, bounce or complaint is taken."""
        return [name for name in self.events_need if not getattr(settings, name)]


# The keys are the values of SMS_PROVIDER and EMAIL_PROVIDER.
SMS: Final[Mapping[str, Provider]] = {
    "http": Provider("sms_http", "SMS gateway", signs_receipts=True, looks_up=True),
    "twilio": Provider(
        "twilio",
        "Twilio",
        signs_receipts=True,
        needs=("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_SENDER"),
    ),
    "infobip": Provider(
        "infobip",
        "Infobip",
        signs_receipts=True,
        looks_up=True,
        needs=("INFOBIP_URL", "INFOBIP_API_KEY", "INFOBIP_SENDER", "INFOBIP_SIGNATURE_SECRET"),
        keeps_refusals="infobip_",
    ),
}
EMAIL: Final[Mapping[str, Provider]] = {
    "django": Provider("email_django", "E-mail"),
    "anymail": Provider(
        "anymail",
        "Anymail",
        signs_receipts=True,
        needs=("ANYMAIL_ESP", "ANYMAIL_WEBHOOK_SECRET"),
    ),
    "sfmc": Provider(
        "sfmc",
        "Salesforce Marketing Cloud",
        signs_receipts=True,
        looks_up=True,
        needs=("SFMC_AUTH_URL", "SFMC_CLIENT_ID", "SFMC_CLIENT_SECRET", "SFMC_DEFINITION_KEY"),
        events_need=("SFMC_SIGNATURE_KEY",),
        reports_deliveries=False,
        names_sender=True,
    ),
}
ALL: Final = (*SMS.values(), *EMAIL.values())
# For rehearsals alone: no setting can choose it, and nothing else can be chosen for them.
RECORDER: Final = Provider("recorder", "Rehearsals")
TITLES: Final[Mapping[str, str]] = {each.name: each.title for each in (*ALL, RECORDER)}


def chosen_sms() -> Provider:
    """The SMS provider that SMS_PROVIDER names. Raises ImproperlyConfigured for an unknown name."""
    return _chosen("SMS_PROVIDER", SMS)


def fallback_sms() -> Provider | None:
    """The SMS provider that sends while the chosen one is paused; None where SMS_FALLBACK is empty.
    Raises ImproperlyConfigured. [N-9]
    """
    return _chosen("SMS_FALLBACK", SMS) if settings.SMS_FALLBACK else None


def all_sms() -> list[Provider]:
    """The SMS providers of the settings, the chosen one first. [N-9]"""
    fallback = fallback_sms()
    return [chosen_sms(), *([fallback] if fallback else [])]


def all_of(channel: str) -> list[Provider]:
    """The providers of the settings for a channel, the chosen one first."""
    return all_sms() if channel == Channel.SMS else [chosen_email()]


def chosen_email() -> Provider:
    """The e-mail provider that EMAIL_PROVIDER names. Raises ImproperlyConfigured."""
    return _chosen("EMAIL_PROVIDER", EMAIL)


def chosen(channel: str) -> Provider:
    """The provider that the settings name for a channel. Raises ImproperlyConfigured."""
    return chosen_sms() if channel == Channel.SMS else chosen_email()


def client(channel: str) -> contract.Provider[Any]:
    """A client of the chosen provider of a channel."""
    return sms_client() if channel == Channel.SMS else email_client()


def clients(channel: str) -> list[contract.Provider[Any]]:
    """A client of each provider that the settings name for a channel, of the chosen one first."""
    return [*sms_clients()] if channel == Channel.SMS else [email_client()]


def sms_client() -> SmsProvider:
    """A client of the chosen SMS provider. [N-1]"""
    return cast("SmsProvider", _module(chosen_sms(), "client").from_settings())


def sms_clients() -> list[SmsProvider]:
    """A client of each SMS provider of the settings, of the chosen one first. [N-9]"""
    return [cast("SmsProvider", _module(each, "client").from_settings()) for each in all_sms()]


def email_client() -> EmailProvider:
    """A client of the chosen e-mail provider. [N-5]"""
    return cast("EmailProvider", _module(chosen_email(), "client").from_settings())


def recorder(channel: str) -> contract.Provider[Any]:
    """What rehearsals send to, whatever the settings say. [X-6]"""
    recorders = _module(RECORDER, "client")
    name = "SmsRecorder" if channel == Channel.SMS else "EmailRecorder"
    return cast("contract.Provider[Any]", getattr(recorders, name)())


def receipt_reader(name: str) -> ReceiptReader | None:
    """How the provider of this name signs and writes receipts; None where it sends none, or is
    unknown. [N-3]
    """
    provider = next((provider for provider in ALL if provider.name == name), None)
    if provider is None or not provider.signs_receipts:
        return None
    return cast("ReceiptReader", _module(provider, "receipts"))


def posting_receipts() -> list[str]:
    """The names of the providers that post a receipt for each message, delivered or not, and whose
    receipts are taken: they sign them, and nothing is missing in their settings. [N-3, N-9]
    """
    posting = [each for each in ALL if each.signs_receipts and each.reports_deliveries]
    return [each.name for each in posting if not each.lacking_for_events]


def address_check(name: str) -> AddressCheck | None:
    """What answers the provider of this name when it asks whether our address is ours; None where
    it does not ask.
    """
    reader = receipt_reader(name)
    return getattr(reader, "confirm", None)


def channel_of(name: str) -> Channel:
    """The channel of the messages that this provider's receipts are about."""
    return Channel.SMS if any(each.name == name for each in SMS.values()) else Channel.EMAIL


def unknown_settings() -> list[tuple[str, str, list[str]]]:
    """Settings that name a provider which is not listed here: setting, value, allowed values."""
    chosen = (
        ("SMS_PROVIDER", settings.SMS_PROVIDER, SMS),
        *([("SMS_FALLBACK", settings.SMS_FALLBACK, SMS)] if settings.SMS_FALLBACK else []),
        ("EMAIL_PROVIDER", settings.EMAIL_PROVIDER, EMAIL),
    )
    return [(setting, value, list(known)) for setting, value, known in chosen if value not in known]


def missing_settings() -> list[tuple[str, str, list[str]]]:
    """Chosen providers that lack settings: setting, value, names of what is missing."""
    found = (
        ("SMS_PROVIDER", settings.SMS_PROVIDER, SMS),
        *([("SMS_FALLBACK", settings.SMS_FALLBACK, SMS)] if settings.SMS_FALLBACK else []),
        ("EMAIL_PROVIDER", settings.EMAIL_PROVIDER, EMAIL),
    )
    lacking = [
        (setting, value, [name for name in known[value].needs if not getattr(settings, name)])
        for setting, value, known in found
        if value in known
    ]
    return [each for each in lacking if each[2]]


def _chosen(setting: str, known: Mapping[str, Provider]) -> Provider:
    value = getattr(settings, setting)
    if value not in known:
        raise ImproperlyConfigured(
            f"{setting}: {value!r} is not a provider. Use one of: {', '.join(known)}."
        )
    return known[value]


def _module(provider: Provider, part: str) -> Any:
    return import_module(f"waves.providers.{provider.name}.{part}")
