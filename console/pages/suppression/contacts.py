"""Contacts that get no messages any more: found by the address, added by hand or from a file, and
allowed again. The list holds hashes; what is typed or uploaded here is not kept. [N-8]
"""

from __future__ import annotations

from typing import Any, BinaryIO, Final

from django.contrib import messages
from django.db.models import Count, QuerySet
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.text import capfirst

from campaigns.models import Campaign
from console.access import (
    StaffRequest,
    action,
    attempt,
    complaint_of,
    form_page,
    log_access,
    page,
    render,
)
from console.forms import FindSuppressedForm, SuppressFileForm, SuppressForm
from console.models import Access
from console.slow_counts import kept
from operations.plurals import plural
from waves import rights
from waves.choices import ContactProblem, SuppressedBy
from waves.errors import BadContact
from waves.models import Suppression
from waves.suppression import files
from waves.suppression.contacts import contact_of
from waves.suppression.suppressed import Ground, entries_of, ground_of, lift, suppress

LINES_NAMED: Final = 10
RELATED: Final = ("campaign", "by", "lifted_by")


@form_page(*rights.SEE_SUPPRESSION)
def suppressed(request: StaffRequest) -> HttpResponse:
    """How many contacts are suppressed, by cause; one of them, by POST; and the forms to add
    some.
    """
    form = FindSuppressedForm(request.POST or None)
    found = None
    if request.method == "POST" and form.is_valid():
        log_access(request, Access.FOUND, "suppressed contacts", form.cleaned_data["reason"])
        try:
            entries = entries_of(contact_of(form.cleaned_data["contact"]))
            found = list(entries.select_related(*RELATED).order_by("-id"))
        except BadContact as refusal:
            messages.error(request, str(refusal))
    return render(
        request,
        "console/suppression/suppressed.html",
        "Suppressed contacts",
        form=form,
        found=found,
        counts=[(SuppressedBy(cause).label, count) for cause, count in sorted(_counts().items())],
        campaigns=Campaign.objects.order_by("-id"),
        hint=files.HINT,
        most_bytes=files.MOST_PAGE_BYTES,
    )


def _counts() -> dict[str, int]:
    live = Suppression.objects.filter(lifted_at=None).order_by().values_list("cause")
    return kept("suppressed-contacts", lambda: dict(live.annotate(Count("pk"))))


@page(*rights.SEE_SUPPRESSION)
def suppressed_contact(request: StaffRequest, pk: int) -> HttpResponse:
    """One entry, and all else that the list has of its contact."""
    entry = get_object_or_404(Suppression.objects.select_related(*RELATED), pk=pk)
    return render(
        request,
        "console/suppression/contact.html",
        "Suppressed contact",
        entry=entry,
        entries=_of_contact(entry),
    )


def _of_contact(entry: Suppression) -> QuerySet[Suppression]:
    of_contact = Suppression.objects.filter(contact=entry.contact)
    return of_contact.select_related(*RELATED).order_by("-id")


@action(*rights.SUPPRESS)
def suppress_contact(request: StaffRequest) -> HttpResponseRedirect:
    """One contact that was typed."""
    form, back = SuppressForm(request.POST), reverse("suppressed")
    if not form.is_valid():
        messages.error(request, complaint_of(form))
        return HttpResponseRedirect(back)

    def work() -> str:
        ground = _ground(request, SuppressedBy.HAND, form.cleaned_data)
        home = ground.campaign.home_countries[0] if ground.campaign else ""
        added = suppress([contact_of(form.cleaned_data["contact"], country=home)], ground)
        return "The contact is suppressed." if added else "The contact was already suppressed."

    return attempt(request, work, back=back)


@action(*rights.SUPPRESS)
def suppress_file(request: StaffRequest) -> HttpResponseRedirect:
    """A file of contacts; larger ones go through the command."""
    form, back = SuppressFileForm(request), reverse("suppressed")
    if not form.is_valid():
        messages.error(request, complaint_of(form))
        return HttpResponseRedirect(back)
    file: BinaryIO = form.cleaned_data["file"].file

    def work() -> str:
        files.require_small(file)
        ground = _ground(request, SuppressedBy.FILE, form.cleaned_data)
        result = files.suppress_file(file, ground)
        if result.problems:
            messages.warning(request, _problems(result))
        return (
            f"{plural(result.added, 'contact')} added;"
            f" {result.contacts - result.added:,} were already suppressed."
        )

    return attempt(request, work, back=back)


@action(*rights.LIFT_SUPPRESSION)
def lift_suppression(request: StaffRequest, pk: int) -> HttpResponseRedirect:
    """Messages to the contact are allowed again, as far as this entry kept them back."""
    get_object_or_404(Suppression, pk=pk)
    return attempt(
        request,
        lambda: lift(pk, by=request.user, reason=request.POST.get("reason", "")),
        "The suppression was lifted.",
        back=reverse("suppressed-contact", args=[pk]),
    )


def _ground(request: StaffRequest, cause: SuppressedBy, given: dict[str, Any]) -> Ground:
    return ground_of(cause, given["campaign"], by=request.user, reason=given["reason"])


def _problems(result: files.FileResult) -> str:
    named = "; ".join(
        f"line {line:,}: {ContactProblem(problem).label}"
        for line, problem in result.problems[:LINES_NAMED]
    )
    more = result.rejected.total() - min(len(result.problems), LINES_NAMED)
    return f"{plural(result.rejected.total(), 'row')} rejected. {capfirst(named)}" + (
        f"; and {more:,} more." if more else "."
    )
