"""What the pages that take in a file share: the form, or the file to the shell. [S-1, C-4]"""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect

from campaigns.models import Campaign
from console.access import StaffRequest, complaint_of, render
from console.forms import ScoresForm, UploadForm
from operations.errors import Refusal


def upload_page(
    request: StaffRequest,
    campaign: Campaign,
    form_class: type[UploadForm],
    receive: Callable[[UploadForm], str],
    *,
    title: str,
    hint: str,
    direct: bool = False,
    late: str = "",
) -> HttpResponse:
    """Show the form, or hand the open file to the shell, which streams it into the bucket; then go
    to the file's page.

    `direct`: the page's script sends the file to the bucket itself. `late`: what a late file needs,
    or empty.
    """
    form = form_class(request) if request.method == "POST" else None
    if form is not None and form.is_valid():
        try:
            return HttpResponseRedirect(receive(form))
        except Refusal as refusal:
            messages.error(request, str(refusal))
    elif form is not None:
        messages.error(request, complaint_of(form))
    return render(
        request,
        "console/score_files/upload.html",
        title,
        campaign=campaign,
        hint=hint,
        scores=form_class is ScoresForm,
        direct=direct,
        late=late,
    )
