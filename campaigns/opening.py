"""A campaign's life: open (the draw and its public source are locked), close (the draw is
revealed), archive (its rows go by age). [C-2, S-8, O-10]
"""

from __future__ import annotations

import secrets
from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from campaigns.choices import CampaignStatus
from campaigns.draw import SCHEME, SECRET_BYTES, Draw
from campaigns.errors import BadCampaignFile, NotConfirmed, UnknownCampaign, WrongStatus
from campaigns.later_steps import unfinished
from campaigns.locks import lock_campaign, no_wave_selects
from campaigns.models import SOURCE_FIELDS, Campaign, RankFile
from campaigns.public_source import WITHOUT_SOURCE, source_named, to_lock
from operations import jobs
from operations.database.clock import agreed_time, database_time
from operations.plurals import plural
from operations.subjects import Subject


def subject_of(campaign: Campaign) -> Subject:
    """What its jobs work on, and what its history is about."""
    return Subject("campaign", campaign.campaign_id)


def campaign_of(campaign_id: str) -> Campaign:
    """The campaign with this public id. Raises UnknownCampaign."""
    found = Campaign.objects.filter(campaign_id=campaign_id).first()
    if found is None:
        raise UnknownCampaign(
            f"Campaign {campaign_id!r} does not exist. Check the id, or load the campaign first."
        )
    return found


def require_open(campaign: Campaign) -> None:
    """Raises WrongStatus unless the campaign is open. [C-2]"""
    if campaign.status != CampaignStatus.OPEN:
        raise WrongStatus(
            f"Campaign {campaign.campaign_id} is {campaign.status}. This is possible only"
            " while it is open."
        )


def draw_of(campaign: Campaign) -> Draw:
    """What fixes every fan's luck in this campaign. Raises WrongStatus before it opens, or while a
    value is awaited. [S-8]
    """
    if not campaign.draw_ready:
        raise WrongStatus(
            f"Campaign {campaign.campaign_id} cannot draw yet. It is not open, or it needs"
            f" the value of “{campaign.entropy_source}”. Enter the value with enter_entropy."
        )
    return Draw(
        campaign.campaign_id,
        bytes(campaign.seed or b""),
        bytes(campaign.salt or b""),
        campaign.entropy_value or None,
    )


@transaction.atomic
def open_campaign(
    campaign_pk: int, *, by: User | None, seed: bytes | None = None, salt: bytes | None = None
) -> Campaign:
    """Fix the draw and publish its commitments. Seed and salt are drawn here unless both are given,
    for a rehearsal. [S-8]

    Raises WrongStatus unless the campaign is a draft with a market; BadCampaignFile if only one of
    the two is given; BadPublicSource unless the value of its public source is still to come;
    ClocksDiffer.
    """
    campaign = lock_campaign(campaign_pk)
    if (seed is None) != (salt is None):
        raise BadCampaignFile(
            "Enter both the seed and the salt of the draw, or neither. Without them, both"
            " are generated."
        )
    if campaign.status != CampaignStatus.DRAFT:
        raise WrongStatus(
            f"Campaign {campaign.campaign_id} is {campaign.status}. Only a draft can be opened."
        )
    if not campaign.markets.exists():
        raise WrongStatus(
            f"Campaign {campaign.campaign_id} has no markets. Add at least one before you open it."
        )
    campaign.draw_supplied = bool(seed and salt)
    seed = seed or secrets.token_bytes(SECRET_BYTES)
    salt = salt or secrets.token_bytes(SECRET_BYTES)
    campaign.seed, campaign.salt = seed, salt
    draw = Draw(campaign.campaign_id, seed, salt)
    campaign.commitment, campaign.salt_commitment = draw.commitment, draw.salt_commitment
    campaign.draw_scheme = SCHEME
    campaign.opened_at = _lock_source(campaign)
    campaign.status = CampaignStatus.OPEN
    campaign.save(
        update_fields=[
            *("draw_supplied", "draw_scheme", "seed", "salt", "commitment", "salt_commitment"),
            *(*SOURCE_FIELDS, "opened_at", "status"),
        ]
    )
    jobs.record_move(subject_of(campaign), CampaignStatus.DRAFT, CampaignStatus.OPEN, by=by)
    return campaign


def _lock_source(campaign: Campaign) -> datetime:
    """Lock the public source of an opening campaign; returns the time by which it was judged.
    Raises BadPublicSource, ClocksDiffer.
    """
    source = source_named(
        campaign.entropy_source,
        form=campaign.entropy_form,
        public_at=campaign.entropy_public_at,
    )
    if source is None:
        return database_time()
    is_rehearsal = campaign.draw_supplied
    now = database_time() if is_rehearsal else agreed_time()
    campaign.public_source = to_lock(source, now=now, is_rehearsal=is_rehearsal)
    return now


