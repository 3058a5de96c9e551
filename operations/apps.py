from __future__ import annotations

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class OperationsConfig(AppConfig):
    name = "operations"
    verbose_name = "System"

    def ready(self) -> None:
        from fairwave import checks  # noqa: F401 registers the settings' checks
        from operations import schedules

        post_migrate.connect(schedules.write_after_migrate, sender=self)
