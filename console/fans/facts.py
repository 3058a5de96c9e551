"""The rows that are known of one fan in one campaign: by indexed columns only, each section cut at
MOST_ROWS. [X-1, O-7]
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db.models import Case, F, Func, OrderBy, Q, QuerySet, TextField, When
from django.db.models.expressions import Combinable

from campaigns.choices import ScoreFileState
from campaigns.models import (
    Campaign,
    FanScore,
    Registrant,
    RegistrationImport,
    RejectedRegistration,
    RejectedRow,
    ScoreFile,
)
from campaigns.models.registering import FIELDS, LOWERED_FAN
from campaigns.receipts import Receipt, receipts_of
from console.fans.terms import Term, lowered
from console.fans.waiting import PREPARED, KeptList, OnList, lists_of, places
from console.models import Erasure
from datalake.erased.fans import digest_of
from waves.choices import WaveKind, WaveState
from waves.models import Assignment, Member, Resend, Send, Wave

MOST_ROWS = 20
LARGE = ("score_file__rules", "score_file__dry_run", "score_file__fairness")
UNREAD = (ScoreFileState.UPLOADED, ScoreFileState.PROCESSING, ScoreFileState.VALIDATED)
TO_BE_PREPARED = (WaveState.CONFIGURED, WaveState.CODE_GENERATED, WaveState.FAILED)


@dataclass(frozen=True)
class CampaignFacts:
    """What is the same for all fans of a campaign: what was read, what is still being read, the
    names of the waves that select fans by how far they are, and the waiting lists; of an archived
    one also what of it was deleted by age. [O-10]
    """

    campaign: Campaign
    active: str  # the active score file; empty if there is none
    unread_files: tuple[str, ...]
    unread_imports: tuple[str, ...]
    prepared: tuple[str, ...]
    to_be_prepared: tuple[str, ...]
    lists: tuple[KeptList, ...]
    scores_deleted_at: datetime | None = None
    deleted_waves: tuple[str, ...] = ()  # without members and messages


@dataclass(frozen=True)
class FanFacts:
    """What is known of one fan in one campaign. `erased_at`: of the last finished erasure of this
    id, if there is one.
    """

    facts: CampaignFacts
    fan: str
    registrant: Registrant | None
    rejected_registrations: Sequence[RejectedRegistration]
    scores: Sequence[FanScore]
    rejected_rows: Sequence[RejectedRow]
    members: Sequence[Member]
    on_lists: Sequence[OnList]
    holds_code: bool
    sends: Sequence[Send]
    resends: Sequence[Resend]
    erased_at: datetime | None

    @property
    def campaign(self) -> Campaign:
        return self.facts.campaign


def receipt_of(fan: FanFacts) -> Receipt | None:
    """What the fan checks their entry with; None before the campaign opens. [S-8, X-2]"""
    receipts = receipts_of(fan.campaign)
    return receipts.of(fan.fan) if receipts else None


def has_score(campaign: Campaign, fan: str) -> bool:
    """Whether a score file of the campaign has an accepted row of the fan."""
    return FanScore.objects.filter(score_file__in=_files(campaign), global_user_id=fan).exists()


def rejected_registrations(term: Term, campaigns: Iterable[int]) -> QuerySet[RejectedRegistration]:
    """Rows of registration files with this fan id, contact or member id, whatever its case; by
    their indexes.
    """
    return _registrations(campaigns).filter(_holds(term))


def rejected_rows(term: Term, campaign: Campaign) -> QuerySet[RejectedRow]:
    """The same of the campaign's score files."""
    return _rows(campaign).filter(_holds(term))


def _holds(term: Term) -> Q:
    return (
        Q(fan=lowered(term.exact))
        | Q(email__in=term.written_emails)
        | Q(phone__in=term.written_phones)
        | Q(member_id=term.exact.lower())
        # of a line that could not be read, any field
        | Q(email=None, fields__overlap=list(term.fields))
    )


def _registrations(campaigns: Iterable[int]) -> QuerySet[RejectedRegistration]:
    return (
        _searched(RejectedRegistration.objects.filter(registration_import__campaign__in=campaigns))
        .select_related("registration_import")
        .order_by(*_newest("registration_import_id"))
    )


def _rows(campaign: Campaign) -> QuerySet[RejectedRow]:
    return (
        _searched(RejectedRow.objects.filter(score_file__in=_files(campaign)))
        .select_related("score_file")
        .defer(*LARGE)
        .order_by(*_newest("score_file_id"))
    )


