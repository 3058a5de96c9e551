"""A campaign's page: its progress, its draw, its markets and files; open, close, enter the
public value. [C-2, S-8]
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone

from campaigns import late_changes, opening, rights, tasks
from campaigns.choices import CampaignStatus
from campaigns.entropy import fetching, moves
from campaigns.errors import BadPublicSource, WrongStatus
from campaigns.models import Activation, Campaign, SourceMove
from campaigns.named_file import named_of
from campaigns.public_source import WITHOUT_SOURCE, PublicSource, source_named
from campaigns.registrations import records
from campaigns.scoring import activation, bucket_lists
from console.access import (
    StaffRequest,
    action,
    attempt,
    complaint_of,
    page,
    reason_of,
    render,
)
from console.campaigns.history import history_of
from console.campaigns.progress import progress_of
from console.forms import EntropyForm, MoveSourceForm
from console.pages.jobs import work_on
from console.proof.proof import published_bundle
from console.tasks import start_archiving, start_proof
from operations.plurals import plural
from waves.errors import ReasonMissing
from waves.models import Wave

FILES_SHOWN = 10
EVENTS_SHOWN, ALL_EVENTS = 20, 2_000


def _named(campaign_id: str) -> Campaign:
    return get_object_or_404(
        Campaign.objects.select_related("active_score_file"), campaign_id=campaign_id
    )


def _page_of(campaign: Campaign) -> str:
    return reverse("campaign", args=[campaign.campaign_id])


def _last_switch(campaign: Campaign) -> Activation | None:
    """The switch of the active score file that can be undone now. [S-13]"""
    if campaign.status != CampaignStatus.OPEN:
        return None
    switches = Activation.objects.filter(campaign=campaign, undone=False).select_related("replaced")
    return switches.defer("replaced__rules", "replaced__fairness").first()


@page("campaigns.view_campaign")
def campaign(request: StaffRequest, campaign_id: str) -> HttpResponse:
    shown = _named(campaign_id)
    files = shown.score_files.defer("rules", "fairness").select_related("created_by")
    shows_all = "history" in request.GET
    most = ALL_EVENTS if shows_all else EVENTS_SHOWN
    history, has_older = history_of(shown, most=most)
    return render(
        request,
        "console/campaigns/campaign.html",
        shown.name,
        campaign=shown,
        progress=progress_of([shown])[0],
        markets=shown.markets.all(),
        score_files=files[:FILES_SHOWN],
        imports=shown.imports.select_related("created_by")[:FILES_SHOWN],
        waves=Wave.objects.filter(campaign=shown).defer("content", "options"),
        **_source_of(shown),
        proof=published_bundle(shown),
        member_days=settings.RETENTION_MEMBER_DAYS,
        score_days=settings.RETENTION_SCORE_DAYS,
        **work_on(request, opening.subject_of(shown)),
        history=history,
        has_older=has_older,
        shows_all=shows_all,
        last_switch=(last_switch := _last_switch(shown)),
        may=late_changes.may(request.user, shown),
        late_undo=activation.notice(shown, None) if last_switch else "",
        named_file=named_of(shown) if shown.status != CampaignStatus.DRAFT else None,
        late_changes=shown.late_changes.all(),
        late_records=records.waiting(shown).count(),
        late_lists=bucket_lists.waiting(shown),
        goes_with_it=_goes_with(shown) if shown.status == CampaignStatus.DRAFT else [],
    )


def _source_of(campaign: Campaign) -> dict[str, Any]:
    """The campaign's public source, and what can be done with it now. [S-8]"""
    source, move = campaign.public_source, SourceMove.objects.filter(campaign=campaign).first()
    is_awaited = bool(
        campaign.status == CampaignStatus.OPEN and source.name and not campaign.entropy_value
    )
    is_to_come = source.public_at is not None and source.public_at > timezone.now()
    return {
        "source": _named_in(campaign),
        "source_move": move,
        "source_is_public": is_awaited and not is_to_come,
        "source_can_move": is_awaited and is_to_come and not move,
        "without_source": WITHOUT_SOURCE,
        "entropy_form": EntropyForm(),
        "move_form": MoveSourceForm(campaign=campaign),
    }


def _named_in(campaign: Campaign) -> PublicSource:
    """A draft's source as it would be locked, so far as it can be read."""
    given = campaign.public_source
    if campaign.status != CampaignStatus.DRAFT:
        return given
    with suppress(BadPublicSource):
        return source_named(given.name, form=given.form, public_at=given.public_at) or given
    return given


def _goes_with(draft: Campaign) -> list[str]:
    """What is deleted with a draft, in words with numbers."""
    counts = {
        ("market", ""): draft.markets.count(),
        ("list entry", "list entries"): draft.list_entries.count(),
        ("fan list", ""): draft.fanlists.count(),
        ("template", ""): draft.templates.count(),
    }
    return [plural(count, *noun) for noun, count in counts.items() if count]


