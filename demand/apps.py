from __future__ import annotations

from django.apps import AppConfig


class DemandConfig(AppConfig):
    name = "demand"
    verbose_name = "Demand"

    def ready(self) -> None:
        from datalake.query import tables
        from demand.retention import old_batches
        from demand.schemas import SCHEMAS
        from demand.selected_events import dynamodb
        from demand.tasks import JOB_KINDS, SCHEDULED_RUNS
        from operations import job_kinds, schedules
        from operations.retention import kinds

        job_kinds.register(JOB_KINDS)
        schedules.register(SCHEDULED_RUNS)
        kinds.register(old_batches.KEPT)
        tables.register(SCHEMAS.values())
        dynamodb.register()
