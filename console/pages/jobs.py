"""A job's page and its live part; pause, cancel, go on. [O-1]"""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, reverse

from console.access import StaffRequest, action, live, page, render
from console.charts import svg
from operations import job_kinds, jobs, tasks
from operations.choices import LIVE_JOBS, JobState
from operations.errors import Refusal
from operations.foreground import words_for
from operations.models import Job
from operations.progress import Pace, milestone
from operations.subjects import Subject


def work_on(request: StaffRequest, subject: Subject, *, apart: str = "") -> dict[str, Any]:
    """The job on this subject that is not over, or the newest, for the page of what it works on;
    `may_steer` if this person may pause it. `apart`: the kind of jobs whose progress the page shows
    itself.
    """
    jobs_on_it = Job.objects.about(subject).order_by("-id")
    jobs_on_it = jobs_on_it.exclude(kind=apart, state__in=LIVE_JOBS)
    newest = jobs_on_it.filter(state__in=LIVE_JOBS).first() or jobs_on_it.first()
    if newest is None or not request.user.has_perm("operations.view_job"):
        return {"job": None}
    return progress_of(newest) | {"may_steer": may_steer(request.user, newest)}


def may_steer(user: User, job: Job) -> bool:
    """Whether they may pause, cancel and resume this job: the right to do its work, or another that
    its kind names.
    """
    kind = job_kinds.shown_kind(job.kind)
    return any(user.has_perm(right) for right in (kind.right, *kind.or_rights))


def page_of(job: Job) -> str:
    """The page of what the job works on, or its own where that has none."""
    page = job_kinds.shown_kind(job.kind).page
    try:
        return reverse(page, args=[job.subject_id])
    except NoReverseMatch:
        return reverse("job", args=[job.pk])


def progress_of(job: Job) -> dict[str, Any]:
    """What the live part shows: a bar, and in words what is done, how fast it goes and how long it
    will take.

    `milestone` changes when a screen reader should say it: with the step, and with each tenth
    of the work.
    """
    bar = svg.progress([("good", job.percent)], 100, f"{job.percent} percent done")
    reached = (
        milestone(Pace.from_json(job.pace), percent=job.percent)
        if job.state == JobState.RUNNING
        else job.state
    )
    return {
        "job": job,
        "bar": bar,
        "live": job.state in (JobState.QUEUED, JobState.RUNNING),
        "words": words_for(job),
        "milestone": reached,
    }


@page("operations.view_job")
def job(request: StaffRequest, pk: int) -> HttpResponse:
    shown = get_object_or_404(Job.objects.select_related("created_by"), pk=pk)
    return render(
        request,
        "console/jobs/job.html",
        f"Job {pk}",
        about=page_of(shown),
        may_steer=may_steer(request.user, shown),
        **progress_of(shown),
    )


@live("operations.view_job")
def job_live(request: StaffRequest, pk: int) -> HttpResponse:
    """The part that changes while the job runs. When it is over, the browser loads the page again,
    with the result.
    """
    shown = get_object_or_404(Job, pk=pk)
    context = progress_of(shown)
    context["news"] = context["milestone"] != request.GET.get("heard")
    response = TemplateResponse(request, "console/jobs/live.html", context)
    if not context["live"]:
        response.headers["HX-Refresh"] = "true"
    return response


@action("operations.view_job")
def steer(request: StaffRequest, pk: int, how: str) -> HttpResponse:
    """Pause, cancel or go on; each kind of job has the right it needs."""
    steered = get_object_or_404(Job, pk=pk)
    if not may_steer(request.user, steered):
        raise PermissionDenied
    try:
        done = _resume(steered) if how == "resume" else jobs.request_stop(pk, how)
    except Refusal as refusal:
        messages.error(request, str(refusal))
        return HttpResponseRedirect(page_of(steered))
    if done:
        words = {
            "pause": "The job will pause at its next step.",
            "cancel": "The job will stop at its next step.",
            "resume": "The job was resumed.",
        }
        messages.success(request, words[how])
    else:
        messages.error(
            request, "Nothing was changed. The job is finished, or already in this state."
        )
    return HttpResponseRedirect(page_of(steered))


def _resume(job: Job) -> bool:
    requeued = jobs.requeue(job.pk)
    if requeued:
        tasks.enqueue(job)
    return requeued
