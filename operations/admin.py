"""Jobs, alerts and history: read only; pausing and the like are actions on a job's page."""

from __future__ import annotations

from django.contrib import admin
from unfold.decorators import display

from operations import job_kinds
from operations.adminkit.listing import BigTableAdmin, PageAdmin, ReadOnlyAdmin, counted
from operations.choices import AlertState, JobState
from operations.models import Alert, Job, StatusChange

JOB_COLOURS = {
    JobState.RUNNING: "info",
    JobState.DONE: "success",
    JobState.FAILED: "danger",
    JobState.PAUSED: "warning",
    "waiting": "warning",
}


@admin.register(Job)
class JobAdmin(BigTableAdmin, PageAdmin):
    page = "job"
    list_display = (
        "kind_in_words",
        "works_on",
        "state_label",
        "progressed",
        "attempt",
        counted("rows_in"),
        counted("rows_rejected"),
        "started_at",
        "finished_at",
    )
    list_filter = ("state",)

    @display(description="kind")
    def kind_in_words(self, job: Job) -> str:
        return job_kinds.shown_kind(job.kind).words

    @display(description="state", label=JOB_COLOURS)
    def state_label(self, job: Job) -> str:
        return job.shown_state

    @display(description="progress")
    def progressed(self, job: Job) -> str:
        return f"{job.percent}%"


@admin.register(Alert)
class AlertAdmin(BigTableAdmin, ReadOnlyAdmin):
    list_display = ("text", "state_label", "created_at", "sent_at")
    list_filter = ("state",)

    @display(
        description="state",
        label={
            AlertState.PENDING: "info",
            AlertState.SENT: "success",
            AlertState.DROPPED: "warning",
        },
    )
    def state_label(self, alert: Alert) -> str:
        return alert.state


@admin.register(StatusChange)
class StatusChangeAdmin(BigTableAdmin, ReadOnlyAdmin):
    list_display = ("subject", "from_state", "to_state", "by", "at", "reason")
    list_select_related = ("by",)
