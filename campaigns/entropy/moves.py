"""The public source of an open campaign is moved: once, before its value is public, with a reason.
What it was stays public. [S-8]
"""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import transaction

from campaigns.entropy.entry import AWAITED, require_awaited
from campaigns.errors import DrawIsLocked
from campaigns.locks import lock_campaign
from campaigns.models import SOURCE_FIELDS, Campaign, SourceMove
from campaigns.opening import subject_of
from campaigns.public_source import PublicSource, in_words, to_lock
from operations import jobs
from operations.database.clock import agreed_time

MOVED = "source moved"


@transaction.atomic
def move_source(campaign_pk: int, source: PublicSource, *, by: User, reason: str) -> Campaign:
    """Name another source for an open campaign. Raises WrongStatus; DrawIsLocked where the source
    was moved before, or its value is public; BadPublicSource where the new one cannot be named;
    ClocksDiffer. [S-8]
    """
    campaign = lock_campaign(campaign_pk)
    require_awaited(campaign)
    now, before = agreed_time(), campaign.public_source
    if not reason.strip():
        raise DrawIsLocked(
            f"Campaign {campaign.campaign_id} is open. Enter a reason for moving its public source;"
            " it is shown on the public page."
        )
    if SourceMove.objects.filter(campaign=campaign).exists():
        raise DrawIsLocked(
            f"The public source of campaign {campaign.campaign_id} was already moved once."
        )
    if before.public_at is None:
        raise DrawIsLocked(
            f"Campaign {campaign.campaign_id} is a rehearsal, and its public source has no time."
            " Such a source cannot be moved."
        )
    if before.public_at <= now:
        raise DrawIsLocked(
            f"The value of “{before.name}” became public at {in_words(before.public_at)}, so the"
            " source can no longer be moved."
        )
    moved = to_lock(source, now=now, is_rehearsal=False)
    if moved == before:
        raise DrawIsLocked(f"The public source is “{before.name}” already.")
    SourceMove.objects.create(
        campaign=campaign,
        source=before.name,
        chain=before.chain,
        round=before.round,
        form=before.form,
        public_at=before.public_at,
        reason=reason.strip(),
        by=by,
        at=now,
    )
    campaign.public_source = moved
    campaign.save(update_fields=SOURCE_FIELDS)
    said = f"{before.name} → {moved.name}: {reason.strip()}"
    jobs.record_move(subject_of(campaign), AWAITED, MOVED, by=by, reason=said)
    return campaign
