"""Registrations that other services put on the stream. [C-4, C-5]

What comes late is kept in the dead letters until a person with the right takes it in with a reason;
replaying it as it is makes a dead letter again. [S-8]
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from campaigns.choices import CampaignStatus, LateKind
from campaigns.errors import CannotTakeIn
from campaigns.formats.dates import instants_of
from campaigns.formats.registration_columns import of_lake
from campaigns.late_changes import is_late, permit, record
from campaigns.locks import lock_campaign
from campaigns.models import Campaign
from campaigns.opening import require_open
from campaigns.registrations import staging as stage
from campaigns.registrations.imports import rules_of
from campaigns.registrations.judging import judge
from datalake.choices import StreamName
from datalake.erased.fans import erased_since
from datalake.models import DeadLetter
from operations.plurals import plural

CONSUMER = "registrations"
Refused = Mapping[int, str]


def take_from_stream(taken: list[dict[str, Any]]) -> Refused:
    """Registrations that other services put on the stream; they are not published again. [C-4, C-5]

    Returns which records (by their number) are refused, and why. What we published ourselves comes
    by here too, and is known.
    """
    numbers: dict[str, list[int]] = {}
    for number, given in enumerate(taken):
        numbers.setdefault(given["campaignId"], []).append(number)
    known = Campaign.objects.filter(campaign_id__in=numbers).order_by("pk")
    refused: dict[int, str] = {}
    for campaign_pk in known.values_list("pk", flat=True):
        campaign = lock_campaign(campaign_pk)
        if campaign.status == CampaignStatus.OPEN:
            of_it = numbers.pop(campaign.campaign_id)
            refused |= _merge(campaign, {number: taken[number] for number in of_it})[0]
    for campaign_id, of_it in numbers.items():
        refused |= dict.fromkeys(of_it, f"campaign {campaign_id} does not exist or is not open")
    return refused


def waiting(campaign: Campaign) -> QuerySet[DeadLetter]:
    """The dead letters that hold the campaign's late registrations, the oldest first. [S-8]"""
    letters = DeadLetter.objects.filter(consumer=CONSUMER, source=StreamName.INPUT)
    return letters.waiting().filter(error__startswith=_late(campaign)).order_by("id")


@transaction.atomic
def take_late(campaign_pk: int, *, by: User | None, reason: str) -> int:
    """Take in the late registrations of the stream that wait; returns how many were accepted.
    Raises WrongStatus, LateRefused, CannotTakeIn where none waits. [S-8]
    """
    campaign = lock_campaign(campaign_pk)
    require_open(campaign)
    letters = list(waiting(campaign).select_for_update())
    if not letters:
        raise CannotTakeIn(
            f"No late registrations from the stream wait for campaign {campaign.campaign_id}."
        )
    person = permit(campaign, LateKind.REGISTRATIONS, "These registrations", by=by, reason=reason)
    records = {number: json.loads(letter.record) for number, letter in enumerate(letters)}
    refused, erased = _merge(campaign, records, by_a_person=True)
    accepted = len(records) - len(refused) - erased
    DeadLetter.objects.filter(pk__in=[letter.pk for letter in letters]).update(
        replayed_at=timezone.now()
    )
    if person is not None:
        subject = plural(accepted, "registration from the stream", "registrations from the stream")
        moved = stage.moved(campaign)
        record(campaign, LateKind.REGISTRATIONS, subject, by=person, reason=reason, moved=moved)
    return accepted


def _merge(
    campaign: Campaign, taken: dict[int, dict[str, Any]], *, by_a_person: bool = False
) -> tuple[Refused, int]:
    """Judge and merge records, by their numbers. What would change something late is refused,
    unless a person takes it in: then `stage.moved` says whom that moved. Returns also how many
    were passed over as those of erased fans.
    """
    chunk = of_lake(list(taken), list(taken.values()))
    # what is older than the fan's erasure is done with: as a dead letter it would be kept
    dates = instants_of(chunk.rows["date_created"])
    are_erased = erased_since(chunk.rows["global_user_id"], dates)
    chunk = replace(chunk, rows=chunk.rows.filter(~are_erased))
    judged = judge(chunk, rules_of(campaign))
    stage.create_stage()
    stage.add(judged.acceptable)
    stage.wait_for_others(campaign)
    stage.set_aside(campaign)
    late = []
    if by_a_person:
        stage.remember(campaign)
    elif is_late(campaign):
        late = stage.take_out_news(campaign)
    stage.drop_older(campaign)
    stage.merge(campaign)
    rejected = judged.rejected
    refused = dict(zip(rejected["line"].to_list(), rejected["reason"].to_list(), strict=True))
    refused |= dict.fromkeys(
        late, f"{_late(campaign)} the luck could be known. Take it in on the campaign's page."
    )
    return refused, int(are_erased.sum())


def _late(campaign: Campaign) -> str:
    """How the error begins by which they are found again."""
    return f"Late registration of campaign {campaign.campaign_id}:"
