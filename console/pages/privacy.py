"""Personal data: shown for a quarter of an hour, for a reason that is kept; and one fan looked for,
by POST. [O-5, O-7]
"""

from __future__ import annotations

import uuid
from typing import Any
from urllib.parse import urlsplit

from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from campaigns.models import Campaign, Registrant
from console.access import StaffRequest, form_page, log_access, render
from console.fans import answers, facts, search
from console.fans.facts import FanFacts
from console.fans.search import Found
from console.fans.terms import term_of
from console.forms import FindForm, ReasonForm
from console.models import Access
from operations.adminkit import unmasking
from operations.adminkit.masking import mask_email, mask_phone, mask_text
from waves import rights
from waves.choices import Channel
from waves.models import Member


@form_page(unmasking.PERMISSION)
def unmask(request: StaffRequest) -> HttpResponse:
    """Show personal data for 15 minutes for a reason, or hide it again; then back to the page that
    the button was on, with its query.
    """
    back = _safe(request, request.POST.get("next", ""))
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and "hide" in request.POST:
        unmasking.stop(request)
        return HttpResponseRedirect(back)
    if request.method == "POST" and form.is_valid():
        # without the query, which may hold what somebody looked for
        page = urlsplit(back).path
        log_access(request, Access.SHOWN, page, form.cleaned_data["reason"])
        unmasking.start(request)
        return HttpResponseRedirect(back)
    return render(
        request,
        "console/people/unmask_page.html",
        "Personal data",
        form=form,
        next=back,
        shown=unmasking.shown(request),
    )


def _safe(request: StaffRequest, address: str) -> str:
    here = url_has_allowed_host_and_scheme(
        address, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return address if here and address.startswith("/") else reverse("admin:index")


@form_page(*rights.FIND_FAN)
def find(request: StaffRequest) -> HttpResponse:
    """What is known of a fan: registrations, scores, rejected rows, waves, code, messages. Masked
    like every page; the same search can show or hide personal data, and stays.
    """
    form = FindForm(request.POST or None)
    found: Found | None = None
    if request.method == "POST" and form.is_valid():
        _show_or_hide(request, form.cleaned_data["reason"])
        found = _find(request, **form.cleaned_data)
    hidden = not unmasking.shown(request)
    return render(
        request,
        "console/people/find.html",
        "Find a fan",
        form=form,
        found=found,
        fans=[_shown(fan, hidden=hidden) for fan in found.fans] if found else [],
        may_show_personal_data=unmasking.may_show(request),
        personal_data_shown=not hidden,
    )


def _show_or_hide(request: StaffRequest, reason: str) -> None:
    if "hide" in request.POST:
        unmasking.stop(request)
    elif "show" in request.POST and unmasking.may_show(request):
        log_access(request, Access.SHOWN, reverse("find"), reason)
        unmasking.start(request)


def _find(
    request: StaffRequest, *, campaign: Campaign | None, fan: str, code: str, reason: str
) -> Found:
    subject = "codes" if code else campaign.campaign_id if campaign else "all campaigns"
    log_access(request, Access.FOUND, subject, reason)
    if code:
        holder = search.holder_of(code)
        return search.of_holder(*holder) if holder and holder[1] else Found()
    regions = set(campaign.home_countries) if campaign else search.home_countries()
    return search.find(term_of(fan, sorted(regions)), campaign)


def _shown(fan: FanFacts, *, hidden: bool) -> dict[str, Any]:
    """One fan as the page shows them; the rows are never saved again."""
    contacts: list[Registrant | Member] = [
        *fan.members,
        *([fan.registrant] if fan.registrant else []),
    ]
    for row in contacts if hidden else []:
        row.email, row.phone = mask_email(row.email), mask_phone(row.phone)
    for member in fan.members if hidden else []:
        member.code = mask_text(member.code)
    for sent in fan.resends if hidden else []:
        mask = mask_phone if sent.channel == Channel.SMS else mask_email
        sent.contact = mask(sent.contact)
    return {
        "facts": fan,
        "receipt": None if hidden else facts.receipt_of(fan),
        "registration": list(answers.about_registration(fan)),
        "scores": list(answers.about_scores(fan)),
        "resend_request": uuid.uuid4(),
        "waves": list(answers.about_waves(fan)),
    }
