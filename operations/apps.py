from __future__ import annotations

from django.apps import AppConfig


class OperationsConfig(AppConfig):
    name = "operations"
    verbose_name = "Work"

    def ready(self) -> None:
        from fairwave import checks  # noqa: F401 registers the settings' checks
