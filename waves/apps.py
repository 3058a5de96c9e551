from __future__ import annotations

from django.apps import AppConfig


class WavesConfig(AppConfig):
    name = "waves"
    verbose_name = "Messaging"

    def ready(self) -> None:
        from campaigns import later_steps
        from operations import job_kinds, schedules
        from operations.retention import kinds
        from operations.retention.kinds import Kept
        from waves import (
            checks,  # noqa: F401 registers itself
            holds,
            template_edits,
        )
        from waves.receipts import memory
        from waves.retention import old_rows
        from waves.tasks import JOB_KINDS, SCHEDULED_RUNS
        from waves.uploads import dropped
        from waves.verdicts import saving, transform

        reports = Kept("opt-out reports", "RETENTION_REPORT_DAYS", memory.old_reports)
        kinds.register([reports, *old_rows.KEPT])
        job_kinds.register(JOB_KINDS)
        schedules.register(SCHEDULED_RUNS)
        dropped.watch()
        transform.register()
        saving.register()
        later_steps.register(
            later_steps.LaterStep(
                holds.unfinished,
                holds.seats_given,
                template_edits.campaign_edited,
                holds.market_users,
            )
        )
