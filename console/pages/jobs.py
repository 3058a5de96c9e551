"""A job's page and its live part; pause, cancel, go on. [O-1]"""

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from console import charts
from console.access import StaffRequest, action, live, page, render
from operations import jobs, tasks
from operations.choices import JobState
from operations.models import Job

# What a job works on → the page of that, and the right that steering the job needs.
SUBJECTS = {
    "scorefile": "score-file",
    "supplement": "score-file",
    "registrations": "registrations",
    "wave": "wave",
    "campaign": "campaign",
}
FEW_STEPS = 20  # they take unlike times, so a speed would say nothing
RIGHTS = {
    "scorefile": "campaigns.process_scores",
    "dropped": "campaigns.process_scores",
    "supplement": "campaigns.process_scores",
    "registrations": "campaigns.import_registrations",
    "wave": "waves.prepare_wave",
    "campaign": "campaigns.change_campaign",
}


def work_on(request: StaffRequest, subject: str) -> dict[str, Any]:
    """The newest job on this subject, for the page of what it works on; `may_steer` if this person may pause it."""
    newest = Job.objects.filter(subject=subject).order_by("-id").first()
    if newest is None or not request.user.has_perm("operations.view_job"):
        return {"job": None}
    return progress_of(newest) | {"may_steer": request.user.has_perm(right_to_steer(newest))}


def right_to_steer(job: Job) -> str:
    """The permission that pausing, cancelling and taking up this job needs; an administrator's for what nobody owns."""
    return RIGHTS.get(job.subject.partition(":")[0], "operations.change_job")


def page_of(job: Job) -> str:
    kind, _, key = job.subject.partition(":")
    try:
        return reverse(SUBJECTS[kind], args=[key.partition(":")[0]])
    except (KeyError, NoReverseMatch):
        return reverse("job", args=[job.pk])


def progress_of(job: Job) -> dict[str, Any]:
    """What the live part shows: a bar, how fast it goes, and how long it will take."""
    rate = 0.0
    if job.started_at and job.state == JobState.RUNNING and job.total > FEW_STEPS:
        rate = job.progress / max((timezone.now() - job.started_at).total_seconds(), 0.5)
    left = timedelta(seconds=(job.total - job.progress) / rate) if rate and job.total > job.progress else None
    bar = charts.progress([("good", job.percent)], 100, f"{job.percent} percent done")
    return {"job": job, "bar": bar, "rate": round(rate), "left": left, "live": job.state in (JobState.QUEUED, JobState.RUNNING)}


@page("operations.view_job")
def job(request: StaffRequest, pk: int) -> HttpResponse:
    shown = get_object_or_404(Job.objects.select_related("created_by"), pk=pk)
    return render(request, "console/job.html", f"Job {pk}", about=page_of(shown), **progress_of(shown))


@live("operations.view_job")
def job_live(request: StaffRequest, pk: int) -> HttpResponse:
    """The part that changes while the job runs. When it is over, the browser loads the page again, with the result."""
    shown = get_object_or_404(Job, pk=pk)
    response = TemplateResponse(request, "console/job_live.html", progress_of(shown))
    if shown.state not in (JobState.QUEUED, JobState.RUNNING):
        response.headers["HX-Refresh"] = "true"
    return response


@action("operations.view_job")
def steer(request: StaffRequest, pk: int, how: str) -> HttpResponse:
    """Pause, cancel or go on; each kind of job has the right it needs."""
    steered = get_object_or_404(Job, pk=pk)
    if not request.user.has_perm(right_to_steer(steered)):
        raise PermissionDenied
    if how == "resume":
        done = jobs.requeue(pk)
        if done:
            tasks.ring(steered)
    else:
        done = jobs.request_stop(pk, how)
    if done:
        words = {"pause": "It pauses at its next step.", "cancel": "It ends at its next step.", "resume": "It goes on."}
        messages.success(request, words[how])
    else:
        messages.error(request, "The job is over, or already stands so: nothing was changed.")
    return HttpResponseRedirect(page_of(steered))
