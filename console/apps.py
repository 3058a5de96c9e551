from __future__ import annotations

from django.apps import AppConfig, apps
from django.contrib.admin import apps as admin_apps


class SiteConfig(admin_apps.AdminConfig):
    """Django's admin with our site in it: who may enter, and how they sign in."""

    default = False
    default_site = "console.sign_in.site.FairwaveSite"


class ConsoleConfig(AppConfig):
    default = True
    name = "console"
    verbose_name = "People"

    def ready(self) -> None:
        from console.tasks import JOB_KINDS, SCHEDULED_RUNS
        from operations import job_kinds, schedules

        job_kinds.register(JOB_KINDS)
        schedules.register(SCHEDULED_RUNS)
        # users are in the same group of the menu
        apps.get_app_config("auth").verbose_name = self.verbose_name
