"""Settings that name no provider, or one that is not set up, stop the start with a sentence that
names them. [N-1]
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.checks import Warning as Caution

from waves.providers import registry
from waves.providers.anymail import backends


@register("fairwave")
def the_chosen_providers_are_known(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    return [
        Error(
            f"{setting}: {value!r} is not a provider.",
            hint=f"Use one of: {', '.join(known)}.",
            id="waves.E001",
        )
        for setting, value, known in registry.unknown_settings()
    ]


@register("fairwave")
def the_chosen_providers_are_set_up(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    return [
        Error(
            f"{setting} is {value}, which needs {', '.join(missing)}.",
            hint=f"Set {' and '.join(missing)}, or choose another provider.",
            id="waves.E002",
        )
        for setting, value, missing in registry.missing_settings()
    ]


@register("fairwave")
def the_chosen_providers_events_are_read(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """Only a warning: the provider gives the key when it has reached our address. Pre-flight is
    red. [N-3, N-8]
    """
    provider = registry.EMAIL.get(settings.EMAIL_PROVIDER)
    if provider is None or not provider.lacking_for_events:
        return []
    return [
        Caution(
            f"{' and '.join(provider.lacking_for_events)} not set: no bounce or complaint from"
            f" {provider.title} is recorded.",
            hint="Finish the setup of its events (docs/email-providers.md).",
            id="waves.W001",
        )
    ]


@register("fairwave")
def the_fallback_is_another_provider(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """[N-9]"""
    if settings.SMS_FALLBACK != settings.SMS_PROVIDER:
        return []
    return [
        Error(
            f"SMS_FALLBACK is {settings.SMS_FALLBACK}, as SMS_PROVIDER is.",
            hint="Choose another provider, or leave SMS_FALLBACK empty.",
            id="waves.E004",
        )
    ]


@register("fairwave")
def the_provider_of_anymail_is_set_up(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """Each of Anymail's providers has settings of its own."""
    if settings.EMAIL_PROVIDER != "anymail" or not settings.ANYMAIL_ESP:
        return []
    if problem := backends.what_is_missing(settings.ANYMAIL_ESP):
        return [
            Error(
                f"ANYMAIL_ESP: {settings.ANYMAIL_ESP!r} cannot be used. {problem}",
                hint="Use the name of one of Anymail's providers, and set in ANYMAIL_SETTINGS what"
                " its documentation asks for.",
                id="waves.E003",
            )
        ]
    return []
