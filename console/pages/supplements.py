"""Corrected rejected rows come back on their score file's page. [S-14]"""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse

from campaigns import rights, tasks
from campaigns.models import ScoreFile
from console.access import StaffRequest, action, attempt, complaint_of
from console.forms import ScoresForm

TAKEN = (
    "The corrected rows were uploaded. A new score file, a supplement of this one,"
    " is being created from them and the accepted rows."
)


@action(*rights.PROCESS_SCORES)
def upload(request: StaffRequest, pk: int) -> HttpResponse:
    """Keep the corrected file and have a worker make the supplement: here nothing large is read."""
    parent = get_object_or_404(ScoreFile.objects.select_related("campaign"), pk=pk)
    back, form = f"{reverse('score-file', args=[pk])}#supplements", ScoresForm(request)
    if not form.is_valid():
        messages.error(request, complaint_of(form))
        return HttpResponseRedirect(back.partition("#")[0])
    file, activate = form.cleaned_data["file"].file, form.cleaned_data["activate"]
    reason = form.cleaned_data["reason"]
    return attempt(
        request,
        lambda: tasks.start_supplement(
            parent, file, by=request.user, activate=activate, reason=reason
        ),
        TAKEN,
        back=back,
    )
