"""Uploading score files, and their results. [S-11 … S-13]"""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse

from campaigns import late_changes, rights, tasks
from campaigns.choices import CampaignStatus, LateKind, ScoreFileState
from campaigns.intake import browser_uploads
from campaigns.models import Campaign, ScoreFile
from campaigns.rights import IN_TIME, LATE
from campaigns.scoring import activation, score_files
from console.access import StaffRequest, action, attempt, form_page, page, reason_of, render
from console.forms import ScoresForm, UploadForm
from console.pages import dry_runs
from console.pages.jobs import work_on
from console.pages.uploading import upload_page
from console.uploads import may_upload_to
from console.words import FILE_STEPS, steps
from operations.choices import JobState
from operations.entry.alternatives import holds

SCORES_HINT = (
    "Tab-separated text in UTF-8 with a header line. Can be compressed (.gz)."
    " Required columns: id, tmemail, sms, global_user_id, member_id,"
    " raw_local_fanscore, country_code. Optional column: phone_confirmed."
)


@form_page(*rights.PROCESS_SCORES)
def upload_scores(request: StaffRequest, campaign_id: str) -> HttpResponse:
    campaign = get_object_or_404(Campaign, campaign_id=campaign_id)

    def receive(form: UploadForm) -> str:
        given = form.cleaned_data
        arrival = tasks.start_upload_through_us(
            campaign,
            given["file"].name,
            given["file"].file,
            by=request.user,
            activate=given["activate"],
            dry_run_first=given["then"] == "try",
            reason=given["reason"],
        )
        return reverse("arrival", args=[arrival.pk])

    origin = browser_uploads.origin()
    response = upload_page(
        request,
        campaign,
        ScoresForm,
        receive,
        title="Upload a score file",
        hint=SCORES_HINT,
        direct=bool(origin),
        late=late_changes.notice(campaign, LateKind.SCORE_FILE, "A score file"),
    )
    return may_upload_to(origin, request, response) if origin else response


@page("campaigns.view_scorefile")
def score_file(request: StaffRequest, pk: int) -> HttpResponse:
    """The results of a score file; while a worker has it, the page asks for its head again and
    gets that alone.
    """
    of_it = ScoreFile.objects.select_related("campaign", "created_by", "supplement_of", "fanlist")
    shown = get_object_or_404(
        of_it.defer("rules", "supplement_of__rules", "supplement_of__fairness"), pk=pk
    )
    work = work_on(request, score_files.subject_of(shown))
    job, live = work["job"], bool(work.get("live"))
    processing = (
        job is not None
        and job.kind == score_files.JOB_KIND
        and job.state not in (JobState.DONE, JobState.CANCELLED)
    )
    begun = shown.state == ScoreFileState.UPLOADED and processing and job.state == JobState.RUNNING
    # a worker has it, and reads it for the first time
    state = ScoreFileState.PROCESSING if begun else shown.state
    is_open = shown.campaign.status == CampaignStatus.OPEN
    head = {
        "file": shown,
        "campaign": shown.campaign,
        "state": state,
        "steps": steps(FILE_STEPS, state),
        "late_switch": (late_switch := activation.notice(shown.campaign, shown)),
        "may_switch": request.user.has_perm((LATE if late_switch else IN_TIME)["activation"]),
        "may_start": _may_start(request, shown),
        "is_named": shown.campaign.named_score_file_id == shown.pk,
        "can_be_named": (
            is_open
            and shown.state != ScoreFileState.FAILED
            and not late_changes.is_late(shown.campaign)
        ),
        "is_active": shown.campaign.active_score_file_id == shown.pk,
        "can_start": (
            is_open
            and not processing
            and (
                shown.state in ("uploaded", "failed")
                or (shown.state == "validated" and shown.campaign.draw_ready)
            )
        ),
        "ranks": shown.rank_files.first() if shown.fanlist_id else None,
        **work,
    }
    if request.headers.get("HX-Target") == "file-state":
        return TemplateResponse(request, "console/score_files/head.html", head)
    return render(
        request,
        "console/score_files/score_file.html",
        f"Score file {shown.name}",
        judged=shown.state in ("validated", "streamed", "saved"),
        **dry_runs.shown(request, shown, busy=processing or live or not is_open),
        **head,
    )


def _may_start(request: StaffRequest, score_file: ScoreFile) -> bool:
    """Who may take in late files may also have one processed that was taken in. [S-8]"""
    needed = rights.PROCESS_SCORES if score_file.late else rights.TAKE_ARRIVALS
    return holds(request.user, needed)


@action(*rights.PROCESS_SCORES)
def start_scores(request: StaffRequest, pk: int) -> HttpResponse:
    """Start, or continue from where it stopped."""
    started = get_object_or_404(ScoreFile, pk=pk)
    if not _may_start(request, started):
        raise PermissionDenied
    back = reverse("score-file", args=[pk])
    return attempt(
        request,
        lambda: tasks.start_score_file(started, by=request.user),
        "Processing started.",
        back=back,
    )


@action(*rights.ACTIVATE_SCORES)
def activate(request: StaffRequest, pk: int) -> HttpResponse:
    back = reverse("score-file", args=[get_object_or_404(ScoreFile, pk=pk).pk])
    done = "This score file is now active."

    def make_active() -> None:
        activation.activate(pk, by=request.user, reason=reason_of(request))

    return attempt(request, make_active, done, back=back)


@action(*rights.NAME_SCORES)
def name(request: StaffRequest, pk: int) -> HttpResponse:
    """Choose the file that will be active, before luck can be known. [S-8]"""
    back = reverse("score-file", args=[get_object_or_404(ScoreFile, pk=pk).pk])
    done = "This score file becomes active when it is drawn."
    return attempt(request, lambda: activation.name(pk, by=request.user), done, back=back)
