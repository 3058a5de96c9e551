"""The pre-flight of a wave on its page: run by a button, or by itself where the last one is too old
to approve by. [X-6]
"""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse

from console.access import StaffRequest, action, live
from console.message_samples import samples_of_preflight
from operations.adminkit import unmasking
from operations.choices import LIVE_JOBS, JobState
from operations.entry.alternatives import holds
from operations.errors import Refusal
from operations.models import Job
from waves import rights, tasks
from waves.choices import WaveState
from waves.models import Preflight, Wave
from waves.preflight.clearance import PREFLIGHT_STATES, VALID_FOR, current_run, last_run
from waves.preflight.jobs import last_job, may_begin

TONES = {"green": "good", "yellow": "warn", "red": "bad"}


def preflight_context(request: StaffRequest, wave: Wave) -> dict[str, Any]:
    """What `console/waves/_preflight.html` shows."""
    run = _shown_run(wave)
    job = last_job(wave)
    waits = _waits(job)
    current = run is not None and wave.state == WaveState.PREPARED and current_run(wave) == run
    is_asked_for = wave.state == WaveState.PREPARED and not current
    may_run = wave.state in PREFLIGHT_STATES and holds(request.user, rights.PREFLIGHT)
    return {
        "preflight": run,
        "preflight_lines": [line | {"tone": TONES[line["ok"]]} for line in run.checks]
        if run
        else [],
        "preflight_samples": samples_of_preflight(
            wave, run.figures["samples"], hidden=not unmasking.shown(request)
        )
        if run
        else [],
        "preflight_is_current": current,
        "preflight_waits": waits,
        "preflight_minutes": VALID_FOR.seconds // 60,
        "may_run_preflight": may_run,
        "preflight_failed": job if is_asked_for and job and job.state == JobState.FAILED else None,
        # it runs again by itself where somebody may wait for it
        "preflight_runs_now": is_asked_for and may_run and may_begin(job),
    }


def _shown_run(wave: Wave) -> Preflight | None:
    return last_run(wave) if wave.content_digest else None


def _waits(job: Job | None) -> bool:
    return job is not None and job.state in LIVE_JOBS


@action(*rights.PREFLIGHT)
def run_preflight(request: StaffRequest, name: str) -> HttpResponse:
    """Have a worker run it. The page asks this in the background too, and then needs no answer."""
    wave = get_object_or_404(Wave.objects.select_related("campaign"), name=name)
    quiet = "HX-Request" in request.headers
    try:
        tasks.start_preflight(wave, by=request.user)
    except Refusal as refusal:
        if not quiet:
            messages.error(request, str(refusal))
    else:
        if not quiet:
            messages.success(request, "The pre-flight is running.")
    if quiet:
        return HttpResponse(status=204)
    return HttpResponseRedirect(f"{reverse('wave', args=[name])}#preflight")


@live("waves.view_wave")
def preflight_live(request: StaffRequest, name: str) -> HttpResponse:
    """The page is loaded again when there is another run of the present content than the one it
    shows, or the job that it waits for is over without one.
    """
    wave = get_object_or_404(Wave, name=name)
    is_over = "waits" in request.GET and not _waits(last_job(wave))
    run = _shown_run(wave)
    is_new = is_over or str(run.pk if run else "") != request.GET.get("shown", "")
    return HttpResponse(status=204, headers={"HX-Refresh": "true"} if is_new else {})
