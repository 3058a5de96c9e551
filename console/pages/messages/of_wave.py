"""The messages of a wave: in pages, by what became of them; and those of one fan, found by POST.
[N-3, N-7, O-7]
"""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404

from console.access import StaffRequest, form_page, log_access, render
from console.fans import search
from console.fans.terms import term_of
from console.forms import FindMessagesForm
from console.models import Access
from console.wave_page.message_filters import MessageFilterForm
from console.wave_page.messages import of_fans, page_of, reasons_of
from operations.adminkit import unmasking
from waves import rights
from waves.figures import kept
from waves.models import Wave

LONGEST_NUMBER = 18  # digits of a row's number


@form_page(*rights.SEE_MESSAGES)
def wave_messages(request: StaffRequest, name: str) -> HttpResponse:
    """A page of the list, as the filters in the address say; POST finds a fan's messages. The
    address never holds who was looked for.
    """
    wave = get_object_or_404(Wave.objects.select_related("campaign"), name=name)
    hidden = not unmasking.shown(request)
    filters = MessageFilterForm(
        request.GET,
        markets=list(wave.wave_markets.select_related("market")),
        reasons=reasons_of(kept.figures(wave.pk)),
    )
    if not filters.is_valid():
        ignored = ", ".join(str(filters.fields[each].label) for each in filters.errors)
        messages.warning(request, f"Ignored in the address of this page: {ignored}.")
    find = FindMessagesForm(request.POST or None)
    found = None
    if request.method == "POST" and find.is_valid():
        found = of_fans(wave, _named(request, wave, **find.cleaned_data), hidden=hidden)
    edges = {each: _number(request.GET.get(each, "")) for each in ("after", "before")}
    return render(
        request,
        "console/waves/messages.html",
        f"Messages of wave {name}",
        wave=wave,
        filters=filters,
        query=urlencode({each: value for each, value in filters.kept().items() if value}),
        find=find,
        found=found,
        messages_page=page_of(wave, filters.wanted(), **edges, hidden=hidden),
        may_show_personal_data=unmasking.may_show(request),
        personal_data_shown=not hidden,
    )


def _number(text: str) -> int:
    usable = text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER
    return int(text) if usable else 0


def _named(request: StaffRequest, wave: Wave, *, fan: str, code: str, reason: str) -> list[str]:
    """The ids of the fans whom somebody looked for."""
    log_access(request, Access.FOUND, f"messages of {wave.name}", reason)
    if code:
        holder = search.holder_of(code)
        return [holder[1]] if holder and holder[0] == wave.campaign else []
    return search.registered(term_of(fan, wave.campaign.home_countries), wave.campaign)
