from __future__ import annotations

from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    name = "console"
    verbose_name = "Console"

    def ready(self) -> None:
        from console.tasks import RUNNERS
        from operations import tasks

        tasks.RUNNERS.update(RUNNERS)
