"""Uploading registrations and score files, and what became of them. [C-4, S-11 … S-13]"""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse

from campaigns import tasks
from campaigns.choices import CampaignStatus, ScoreFileState
from campaigns.intake import browser_uploads
from campaigns.models import Campaign, RegistrationImport, ScoreFile
from campaigns.registrations import imports
from campaigns.scoring import activation, dry_run, score_files
from console.access import StaffRequest, action, attempt, form_page, page, render
from console.forms import ScoresForm, UploadForm
from console.pages import trials
from console.pages.jobs import work_on
from console.uploads import may_upload_to
from console.words import FILE_STEPS, steps
from operations.choices import JobState
from operations.errors import Refusal

SCORES_HINT = (
    "Tab-separated text, UTF-8, one header line; .gz is fine. Columns by name: id, tmemail, sms,"
    " global_user_id, member_id, raw_local_fanscore, country_code; phone_confirmed if there is one."
)
REGISTRATIONS_HINT = (
    "CSV or TSV, UTF-8, one header line. Needed: global_user_id and registered_at. Also known:"
    " member_id, email, phone, phone_confirmed, country_code, market_preferences (joined by |),"
    " date_created."
)


def _upload(
    request: StaffRequest,
    campaign: Campaign,
    form_class: type[UploadForm],
    receive: Callable[[UploadForm], str],
    *,
    title: str,
    hint: str,
    direct: bool = False,
) -> HttpResponse:
    """Show the form, or hand the open file to the shell, which streams it into the bucket; then go
    to the file's page.

    `direct`: the page's script sends the file to the bucket itself.
    """
    form = form_class(request) if request.method == "POST" else None
    if form is not None and form.is_valid():
        try:
            return HttpResponseRedirect(receive(form))
        except Refusal as refusal:
            messages.error(request, str(refusal))
    elif form is not None:
        messages.error(request, form.complaint())
    return render(
        request,
        "console/upload.html",
        title,
        campaign=campaign,
        hint=hint,
        scores=form_class is ScoresForm,
        direct=direct,
    )


@form_page("campaigns.process_scores", "campaigns.view_campaign")
def upload_scores(request: StaffRequest, campaign_id: str) -> HttpResponse:
    campaign = get_object_or_404(Campaign, campaign_id=campaign_id)

    def receive(form: UploadForm) -> str:
        file, activate = form.cleaned_data["file"], form.cleaned_data["activate"]
        received = score_files.receive(
            campaign, file.name, file.file, by=request.user, activate=activate
        )
        if received.repeated:
            messages.info(
                request,
                "These very bytes came before: this is the score file they are, and it is not done"
                " twice.",
            )
        score_file = received.score_file
        its_page = reverse("score-file", args=[score_file.pk])
        if form.cleaned_data["then"] == "try" and dry_run.can_be_tried(score_file):
            attempt(request, lambda: dry_run.try_first(score_file.pk), trials.TRIED, back=its_page)
        elif score_file.state in (ScoreFileState.UPLOADED, ScoreFileState.FAILED):
            tasks.start_score_file(score_file, by=request.user)
        return its_page

    origin = browser_uploads.origin()
    response = _upload(
        request,
        campaign,
        ScoresForm,
        receive,
        title="Upload a score file",
        hint=SCORES_HINT,
        direct=bool(origin),
    )
    return may_upload_to(origin, request, response) if origin else response


@form_page("campaigns.import_registrations", "campaigns.view_campaign")
def upload_registrations(request: StaffRequest, campaign_id: str) -> HttpResponse:
    campaign = get_object_or_404(Campaign, campaign_id=campaign_id)

    def receive(form: UploadForm) -> str:
        file = form.cleaned_data["file"]
        received = imports.receive(campaign, file.name, file.file, by=request.user)
        if received.finished:
            messages.info(request, "These very bytes came before and were imported then.")
        else:
            tasks.start_registrations(received, by=request.user)
        return reverse("registrations", args=[received.pk])

    return _upload(
        request,
        campaign,
        UploadForm,
        receive,
        title="Upload registrations",
        hint=REGISTRATIONS_HINT,
    )


@page("campaigns.view_scorefile")
def score_file(request: StaffRequest, pk: int) -> HttpResponse:
    """All that became of a score file; while a worker has it, the page asks for its head again and
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
        and job.kind == score_files.JOB
        and job.state not in (JobState.DONE, JobState.CANCELLED)
    )
    begun = shown.state == ScoreFileState.UPLOADED and processing and job.state == JobState.RUNNING
    # a worker has it, and reads it for the first time
    stands = ScoreFileState.PROCESSING if begun else shown.state
    is_open = shown.campaign.status == CampaignStatus.OPEN
    head = {
        "file": shown,
        "campaign": shown.campaign,
        "stands": stands,
        "steps": steps(FILE_STEPS, stands),
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
    if request.headers.get("HX-Target") == "stands":
        return TemplateResponse(request, "console/score_file_head.html", head)
    return render(
        request,
        "console/score_file.html",
        f"Score file {shown.name}",
        judged=shown.state in ("validated", "streamed", "saved"),
        **trials.shown(request, shown, busy=processing or live or not is_open),
        **head,
    )


@page("campaigns.view_registrationimport")
def registration_import(request: StaffRequest, pk: int) -> HttpResponse:
    shown = get_object_or_404(
        RegistrationImport.objects.select_related("campaign", "created_by"), pk=pk
    )
    work = work_on(request, imports.subject_of(shown))
    title = f"Registrations {shown.name}"
    return render(
        request, "console/registrations.html", title, file=shown, campaign=shown.campaign, **work
    )


@action("campaigns.process_scores")
def start_scores(request: StaffRequest, pk: int) -> HttpResponse:
    """Begin, or take up again from where it stands."""
    started = get_object_or_404(ScoreFile, pk=pk)
    back = reverse("score-file", args=[pk])
    return attempt(
        request, lambda: tasks.start_score_file(started, by=request.user), "It goes on.", back=back
    )


@action("campaigns.activate_scores")
def activate(request: StaffRequest, pk: int) -> HttpResponse:
    back = reverse("score-file", args=[get_object_or_404(ScoreFile, pk=pk).pk])
    done = "This score file counts from now on."
    return attempt(request, lambda: activation.activate(pk, by=request.user), done, back=back)
