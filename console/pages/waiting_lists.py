"""The waiting list of a wave, in pages; and a fan found on it. [W-5, O-7]"""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse

from console.access import StaffRequest, form_page, log_access, render
from console.fans import search
from console.fans.terms import term_of
from console.fans.waiting import lists_of
from console.forms import FindWaitingForm
from console.models import Access
from console.wave_page.waiting_list import PAGE, with_member_ids
from operations.adminkit import unmasking
from waves import rights
from waves.errors import NoWaitingList
from waves.models import Wave
from waves.selection.waiting_list import opened, place_of

LONGEST_PLACE = 10  # digits


@form_page(*rights.SEE_WAITING_LIST)
def waiting_list(request: StaffRequest, name: str) -> HttpResponse:
    """A page of the list, from the place in the address on; POST finds a fan on it. The address
    holds a place and never who was looked for.
    """
    wave = get_object_or_404(Wave.objects.select_related("campaign"), name=name)
    form = FindWaitingForm(request.POST or None)
    after = _place(request.GET.get("after", ""))
    try:
        if request.method == "POST" and form.is_valid():
            return HttpResponseRedirect(_find(request, wave, **form.cleaned_data))
        with opened(wave) as found:
            fans = found.after(after, PAGE)
    except NoWaitingList as refusal:
        messages.error(request, str(refusal))
        return HttpResponseRedirect(reverse("wave", args=[name]))
    return render(
        request,
        "console/waves/waiting_list.html",
        f"Waiting list of wave {name}",
        wave=wave,
        outdated=_outdated(wave),
        form=form,
        fans=with_member_ids(wave, fans, hidden=not unmasking.shown(request)),
        marked=_place(request.GET.get("place", "")),
        before=max(after - PAGE, 0) if after else None,
        after=after + PAGE if after + PAGE < wave.waitlist else None,
        may_show_personal_data=unmasking.may_show(request),
        personal_data_shown=unmasking.shown(request),
    )


def _outdated(wave: Wave) -> str:
    lists = lists_of(wave.campaign)
    return next((kept.outdated for kept in lists if kept.wave.pk == wave.pk), "")


def _place(text: str) -> int:
    usable = text.isascii() and text.isdigit() and len(text) <= LONGEST_PLACE
    return int(text) if usable else 0


def _find(request: StaffRequest, wave: Wave, *, fan: str, reason: str) -> str:
    """Look for who is named so, and say at which place they are; the address of that place."""
    log_access(request, Access.FOUND, f"waiting list of {wave.name}", reason)
    address = reverse("waiting-list", args=[wave.name])
    term = term_of(fan, wave.campaign.home_countries)
    named = search.registered(term, wave.campaign)
    found = [on_list for each in named if (on_list := place_of(wave, each))]
    for each in found:
        messages.success(
            request,
            f"Fan {each.global_user_id} is at place {each.place:,} of {wave.waitlist:,} on the"
            " waiting list.",
        )
    if not found:
        messages.warning(
            request,
            "No fan with this value is on this waiting list. Find a fan shows what is known of"
            " them.",
        )
        return address
    place = found[0].place
    return f"{address}?after={(place - 1) // PAGE * PAGE}&place={place}"
