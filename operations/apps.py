from __future__ import annotations

import csv

from django.apps import AppConfig
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate


class OperationsConfig(AppConfig):
    name = "operations"
    verbose_name = "System"

    def ready(self) -> None:
        from django_q.signals import post_spawn

        from fairwave import checks  # noqa: F401 registers the settings' checks
        from operations import schedules
        from operations.adminkit.spreadsheets import LONGEST_CELL
        from operations.database import sessions
        from operations.entry import plain_messages
        from operations.retention import kinds, old_rows
        from operations.services import heartbeats

        kinds.register(old_rows.KEPT)
        plain_messages.install()
        csv.field_size_limit(LONGEST_CELL)
        connection_created.connect(sessions.call_new_session)
        post_spawn.connect(heartbeats.beat_in_worker, dispatch_uid="heartbeat")
        post_migrate.connect(schedules.write_after_migrate, sender=self)
