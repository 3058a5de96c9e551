"""Codes: those that somebody else made are imported from a file, whose page shows the results; and
the life of one code, step by step. [K-1, K-4, X-10]
"""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse

from campaigns.choices import CampaignStatus
from campaigns.models import Campaign
from console.access import StaffRequest, complaint_of, form_page, log_access, page, render
from console.forms import CodesForm, FindCodeForm
from console.models import Access
from console.pages.jobs import work_on
from operations.adminkit import unmasking
from operations.adminkit.masking import mask_text
from operations.errors import Refusal
from operations.instants import in_words
from waves import rights, tasks
from waves.codes import custody, import_rows, imports
from waves.errors import UnknownCode
from waves.models import Code, CodeImport

SHOWN = 20


@form_page(*rights.IMPORT_CODES)
def import_codes(request: StaffRequest, campaign_id: str) -> HttpResponse:
    """The form, and the campaign's code files, the newest first."""
    campaign = get_object_or_404(Campaign, campaign_id=campaign_id)
    form = CodesForm(request) if request.method == "POST" else None
    if form is not None and form.is_valid():
        try:
            return HttpResponseRedirect(_receive(request, campaign, form))
        except Refusal as refusal:
            messages.error(request, str(refusal))
    elif form is not None:
        messages.error(request, complaint_of(form))
    files = campaign.code_imports.select_related("market", "created_by")
    return render(
        request,
        "console/codes/import.html",
        "Import codes",
        campaign=campaign,
        is_open=campaign.status == CampaignStatus.OPEN,
        markets=campaign.markets.order_by("position", "id"),
        form=form,
        hint=import_rows.HINT,
        origins=files.order_by("origin").values_list("origin", flat=True).distinct(),
        files=files.order_by("-id")[:SHOWN],
    )


def _receive(request: StaffRequest, campaign: Campaign, form: CodesForm) -> str:
    """Take the file, have a worker import it, and return the address of its page."""
    file = form.cleaned_data["file"]
    found = imports.receive(
        campaign,
        file.name,
        file.file,
        origin=form.cleaned_data["source"],
        market_id=form.cleaned_data["market"],
        by=request.user,
    )
    if imports.has_work_left(found):
        tasks.start_code_import(found, by=request.user)
    else:
        before = in_words(found.created_at)
        messages.info(request, f"This file was already imported on {before}. Nothing was changed.")
    return reverse("code-file", args=[found.pk])


@page("waves.view_codeimport")
def code_file(request: StaffRequest, pk: int) -> HttpResponse:
    """One code file: the results of its rows, so far while it is being imported."""
    related = ("campaign", "market", "created_by")
    shown = get_object_or_404(CodeImport.objects.select_related(*related), pk=pk)
    return render(
        request,
        "console/codes/code_file.html",
        f"Code file {shown.name}",
        file=shown,
        campaign=shown.campaign,
        **work_on(request, imports.subject_of(shown)),
    )


@form_page(*rights.FIND_FAN)
def find_code(request: StaffRequest) -> HttpResponse:
    """The life of one code. Searches are never put in the address, and the reason is logged."""
    form = FindCodeForm(request.POST or None)
    found: Code | None = None
    if request.method == "POST" and form.is_valid():
        log_access(request, Access.FOUND, "codes", form.cleaned_data["reason"])
        try:
            found = custody.find(form.cleaned_data["code"])
        except UnknownCode as unknown:
            messages.error(request, str(unknown))
    return render(
        request,
        "console/codes/find.html",
        "Find a code",
        form=form,
        **(_shown(request, found) if found else {}),
    )


def _shown(request: StaffRequest, code: Code) -> dict[str, Any]:
    hidden = not unmasking.shown(request)
    return {
        "code": code,
        "campaign": code.campaign,
        "shown": mask_text(code.code) if hidden else code.code,
        "steps": custody.steps(code),
    }
