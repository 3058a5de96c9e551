"""Downloads of files that hold personal data: a right of their own, a reason, a line in the log, by
POST. [O-7]
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import BinaryIO

from django.contrib import messages
from django.http import (
    FileResponse,
    Http404,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.shortcuts import get_object_or_404
from django.urls import reverse

from campaigns.models import RegistrationImport, ScoreFile
from campaigns.registrations import rejected_file
from console.access import StaffRequest, action, log_access, page
from console.downloads import attachment, csv_lines, neutralised_file, neutralised_zip
from console.forms import ReasonForm
from console.models import Access
from datalake.storage import buckets
from operations.errors import Refusal
from waves.models import CodeImport, Wave
from waves.rights import EXPORT_WAITING_LIST
from waves.selection.waiting_list import opened, waiting_rows

EXPORT = "campaigns.export_personal_data"


def _download(
    request: StaffRequest, name: str, make: Callable[[], HttpResponseBase], *, back: str
) -> HttpResponseBase:
    """Without a reason nothing leaves; with one it is written down first."""
    form = ReasonForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Enter the reason for the download.")
        return HttpResponseRedirect(back)
    try:
        response = make()
    except Refusal as refusal:
        messages.error(request, str(refusal))
        return HttpResponseRedirect(back)
    log_access(request, Access.EXPORTED, name, form.cleaned_data["reason"])
    return response


def _as_csv(name: str, lines: Iterator[str]) -> StreamingHttpResponse:
    return StreamingHttpResponse(
        lines, content_type="text/csv; charset=utf-8", headers=attachment(name)
    )


def _rejected_rows(
    request: StaffRequest,
    of: str,
    opened: Callable[[], BinaryIO],
    *,
    ready: bool,
    not_yet: str,
    back: str,
) -> HttpResponseBase:
    """The rejected rows of a file or list, named for it; `not_yet`: what it is not yet, so that
    they are not `ready`.
    """
    if not ready:
        messages.error(request, f"The {not_yet} yet, so it has no rejected rows.")
        return HttpResponseRedirect(back)
    name = f"{of}.rejected.csv"
    return _download(request, name, lambda: _as_csv(name, neutralised_file(opened())), back=back)


@action(EXPORT, "campaigns.view_scorefile")
def score_file(request: StaffRequest, pk: int) -> HttpResponseBase:
    found = get_object_or_404(ScoreFile, pk=pk)
    key = found.scrubbed_key if request.POST.get("which") == "scrubbed" else found.rejected_key
    return _download(
        request,
        key,
        lambda: _as_csv(key, neutralised_file(buckets.scoring().open(key))),
        back=reverse("score-file", args=[pk]),
    )


@action(EXPORT, "campaigns.view_registrationimport")
def registrations(request: StaffRequest, pk: int) -> HttpResponseBase:
    found = get_object_or_404(RegistrationImport, pk=pk)
    return _rejected_rows(
        request,
        found.name.rpartition(".")[0] or found.name,
        lambda: rejected_file.opened(found),
        ready=found.finished,
        not_yet="file is not imported",
        back=reverse("registrations", args=[pk]),
    )


@action(EXPORT, "waves.view_codeimport")
def code_file(request: StaffRequest, pk: int) -> HttpResponseBase:
    found = get_object_or_404(CodeImport, pk=pk)
    unpacked = found.name.removesuffix(".gz")
    return _rejected_rows(
        request,
        unpacked.rpartition(".")[0] or unpacked,
        lambda: buckets.scoring().open(found.rejected_key),
        ready=bool(found.rejected_key),
        not_yet="file is not imported",
        back=reverse("code-file", args=[pk]),
    )


@action(EXPORT, "waves.view_wave")
def wave_zip(request: StaffRequest, name: str) -> HttpResponseBase:
    """The zip of its members, or the record of its candidates, who and where, as Parquet."""
    found = get_object_or_404(Wave, name=name)
    candidates = request.POST.get("which") == "candidates"
    key = found.candidates_key if candidates else found.zip_key
    back = reverse("wave", args=[name])
    if not key:
        messages.error(request, "The wave is not prepared yet, so it has no file.")
        return HttpResponseRedirect(back)

    def make() -> FileResponse:
        file = buckets.scoring().open(key)
        if candidates:
            return FileResponse(file, as_attachment=True, filename=f"{name}.candidates.parquet")
        return FileResponse(neutralised_zip(file), as_attachment=True, filename=f"{name}.zip")

    return _download(request, key, make, back=back)


@action(EXPORT, "waves.view_wave")
def wave_rejected(request: StaffRequest, name: str) -> HttpResponseBase:
    """The rejected rows of an uploaded list. [W-3]"""
    found = get_object_or_404(Wave, name=name)
    return _rejected_rows(
        request,
        name,
        lambda: buckets.scoring().open(found.rejected_key),
        ready=bool(found.rejected_key),
        not_yet="list is not taken in",
        back=reverse("wave", args=[name]),
    )


@action(*EXPORT_WAITING_LIST)
def waiting_list(request: StaffRequest, name: str) -> HttpResponseBase:
    """All of a wave's waiting list. [W-5]"""
    found = get_object_or_404(Wave, name=name)
    back, file = reverse("waiting-list", args=[name]), f"{name}.waiting-list.csv"

    def make() -> HttpResponseBase:
        with opened(found):  # refused before anything is sent
            return _as_csv(file, csv_lines(waiting_rows(found)))

    return _download(request, file, make, back=back)


@page("waves.view_wave")
def wave_status(request: StaffRequest, name: str) -> HttpResponse:
    """What other services read of the preparation: counts and a key, nothing of fans. [W-8]"""
    found = get_object_or_404(Wave, name=name)
    if not found.status_content:
        raise Http404
    return HttpResponse(
        found.status_content,
        content_type="application/json",
        headers=attachment(f"{name}.status.json"),
    )