def _newest(file: str) -> tuple[OrderBy, Combinable]:
    """By file, the newest first, and line; by no index, on purpose. With one, PostgreSQL might walk
    through all lines in its order instead of reading the few that hold what was asked for.
    """
    return (F(file) + 0).desc(), F("line") + 0


def _searched(rows: QuerySet[Any]) -> QuerySet[Any]:
    """With `fan` and `fields` as their indexes have them."""
    return rows.defer("raw").alias(
        fan=LOWERED_FAN,
        fields=Func(F("raw"), function=FIELDS, output_field=ArrayField(TextField())),
    )


def of_campaign(campaign: Campaign) -> CampaignFacts:
    """What holds for every fan of the campaign."""
    columns = ("name", "state", "campaign_id", "rows_deleted_at")
    files = list(campaign.score_files.only(*columns).order_by("-id"))
    selecting = campaign.waves.exclude(kind=WaveKind.NOT_SELECTED).order_by("id")
    waves = list(selecting.filter(rows_deleted_at=None).values_list("name", "state"))
    deleted = selecting.filter(rows_deleted_at__isnull=False).values_list("name", flat=True)
    scores_deleted_at = max(
        (one.rows_deleted_at for one in files if one.rows_deleted_at), default=None
    )
    imports = RegistrationImport.objects.filter(campaign=campaign, finished=False)
    return CampaignFacts(
        campaign,
        active=next((one.name for one in files if one.pk == campaign.active_score_file_id), ""),
        unread_files=tuple(one.name for one in files if one.state in UNREAD),
        unread_imports=tuple(imports.values_list("name", flat=True)[:MOST_ROWS]),
        prepared=tuple(name for name, state in waves if state in PREPARED),
        to_be_prepared=tuple(name for name, state in waves if state in TO_BE_PREPARED),
        # a place is found by the band score
        lists=() if scores_deleted_at else lists_of(campaign)[:MOST_ROWS],
        scores_deleted_at=scores_deleted_at,
        deleted_waves=tuple(deleted) if campaign.archived_at else (),
    )


def of_fan(facts: CampaignFacts, fan: str) -> FanFacts:
    """All that is known of the fan of this id, about ten small queries."""
    campaign, files = facts.campaign, _files(facts.campaign)
    waves = list(Wave.objects.filter(campaign=campaign).values_list("pk", flat=True))
    members = list(
        Member.objects.filter(wave__in=waves, global_user_id=fan)
        .select_related("wave", "market")
        .order_by("-wave_id")[:MOST_ROWS]
    )
    erasure = Erasure.objects.filter(fan_digest=digest_of(fan), finished_at__isnull=False).order_by(
        "-finished_at"
    )
    by_id = {"fan": lowered(fan), "global_user_id": fan}
    return FanFacts(
        facts,
        fan,
        registrant=Registrant.objects.filter(campaign=campaign, global_user_id=fan).first(),
        rejected_registrations=list(_registrations([campaign.pk]).filter(**by_id)[:MOST_ROWS]),
        scores=list(
            FanScore.objects.filter(score_file__in=files, global_user_id=fan)
            .select_related("score_file")
            .defer(*LARGE)
            .order_by(*_active_first(campaign), "-score_file_id")[:MOST_ROWS]
        ),
        rejected_rows=list(
            _rows(campaign)
            .filter(**by_id)
            .order_by(*_active_first(campaign), *_newest("score_file_id"))[:MOST_ROWS]
        ),
        members=members,
        on_lists=places(facts.lists, fan),
        holds_code=Assignment.objects.filter(campaign=campaign, global_user_id=fan).exists(),
        sends=list(
            Send.objects.filter(member__in=[member.pk for member in members]).order_by("-id")[
                :MOST_ROWS
            ]
        ),
        resends=list(
            Resend.objects.filter(member__in=[member.pk for member in members])
            .select_related("by")
            .order_by("-id")[:MOST_ROWS]
        ),
        erased_at=erasure.values_list("finished_at", flat=True).first(),
    )


def _active_first(campaign: Campaign) -> tuple[Case, ...]:
    """However many newer files there are, what the active one says of a fan is not cut off."""
    if campaign.active_score_file_id is None:
        return ()
    return (Case(When(score_file_id=campaign.active_score_file_id, then=0), default=1),)


def _files(campaign: Campaign) -> list[int]:
    return list(ScoreFile.objects.filter(campaign=campaign).values_list("pk", flat=True))