@action(*rights.TAKE_LATE_LISTS)
def take_late_lists(request: StaffRequest, campaign_id: str) -> HttpResponse:
    """Take in the list files that came late into the bucket. [S-8]"""
    named = _named(campaign_id)

    def take() -> str:
        moved = bucket_lists.take_in(named.pk, by=request.user, reason=reason_of(request))
        return f"The new version counts for this campaign. {plural(moved, 'fan')} moved."

    return attempt(request, take, back=_page_of(named))


@action(*rights.OPEN_AND_CLOSE)
def open_it(request: StaffRequest, campaign_id: str) -> HttpResponse:
    named = _named(campaign_id)

    def open_draft() -> None:
        confirmed = "without_source" in request.POST
        opening.require_source(named, confirmed=confirmed, how="the check box")
        opening.open_campaign(named.pk, by=request.user)

    done = "The campaign is open. Its draw is locked and the commitments are public."
    return attempt(request, open_draft, done, back=_page_of(named))


@action(*rights.DELETE_DRAFT)
def delete_it(request: StaffRequest, campaign_id: str) -> HttpResponse:
    """A draft only. [C-2]"""
    named = _named(campaign_id)
    return attempt(
        request,
        lambda: opening.delete_draft(named.pk, by=request.user),
        f"The draft {named.name} is deleted.",
        back=reverse("admin:campaigns_campaign_changelist"),
        refused=_page_of(named),
    )


@action(*rights.OPEN_AND_CLOSE)
def close_it(request: StaffRequest, campaign_id: str) -> HttpResponse:
    """Close, then have the proof written."""
    named = _named(campaign_id)

    def close() -> None:
        opening.close_campaign(named.pk, by=request.user)
        start_proof(named, by=request.user)

    done = "The campaign is closed and the draw is revealed. The proof is being created."
    return attempt(request, close, done, back=_page_of(named))


@action(*rights.ARCHIVE)
def archive_it(request: StaffRequest, campaign_id: str) -> HttpResponse:
    """Have a worker check and archive it."""
    named = _named(campaign_id)

    def archive() -> None:
        if not (reason := reason_of(request)):
            raise ReasonMissing("Enter why the campaign is archived. It is logged.")
        start_archiving(named, by=request.user, reason=reason)

    done = "The proof and the data lake are being checked. Then the campaign is archived."
    return attempt(request, archive, done, back=_page_of(named))


@action(*rights.PROVE)
def prove(request: StaffRequest, campaign_id: str) -> HttpResponse:
    """Write the proof again, or at last: of a campaign that was closed by a command."""
    named = _named(campaign_id)

    def write() -> None:
        if named.status != CampaignStatus.CLOSED:
            raise WrongStatus(
                f"Campaign {campaign_id} is {named.status}. The proof can be created after the"
                " campaign is closed."
            )
        start_proof(named, by=request.user)

    return attempt(request, write, "The proof is being created.", back=_page_of(named))


@action(*rights.ENTER_ENTROPY)
def enter_entropy(request: StaffRequest, campaign_id: str) -> HttpResponse:
    """Enter the public value, then wake the score files that waited for it."""
    named = _named(campaign_id)
    form = EntropyForm(request.POST)
    value = form.cleaned_data["value"] if form.is_valid() else ""

    def enter() -> None:
        fetching.enter_by_hand(named.pk, value, by=request.user)
        tasks.start_waiting(named, by=request.user)

    return attempt(
        request,
        enter,
        "The value is saved. Score files that waited for it are now processed.",
        back=_page_of(named),
    )


@action(*rights.ENTER_ENTROPY)
def fetch_entropy(request: StaffRequest, campaign_id: str) -> HttpResponse:
    """Have a worker fetch the value of a drand round. [S-8]"""
    named = _named(campaign_id)
    return attempt(
        request,
        lambda: tasks.start_fetch(named, by=request.user),
        "The value is being fetched from drand.",
        back=_page_of(named),
    )


@action(*rights.MOVE_SOURCE)
def move_source(request: StaffRequest, campaign_id: str) -> HttpResponse:
    """Name another public source, once, before the value is public. [S-8]"""
    named = _named(campaign_id)
    form = MoveSourceForm(request.POST, campaign=named)

    def move() -> None:
        if not form.is_valid():
            raise BadPublicSource(complaint_of(form))
        given = form.cleaned_data
        source = source_named(given["source"], form=given["form"], public_at=given["public_at"])
        if source is None:
            raise BadPublicSource("Enter the new public source.")
        moves.move_source(named.pk, source, by=request.user, reason=given["reason"])

    return attempt(
        request,
        move,
        "The public source is moved. The public page shows both sources and the reason.",
        back=_page_of(named),
    )


@action(*rights.ACTIVATE_SCORES)
def undo_activation(request: StaffRequest, campaign_id: str) -> HttpResponse:
    named = _named(campaign_id)

    def undo() -> str:
        undone = activation.undo(named.pk, by=request.user, reason=reason_of(request))
        counts = undone.active_score_file
        return (
            "The last change of the active score file is undone:"
            f" {f'{counts.name} is active again' if counts else 'no score file is active'}."
        )

    return attempt(request, undo, back=_page_of(named))
