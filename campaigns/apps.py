from __future__ import annotations

from django.apps import AppConfig


class CampaignsConfig(AppConfig):
    name = "campaigns"
    verbose_name = "Campaigns"

    def ready(self) -> None:
        from campaigns import erasure
        from campaigns.registrations import records
        from campaigns.retention import score_rows
        from campaigns.scoring import streaming
        from campaigns.tasks import JOB_KINDS, SCHEDULED_RUNS
        from datalake import save, streams
        from datalake.erased import names
        from datalake.streams import consumers
        from operations import job_kinds, schedules
        from operations.retention import kinds

        job_kinds.register(JOB_KINDS)
        schedules.register(SCHEDULED_RUNS)
        kinds.register(score_rows.KEPT)
        consumers.register(
            records.CONSUMER, "input", records.take_from_stream, types={"registration"}
        )
        names.REFERENCES.append(erasure.reference_in)
        save.WATCHERS.append(streaming.mark_saved)
        streams.WATCHERS.append(streaming.mark_saved)
