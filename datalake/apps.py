from __future__ import annotations

from functools import partial

from django.apps import AppConfig


class DatalakeConfig(AppConfig):
    name = "datalake"
    verbose_name = "Data"

    def ready(self) -> None:
        from datalake import (
            checks,  # noqa: F401 registers itself
            save,
            tasks,
        )
        from datalake.choices import LAKE_STREAMS, QueueName
        from datalake.queues import handing_over
        from datalake.retention import old_rows
        from datalake.streams import consumers
        from operations import job_kinds, schedules
        from operations.retention import kinds

        job_kinds.register(tasks.JOB_KINDS)
        kinds.register(old_rows.KEPT)
        schedules.register(tasks.SCHEDULED_RUNS)
        for stream in LAKE_STREAMS:
            consumers.register_step(save.CONSUMER, stream, partial(save.save_step, str(stream)))
        for queue in QueueName:
            handing_over.register(queue)
