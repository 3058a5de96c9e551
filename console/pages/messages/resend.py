"""Support corrects one fan's contact and sends their code again. [X-12]"""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse

from console.access import StaffRequest, action, attempt, complaint_of
from console.forms import ResendForm
from waves import rights
from waves.resends import tasks
from waves.resends.ask import Wanted


@action(*rights.RESEND)
def send_again(request: StaffRequest) -> HttpResponse:
    """Have a worker send it; the form carries the key, so that a second click sends nothing."""
    form = ResendForm(request.POST)
    if not form.is_valid():
        messages.error(request, complaint_of(form))
        return HttpResponseRedirect(reverse("find"))
    wanted = Wanted(**form.cleaned_data)
    return attempt(
        request,
        lambda: tasks.start(wanted, by=request.user),
        f"The code of fan {wanted.fan} is being sent again. Find the fan to see the outcome.",
        back=reverse("find"),
    )
