"""A file of change events: uploaded, archived in the background, and its results. [D-1]"""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse

from console.access import StaffRequest, complaint_of, form_page, page, render
from console.demand import numbers
from console.forms import UploadForm
from console.pages.jobs import work_on
from demand import rights, tasks
from demand.models import ErrorFile, EventUpload
from demand.sources import uploads
from operations.errors import Refusal

HINT = (
    "JSON lines in UTF-8: one change event per line, as a DynamoDB stream or"
    " Kinesis (base64) delivers it. Can be compressed (.gz). Types: demand,"
    " notification, event, sale."
)
ERROR_FILES = 50


@form_page(*rights.ARCHIVE_EVENTS)
def upload(request: StaffRequest) -> HttpResponse:
    """Show the form, or take the file in and have a worker archive it."""
    form = UploadForm(request) if request.method == "POST" else None
    if form is not None and form.is_valid():
        file = form.cleaned_data["file"]
        try:
            received = uploads.receive(file.name, file.file, by=request.user)
        except Refusal as refusal:
            messages.error(request, str(refusal))
        else:
            if uploads.is_over(received):
                messages.info(
                    request,
                    (
                        "This file was already uploaded. These are its results. It was not"
                        " processed again."
                    ),
                )
            else:
                tasks.start_upload(received, by=request.user)
            return HttpResponseRedirect(reverse("demand-upload", args=[received.pk]))
    elif form is not None:
        messages.error(request, complaint_of(form))
    return render(request, "console/demand/upload.html", "Upload change events", hint=HINT)


@page("demand.view_eventupload")
def uploaded(request: StaffRequest, pk: int) -> HttpResponse:
    """How far the file is archived, and the results of its events."""
    shown = get_object_or_404(EventUpload.objects.select_related("created_by"), pk=pk)
    source = uploads.source_of(shown)
    return render(
        request,
        "console/demand/uploaded.html",
        f"Event upload {shown.name}",
        file=shown,
        ledger=numbers.of_source(source),
        error_files=ErrorFile.objects.filter(batch__source=source)
        .select_related("batch")
        .order_by("pk")[:ERROR_FILES],
        most_error_files=ERROR_FILES,
        **work_on(request, uploads.subject_of(shown)),
    )
