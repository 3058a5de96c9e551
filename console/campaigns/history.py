"""One history of a campaign in plain words, from the rows that exist: opening and closing, the
public value, changed options, files received and made active, list entries. [S-8, S-13, S-16]
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User

from campaigns import list_changes
from campaigns.choices import CampaignStatus
from campaigns.entropy import entry, moves
from campaigns.models import Activation, Campaign, RuleChange, ScoreFile
from campaigns.named_file import luck_known
from campaigns.opening import subject_of
from campaigns.rule_changes import NOTHING
from campaigns.scoring.activation import FILE_NAMED
from console.archiving import archive
from operations.models import StatusChange

MOVES: dict[str, str] = {
    CampaignStatus.OPEN: "Opened: the draw was locked",
    CampaignStatus.CLOSED: "Closed: the draw was revealed",
    archive.ASKED: "Archiving started",
    CampaignStatus.ARCHIVED: "Archived",
    "deleted": "Draft deleted",
}
BIG = ("rules", "fairness", "dry_run")  # of a score file: megabytes each
LATE = "It came late, when luck could be known"


@dataclass(frozen=True)
class Event:
    """What happened; `detail` says from what to what. Nobody did what the system did."""

    at: datetime
    what: str
    detail: str = ""
    by: User | None = None
    reason: str = ""


def history_of(campaign: Campaign, *, most: int) -> tuple[list[Event], bool]:
    """The newest events first, at most so many; and whether there are older ones."""
    known = luck_known(campaign).since
    found = [
        *_moves(campaign, known, most + 1),
        *_changes(campaign, most + 1),
        *_activations(campaign, most + 1),
        *_files(campaign, known, most + 1),
        *_registrations(campaign, known, most + 1),
        *_late_changes(campaign, most + 1),
    ]
    newest = sorted(found, key=lambda event: event.at, reverse=True)
    return newest[:most], len(newest) > most


def _moves(campaign: Campaign, known: datetime | None, most: int) -> Iterator[Event]:
    rows = StatusChange.objects.about(subject_of(campaign)).select_related("by").order_by("-id")
    for row in rows[:most]:
        if row.to_state == entry.ENTERED:
            yield Event(row.at, "Public value entered", row.reason, row.by)
        elif row.to_state == FILE_NAMED:
            yield Event(row.at, "Chosen as the active file", row.reason, row.by)
        elif row.to_state == moves.MOVED:
            yield Event(row.at, "Public source moved", "", row.by, row.reason)
        elif of_list := list_changes.sentence_of(row):
            yield Event(row.at, of_list, _late(row.at, known), row.by)
        else:
            what = MOVES.get(row.to_state) or f"{row.from_state} → {row.to_state}".capitalize()
            yield Event(row.at, what, "", row.by, row.reason)


def _changes(campaign: Campaign, most: int) -> Iterator[Event]:
    rows = RuleChange.objects.filter(campaign=campaign).select_related("by").order_by("-id")
    for row in rows[:most]:
        of = f" of market {row.market_id}" if row.market_id else ""
        what = f"{row.option[:1].upper()}{row.option[1:]}{of} changed"
        yield Event(
            row.at, what, f"{row.before or NOTHING} → {row.after or NOTHING}", row.by, row.reason
        )


def _activations(campaign: Campaign, most: int) -> Iterator[Event]:
    rows = (
        Activation.objects.filter(campaign=campaign)
        .select_related("score_file", "replaced", "by", "undone_by")
        .defer(*(f"{of}__{big}" for of in ("score_file", "replaced") for big in BIG))
    )
    for row in rows[:most]:
        instead = f"in place of {_named(row.replaced)}" if row.replaced else ""
        yield Event(row.at, f"{_named(row.score_file)} made the active file", instead, row.by)
        if row.undone_at:
            now = f"{_named(row.replaced)} is active again" if row.replaced else "no file is active"
            what = f"Undone: {_named(row.score_file)} as the active file"
            yield Event(row.undone_at, what, now, row.undone_by)


def _files(campaign: Campaign, known: datetime | None, most: int) -> Iterator[Event]:
    rows = campaign.score_files.defer(*BIG).select_related("created_by")
    for row in rows[:most]:
        yield Event(
            row.created_at, f"{_named(row)} received", _late(row.created_at, known), row.created_by
        )


def _registrations(campaign: Campaign, known: datetime | None, most: int) -> Iterator[Event]:
    for row in campaign.imports.select_related("created_by")[:most]:
        what = f"Registration file {row.name} received"
        yield Event(row.created_at, what, _late(row.created_at, known), row.created_by)


def _late_changes(campaign: Campaign, most: int) -> Iterator[Event]:
    rows = campaign.late_changes.select_related("by").order_by("-number")
    for row in rows[:most]:
        moved = "not counted yet" if row.moved is None else f"{row.moved:,}"
        what = f"Late change {row.number}: {row.subject}"
        yield Event(row.at, what, f"Fans moved: {moved}", row.by, row.reason)


def _late(at: datetime, known: datetime | None) -> str:
    return LATE if known is not None and at > known else ""


def _named(file: ScoreFile | None) -> str:
    return f"{file.name} (attempt {file.attempt})" if file else "No file"
