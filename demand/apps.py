from __future__ import annotations

from django.apps import AppConfig


class DemandConfig(AppConfig):
    name = "demand"
    verbose_name = "Demand archive"

    def ready(self) -> None:
        from demand.tasks import RUNNERS
        from operations import tasks

        tasks.RUNNERS.update(RUNNERS)
