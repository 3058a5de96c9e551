"""Uploading registrations, and their results. [C-4]"""

from __future__ import annotations

from datetime import UTC

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse

from campaigns import tasks
from campaigns.models import Campaign, RegistrationImport
from campaigns.registrations import imports
from console.access import StaffRequest, form_page, page, render
from console.forms import UploadForm
from console.pages.jobs import work_on
from console.pages.uploading import upload_page

REGISTRATIONS_HINT = (
    "CSV or TSV in UTF-8 with a header line. Required columns: global_user_id and"
    " registered_at. Optional columns: member_id, email, phone, phone_confirmed,"
    " country_code, market_preferences (separated by |), date_created."
)


@form_page("campaigns.import_registrations", "campaigns.view_campaign")
def upload_registrations(request: StaffRequest, campaign_id: str) -> HttpResponse:
    campaign = get_object_or_404(Campaign, campaign_id=campaign_id)

    def receive(form: UploadForm) -> str:
        file = form.cleaned_data["file"]
        received = imports.receive(campaign, file.name, file.file, by=request.user)
        if received.finished:
            before = f"{received.created_at.astimezone(UTC):%-d %b %Y, %H:%M} UTC"
            messages.info(request, f"This file was already imported on {before}.")
        else:
            tasks.start_registrations(received, by=request.user)
        return reverse("registrations", args=[received.pk])

    return upload_page(
        request,
        campaign,
        UploadForm,
        receive,
        title="Upload registrations",
        hint=REGISTRATIONS_HINT,
    )


@page("campaigns.view_registrationimport")
def registration_import(request: StaffRequest, pk: int) -> HttpResponse:
    shown = get_object_or_404(
        RegistrationImport.objects.select_related("campaign", "created_by"), pk=pk
    )
    work = work_on(request, imports.subject_of(shown))
    title = f"Registration file {shown.name}"
    return render(
        request,
        "console/campaigns/registrations.html",
        title,
        file=shown,
        campaign=shown.campaign,
        **work,
    )
