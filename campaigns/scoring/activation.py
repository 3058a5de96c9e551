"""Which score file of a campaign counts: one pointer, switched at once, undone, refused while a
wave is being prepared. Prepared waves keep their file. [S-13]
"""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from campaigns.choices import ScoreFileState
from campaigns.errors import CannotActivate, UnknownScoreFile
from campaigns.locks import lock_campaign, no_wave_selects
from campaigns.models import Activation, Campaign, ScoreFile
from campaigns.opening import require_open

COUNTABLE = (ScoreFileState.STREAMED, ScoreFileState.SAVED)


@transaction.atomic
def activate(score_file_pk: int, *, by: User | None) -> Campaign:
    """Make this file the one that counts. Raises UnknownScoreFile, CannotActivate, WrongStatus.
    [S-13]
    """
    score_file = ScoreFile.objects.filter(pk=score_file_pk).first()
    if score_file is None:
        raise UnknownScoreFile(f"Score file {score_file_pk} does not exist.")
    if score_file.state not in COUNTABLE:
        raise CannotActivate(
            f"Score file {score_file_pk} is {score_file.state}. Only a streamed score file"
            " can be made active."
        )
    campaign = _switchable(score_file.campaign_id)
    if campaign.active_score_file_id != score_file_pk:
        _switch(campaign, score_file, by=by)
    return campaign


def try_activate(score_file_pk: int, *, by: User | None) -> bool:
    """As `activate`, but False where it is refused: the file stays inactive, and can be activated
    by hand later.
    """
    try:
        with transaction.atomic():
            activate(score_file_pk, by=by)
    except CannotActivate:
        return False
    return True


@transaction.atomic
def undo(campaign_pk: int, *, by: User | None) -> Campaign:
    """Go back to the file that the last switch replaced. Raises CannotActivate, WrongStatus.
    [S-13]
    """
    campaign = _switchable(campaign_pk)
    last = Activation.objects.filter(campaign=campaign, undone=False).first()
    if last is None:
        raise CannotActivate(
            f"Campaign {campaign.campaign_id} has no change of the active score file to undo."
        )
    last.undone, last.undone_at, last.undone_by = True, timezone.now(), by
    last.save(update_fields=["undone", "undone_at", "undone_by"])
    campaign.active_score_file = last.replaced
    campaign.save(update_fields=["active_score_file"])
    return campaign


def _switchable(campaign_pk: int) -> Campaign:
    """The campaign, locked, and no wave of it selects until the switch is made. [S-13]"""
    campaign = lock_campaign(campaign_pk)
    require_open(campaign)
    if not no_wave_selects(campaign_pk):
        raise CannotActivate(
            f"A wave of campaign {campaign.campaign_id} is being prepared. Change the active"
            " score file when it is prepared."
        )
    return campaign


def _switch(campaign: Campaign, score_file: ScoreFile, *, by: User | None) -> None:
    Activation.objects.create(
        campaign=campaign, score_file=score_file, replaced=campaign.active_score_file, by=by
    )
    campaign.active_score_file = score_file
    campaign.save(update_fields=["active_score_file"])
