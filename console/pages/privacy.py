"""Personal data: shown for a quarter of an hour, for a reason that is kept; and one fan looked for,
by POST. [O-5, O-7]
"""

from __future__ import annotations

from typing import Any

from django.db.models.functions import Upper
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from campaigns.models import Campaign, FanScore, Registrant
from console.access import StaffRequest, form_page, log_access, render
from console.forms import FindForm, ReasonForm
from console.models import Access
from operations.adminkit import unmasking
from operations.adminkit.masking import mask_email, mask_phone, mask_text
from waves import rights
from waves.models import Code, Member, Send


@form_page(unmasking.PERMISSION)
def unmask(request: StaffRequest) -> HttpResponse:
    """Ask for a reason, then show personal data for 15 minutes; or hide it again."""
    back = _safe(request, request.POST.get("next") or request.GET.get("next", ""))
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and "hide" in request.POST:
        unmasking.stop(request)
        return HttpResponseRedirect(back)
    if request.method == "POST" and form.is_valid():
        log_access(request, Access.SHOWN, back, form.cleaned_data["reason"])
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
    return address if here else reverse("admin:index")


@form_page(*rights.FIND_FAN)
def find(request: StaffRequest) -> HttpResponse:
    """What is known of one fan in one campaign: registration, score, wave, code, messages. Masked
    like every page.
    """
    form = FindForm(request.POST or None)
    found: dict[str, Any] = {}
    if request.method == "POST" and form.is_valid():
        campaign, fan, code = (form.cleaned_data[name] for name in ("campaign", "fan", "code"))
        log_access(
            request,
            Access.FOUND,
            f"campaign {campaign.campaign_id}" if campaign else "codes",
            form.cleaned_data["reason"],
        )
        if code:
            campaign, fan = _holder_of(code)
        found = _fan(campaign, fan) if campaign and fan else {"not_found": True}
    hidden = not unmasking.shown(request)
    return render(
        request,
        "console/people/find.html",
        "Find a fan",
        form=form,
        hidden=hidden,
        may_show_personal_data=unmasking.may_show(request),
        personal_data_shown=not hidden,
        **_masked(found, hidden=hidden),
    )


def _holder_of(code: str) -> tuple[Campaign | None, str]:
    """The fan whom this code is for, whatever its case; the index is on upper(code). [K-1]"""
    row = (
        Code.objects.annotate(upper=Upper("code"))
        .filter(upper=code.strip().upper())
        .select_related("campaign")
        .first()
    )
    return (row.campaign, row.global_user_id) if row else (None, "")


def _fan(campaign: Campaign, fan: str) -> dict[str, Any]:
    files = campaign.score_files.values_list("pk", flat=True)
    members = Member.objects.filter(wave__campaign=campaign, global_user_id=fan).select_related(
        "wave", "market"
    )
    return {
        "campaign": campaign,
        "fan": fan,
        "registrant": Registrant.objects.filter(campaign=campaign, global_user_id=fan).first(),
        "scores": FanScore.objects.filter(
            score_file__in=list(files), global_user_id=fan
        ).select_related("score_file"),
        "members": list(members),
        "sends": Send.objects.filter(member__in=members).order_by("-id"),
    }


def _masked(found: dict[str, Any], *, hidden: bool) -> dict[str, Any]:
    """The rows as they may be shown; they are never saved again."""
    for row in [found.get("registrant"), *found.get("members", [])] if hidden else []:
        if row is not None:
            row.email, row.phone = mask_email(row.email), mask_phone(row.phone)
            row.code = mask_text(getattr(row, "code", ""))
    return found
