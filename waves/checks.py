"""A setting that names no provider stops the start with a sentence that names it. [N-1]"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error, register

from waves.providers import registry


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
