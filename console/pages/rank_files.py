"""Uploading ranks, and how their translation goes. [S-15]"""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse

from campaigns import late_changes, rights, tasks
from campaigns.choices import LateKind
from campaigns.models import Campaign, FanList, RankFile
from campaigns.ranks import rank_files
from console.access import StaffRequest, action, attempt, complaint_of, form_page, page, render
from console.forms import RanksForm
from console.pages.jobs import work_on
from operations.errors import Refusal

HINT = (
    "CSV in UTF-8 with a header line. Can be compressed (.gz). Required columns:"
    " global_user_id and rank (1 is best). Optional columns: id, email, phone,"
    " member_id, country_code, phone_confirmed. Missing contacts are taken from the"
    " registrations."
)
REPEATED = "This file was already uploaded. This is its score file. It was not processed again."


@form_page(*rights.PROCESS_SCORES)
def upload_ranks(request: StaffRequest, campaign_id: str) -> HttpResponse:
    """Show the form, or have the shell stream the file into the bucket and a worker translate
    it.
    """
    campaign = get_object_or_404(Campaign, campaign_id=campaign_id)
    form = RanksForm(request) if request.method == "POST" else None
    if form is not None and form.is_valid():
        try:
            return HttpResponseRedirect(_store(request, campaign, form))
        except Refusal as refusal:
            messages.error(request, str(refusal))
    elif form is not None:
        messages.error(request, complaint_of(form))
    return render(
        request,
        "console/score_files/upload_ranks.html",
        "Upload a rank file",
        campaign=campaign,
        hint=HINT,
        fanlist=form["fanlist"].value() if form else "",
        late=late_changes.notice(campaign, LateKind.SCORE_FILE, "A rank file"),
        fanlists=FanList.objects.filter(campaign=campaign),
    )


def _store(request: StaffRequest, campaign: Campaign, form: RanksForm) -> str:
    """Where to go once the file is stored."""
    file, activate = form.cleaned_data["file"], form.cleaned_data["activate"]
    stored = rank_files.store(
        campaign,
        form.cleaned_data["fanlist"].strip(),
        file.name,
        file.file,
        by=request.user,
        activate=activate,
        reason=form.cleaned_data["reason"],
    )
    if (known := rank_files.known(stored)) is not None:
        messages.info(request, REPEATED)
        return reverse("score-file", args=[known.score_file.pk])
    tasks.start_ranks(stored, by=request.user)
    return reverse("rank-file", args=[stored.pk])


@page("campaigns.view_rankfile")
def rank_file(request: StaffRequest, pk: int) -> HttpResponse:
    files = RankFile.objects.select_related("fanlist__campaign", "score_file", "created_by")
    shown = get_object_or_404(files, pk=pk)
    return render(
        request,
        "console/score_files/rank_file.html",
        f"Rank file {shown.name}",
        file=shown,
        fanlist=shown.fanlist,
        campaign=shown.fanlist.campaign,
        score_file=shown.score_file,
        **work_on(request, rank_files.subject_of(shown)),
    )


@action(*rights.TAKE_ARRIVALS)
def start(request: StaffRequest, pk: int) -> HttpResponse:
    """Translate a file whose job was cancelled after all."""
    started = get_object_or_404(RankFile, pk=pk)
    back = reverse("rank-file", args=[pk])
    return attempt(
        request,
        lambda: tasks.start_ranks(started, by=request.user),
        "Processing started.",
        back=back,
    )