def require_source(draft: Campaign, *, confirmed: bool, how: str) -> None:
    """A person opens a campaign without a public source only knowingly. Raises NotConfirmed, which
    says `how` to confirm it.
    """
    is_draft = draft.status == CampaignStatus.DRAFT
    if is_draft and not draft.entropy_source and not confirmed:
        raise NotConfirmed(
            f"Campaign {draft.campaign_id} has no public source. {WITHOUT_SOURCE} Name a source,"
            f" such as a drand round to come, or confirm this with {how}."
        )


def source_warnings(campaign: Campaign) -> list[str]:
    """What a person should know of the source of a campaign that was just opened."""
    if not campaign.entropy_source and not campaign.draw_supplied:
        return [f"entropy_source: the campaign has no public source. {WITHOUT_SOURCE}"]
    if campaign.entropy_source and campaign.entropy_public_at is None:
        problem = f"the time of “{campaign.entropy_source}” is past or unknown"
        return [f"entropy_source: {problem}. This is accepted in a rehearsal only."]
    return []


@transaction.atomic
def delete_draft(campaign_pk: int, *, by: User | None) -> str:
    """Delete a draft with its markets, lists and templates; its history keeps who did it. Returns
    the campaign's id. Raises WrongStatus unless it is a draft that nothing was received for. [C-2]
    """
    campaign = lock_campaign(campaign_pk)
    if campaign.status != CampaignStatus.DRAFT:
        raise WrongStatus(
            f"Campaign {campaign.campaign_id} is {campaign.status}. Only a draft can be deleted."
        )
    if received := received_for(campaign):
        raise WrongStatus(
            f"Campaign {campaign.campaign_id} cannot be deleted because it has"
            f" {', '.join(received)}."
        )
    jobs.record_move(subject_of(campaign), CampaignStatus.DRAFT, "deleted", by=by)
    campaign.delete()
    return campaign.campaign_id


def received_for(campaign: Campaign) -> list[str]:
    """What was received for a campaign and would be lost with it, in words with numbers."""
    counts = {
        "registrant": campaign.registrants.count(),
        "registration file": campaign.imports.count(),
        "score file": campaign.score_files.count(),
        "rank file": RankFile.objects.filter(fanlist__campaign=campaign).count(),
    }
    return [plural(count, noun) for noun, count in counts.items() if count]


@transaction.atomic
def close_campaign(campaign_pk: int, *, by: User | None) -> Campaign:
    """Reveal the draw; from now on there is only reading. Raises WrongStatus unless the campaign is
    open, no wave is being prepared, and every wave and message is done. [C-2]
    """
    campaign = lock_campaign(campaign_pk)
    require_open(campaign)
    if not no_wave_selects(campaign.pk):
        raise WrongStatus(
            f"A wave of campaign {campaign.campaign_id} is being prepared. Wait until it is"
            " prepared, then complete or cancel it."
        )
    if left := unfinished(campaign.pk):
        raise WrongStatus(left)
    campaign.status, campaign.closed_at = CampaignStatus.CLOSED, database_time()
    campaign.save(update_fields=["status", "closed_at"])
    jobs.record_move(subject_of(campaign), CampaignStatus.OPEN, CampaignStatus.CLOSED, by=by)
    return campaign


def require_closed(campaign: Campaign) -> None:
    """Raises WrongStatus unless the campaign is closed, so that it can be archived. [C-2]"""
    if campaign.status != CampaignStatus.CLOSED:
        raise WrongStatus(
            f"Campaign {campaign.campaign_id} is {campaign.status}. Only a closed campaign can be"
            " archived."
        )


def archive_campaign(campaign_pk: int, *, by: User | None, reason: str) -> Campaign:
    """The campaign is archived: from now on its rows are kept by their age. Call it in the
    transaction that holds what was checked before (console/archiving). Raises WrongStatus unless
    it is closed. [C-2, O-10]
    """
    campaign = lock_campaign(campaign_pk)
    require_closed(campaign)
    campaign.status, campaign.archived_at = CampaignStatus.ARCHIVED, database_time()
    campaign.save(update_fields=["status", "archived_at"])
    move = (CampaignStatus.CLOSED, CampaignStatus.ARCHIVED)
    jobs.record_move(subject_of(campaign), *move, by=by, reason=reason)
    return campaign
