from __future__ import annotations

from django.apps import AppConfig


class StatsConfig(AppConfig):
    name = "stats"
    verbose_name = "Statistics"

    def ready(self) -> None:
        from operations import schedules
        from stats.tasks import SCHEDULED_RUNS

        schedules.register(SCHEDULED_RUNS)
