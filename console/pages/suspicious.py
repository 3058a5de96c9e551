"""What in a score file looks made by machines, and putting it on a list. [X-13]"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse

from campaigns import late_changes, rights, tasks
from campaigns.choices import READ_ONLY, LateKind, SuspiciousKind
from campaigns.fairness.suspicious import listing, members, reports
from campaigns.fairness.suspicious.members import Example
from campaigns.models import ScoreFile, SuspiciousGroup
from console.access import StaffRequest, action, attempt, page, render
from console.charts import fairness as fairness_charts
from console.pages.jobs import work_on
from operations.adminkit import unmasking
from operations.adminkit.masking import mask_email, mask_phone
from operations.entry.alternatives import holds
from operations.plurals import plural


@page("campaigns.view_scorefile")
def suspicious(request: StaffRequest, pk: int) -> HttpResponse:
    shown = get_object_or_404(ScoreFile.objects.select_related("campaign").defer("rules"), pk=pk)
    groups = list(shown.suspicious_groups.all())
    personal = unmasking.shown(request)
    is_open = shown.campaign.status not in READ_ONLY
    asks = is_open and holds(request.user, rights.LIST_SUSPICIOUS_GROUP)
    return render(
        request,
        "console/score_files/suspicious.html",
        f"Suspicious groups in {shown.name}",
        file=shown,
        campaign=shown.campaign,
        summary=shown.suspicious,
        groups=_shown(shown, groups, personal=personal),
        late=listing.late_notice(shown.campaign) if asks else "",
        may_list=asks and late_changes.may(request.user, shown.campaign)[LateKind.LISTS],
        may_show_personal_data=unmasking.may_show(request),
        personal_data_shown=personal,
        **work_on(request, reports.subject_of(shown)),
    )


@action(*rights.FIND_SUSPICIOUS_GROUPS)
def find_groups(request: StaffRequest, pk: int) -> HttpResponse:
    """Find them, or find them again: fans may have registered since."""
    looked_at = get_object_or_404(ScoreFile, pk=pk)
    return attempt(
        request,
        lambda: tasks.start_suspicious(looked_at, by=request.user),
        "Suspicious groups are being searched for.",
        back=reverse("suspicious", args=[pk]),
    )


@action(*rights.LIST_SUSPICIOUS_GROUP)
def list_group(request: StaffRequest, pk: int) -> HttpResponse:
    """Put one group on its campaign's blacklist."""
    groups = SuspiciousGroup.objects.select_related("score_file")
    group = get_object_or_404(groups.defer("score_file__rules", "score_file__fairness"), pk=pk)
    return attempt(
        request,
        lambda: _added(
            listing.put_on_blacklist(group, by=request.user, reason=request.POST.get("reason", ""))
        ),
        back=f"{reverse('suspicious', args=[group.score_file_id])}#group-{group.number}",
    )


def _added(entries: int) -> str:
    return (
        f"{plural(entries, 'entry', 'entries')} added to the campaign's blacklist, for score files"
        " that are processed and waves that are prepared from now on."
    )


def _shown(
    score_file: ScoreFile, groups: Sequence[SuspiciousGroup], *, personal: bool
) -> list[dict[str, Any]]:
    if not groups:
        return []
    on_lists, examples = listing.on_lists(score_file), members.examples_of(score_file)
    return [
        {
            "group": group,
            "title": SuspiciousKind(group.kind).label,
            "meaning": MEANINGS[SuspiciousKind(group.kind)](group),
            "share": _share(group.fans, score_file.accepted),
            "expected": _fans(group.expected),
            "expected_share": _share(group.expected, score_file.accepted),
            "p": fairness_charts.shown_p(group.corrected_p),
            "begins": _begins(group.about),
            "examples": [_example(one, personal=personal) for one in examples.get(group.pk, [])],
            "is_phones": group.kind == SuspiciousKind.PHONE_RUN,
            **_listed(group, *on_lists.get(group.pk, (0, 0))),
        }
        for group in groups
    ]


def _listed(group: SuspiciousGroup, entries: int, listed: int) -> dict[str, Any]:
    left = entries - listed
    named = (
        f"@{group.about['domain']}"
        if "domain" in group.about
        else plural(left, "address", "addresses")
    )
    button = f"Put {named} on the blacklist"
    return {"entries": entries, "listed": listed, "left": left, "button": button}


def _example(example: Example, *, personal: bool) -> Example:
    if personal:
        return example
    return Example(
        example.line,
        example.email and mask_email(example.email),
        example.phone and mask_phone(example.phone),
    )


def _begins(about: Mapping[str, Any]) -> datetime | None:
    return datetime.fromtimestamp(about["begins"], UTC) if "begins" in about else None


def _running_digits(group: SuspiciousGroup) -> str:
    return (
        f"{group.fans:,} e-mail addresses have the same name with running numbers. If their owners"
        f" chose numbers as other fans do, {_about(group.expected)} of them would be expected."
    )


def _phone_run(group: SuspiciousGroup) -> str:
    return (
        f"{group.fans:,} fans have phone numbers from one run of {group.about['numbers']:,}."
        f" Judging by the numbers around it, {_fans(group.expected)} would be expected."
    )


def _rare_domain(group: SuspiciousGroup) -> str:
    half = group.about.get("half_within_seconds")
    within = f" Half of them registered within {_duration(half)}." if half else ""
    return (
        f"{group.fans:,} fans have an address at {group.about['domain']}, which is not a known mail"
        f" provider.{within} Other such domains have {_fans(group.expected)} each."
    )


def _spellings(group: SuspiciousGroup) -> str:
    return (
        f"{group.fans:,} fans have the same mailbox, in {group.about['spellings']:,} spellings"
        f" (dots, +tags or googlemail.com). Mailboxes in this file have {_fans(group.expected)}"
        " each."
    )


def _burst(group: SuspiciousGroup) -> str:
    return (
        f"{group.fans:,} fans registered within {_duration(group.about['seconds'])}. Judging by the"
        f" minutes before and after, {_fans(group.expected)} would be expected."
    )


MEANINGS: Final[Mapping[SuspiciousKind, Callable[[SuspiciousGroup], str]]] = {
    SuspiciousKind.RUNNING_DIGITS: _running_digits,
    SuspiciousKind.PHONE_RUN: _phone_run,
    SuspiciousKind.RARE_DOMAIN: _rare_domain,
    SuspiciousKind.SPELLINGS: _spellings,
    SuspiciousKind.BURST: _burst,
}


def _fans(number: float) -> str:
    """`about 12 fans`, `fewer than 1 fan`."""
    return f"{_about(number)} fan{'' if number < 1 else 's'}"


def _about(number: float) -> str:
    if number < 1:
        return "fewer than 1"
    return f"about {number:,.1f}" if number < 10 else f"about {number:,.0f}"


def _share(fans: float, accepted: int) -> str:
    """`12%`, `0.034%`."""
    percent = 100 * fans / max(accepted, 1)
    if percent < 0.001:
        return "< 0.001%"
    return f"{percent:.0f}%" if percent >= 10 else f"{percent:.2g}%"


def _duration(seconds: int) -> str:
    if seconds < 120:
        return plural(seconds, "second")
    return plural(round(seconds / 60), "minute")
