from __future__ import annotations

from django.apps import AppConfig, apps


class ConsoleConfig(AppConfig):
    name = "console"
    verbose_name = "People"

    def ready(self) -> None:
        from console.tasks import JOB_KINDS
        from operations import job_kinds

        job_kinds.register(JOB_KINDS)
        # users and roles are in the same group of the menu
        apps.get_app_config("auth").verbose_name = self.verbose_name
