"""Uploading registrations and their corrected rejected rows, and the results. [C-4]"""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse

from campaigns import late_changes, rights, tasks
from campaigns.choices import CampaignStatus, LateKind
from campaigns.models import Campaign, RegistrationImport
from campaigns.registrations import corrections, imports, records
from console import slow_counts
from console.access import (
    StaffRequest,
    action,
    attempt,
    complaint_of,
    form_page,
    page,
    reason_of,
    render,
)
from console.forms import LateForm, UploadForm
from console.pages.jobs import work_on
from console.pages.uploading import upload_page
from operations.errors import Refusal
from operations.instants import in_words
from operations.plurals import plural

REGISTRATIONS_HINT = (
    "CSV or TSV in UTF-8 with a header line. Required columns: global_user_id and"
    " registered_at. Optional columns: member_id, email, phone, phone_confirmed,"
    " country_code, market_preferences (separated by |), date_created."
)


@form_page(*rights.IMPORT_REGISTRATIONS)
def upload_registrations(request: StaffRequest, campaign_id: str) -> HttpResponse:
    campaign = get_object_or_404(Campaign, campaign_id=campaign_id)
    return upload_page(
        request,
        campaign,
        LateForm,
        lambda form: _receive(request, campaign, form),
        title="Upload registrations",
        hint=REGISTRATIONS_HINT,
        late=late_changes.notice(campaign, LateKind.REGISTRATIONS, "A registration file"),
    )


@action(*rights.IMPORT_REGISTRATIONS)
def upload_corrections(request: StaffRequest, pk: int) -> HttpResponse:
    """Corrected rejected rows of a file become a file of their own; a worker reads them."""
    original = get_object_or_404(RegistrationImport.objects.select_related("campaign"), pk=pk)
    form = LateForm(request)
    if form.is_valid():
        try:
            there = _receive(request, original.campaign, form, corrects=original)
            return HttpResponseRedirect(there)
        except Refusal as refusal:
            messages.error(request, str(refusal))
    else:
        messages.error(request, complaint_of(form))
    return HttpResponseRedirect(reverse("registrations", args=[pk]))


def _receive(
    request: StaffRequest,
    campaign: Campaign,
    form: UploadForm,
    *,
    corrects: RegistrationImport | None = None,
) -> str:
    """Take the file, have a worker import it, and return the address of its page."""
    file = form.cleaned_data["file"]
    received = imports.receive(
        campaign,
        file.name,
        file.file,
        by=request.user,
        reason=form.cleaned_data["reason"],
        corrects=corrects,
    )
    if imports.has_work_left(received):
        tasks.start_registrations(received, by=request.user)
    else:
        before = in_words(received.created_at)
        messages.info(request, f"This file was already imported on {before}.")
    return reverse("registrations", args=[received.pk])


@page("campaigns.view_registrationimport")
def registration_import(request: StaffRequest, pk: int) -> HttpResponse:
    shown = get_object_or_404(
        RegistrationImport.objects.select_related("campaign", "created_by", "corrects"), pk=pk
    )
    repaired = slow_counts.kept(
        f"repaired-registrations-{pk}", lambda: {pk: corrections.repaired(shown)}
    )[pk]
    is_open = shown.campaign.status == CampaignStatus.OPEN
    work = work_on(request, imports.subject_of(shown))
    title = f"Registration file {shown.name}"
    return render(
        request,
        "console/campaigns/registrations.html",
        title,
        file=shown,
        campaign=shown.campaign,
        made=shown.corrections.order_by("id"),
        repaired=repaired,
        not_repaired=shown.rejected - repaired,
        may=late_changes.may(request.user, shown.campaign),
        waits=imports.waits_for_a_person(shown, work["job"]),
        late=late_changes.notice(shown.campaign, LateKind.REGISTRATIONS, "A registration file"),
        may_come=bool(shown.rejected_key and shown.rejected and is_open),
        to_be_written=bool(shown.rejected and not shown.rejected_key and is_open),
        **work,
    )


@action(*rights.TAKE_LATE_REGISTRATIONS)
def take_late(request: StaffRequest, pk: int) -> HttpResponse:
    """Have a late file imported that waits for a person. [S-8]"""
    found = get_object_or_404(RegistrationImport.objects.select_related("campaign"), pk=pk)
    return attempt(
        request,
        lambda: tasks.start_late_registrations(found, by=request.user, reason=reason_of(request)),
        "The file is being imported.",
        back=reverse("registrations", args=[pk]),
    )


@action(*rights.TAKE_LATE_REGISTRATIONS)
def take_late_records(request: StaffRequest, campaign_id: str) -> HttpResponse:
    """Take in what came late on the stream. [S-8]"""
    campaign = get_object_or_404(Campaign, campaign_id=campaign_id)

    def take() -> str:
        accepted = records.take_late(campaign.pk, by=request.user, reason=reason_of(request))
        return f"{plural(accepted, 'late registration was', 'late registrations were')} taken in."

    return attempt(request, take, back=reverse("campaign", args=[campaign_id]))
