"""Which score file of a campaign counts: one pointer, switched at once, undone, refused while a
wave is being prepared. Prepared waves keep their file. [S-13]
"""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from campaigns import late_changes, named_file
from campaigns.choices import LateKind, ScoreFileState
from campaigns.errors import CannotActivate, CannotName, UnknownScoreFile
from campaigns.late_changes import is_late, permit, record, require_in_time_right
from campaigns.locks import lock_campaign, no_wave_selects
from campaigns.models import Activation, Campaign, ScoreFile
from campaigns.opening import require_open, subject_of
from campaigns.scoring.comparison import moved_between
from operations import jobs

FILE_NAMED = "file named"  # in the campaign's history
SWITCH = "This switch of the active score file"
COUNTABLE = (ScoreFileState.STREAMED, ScoreFileState.SAVED)


@dataclass(frozen=True)
class Compared:
    """What a late switch moves, counted before the campaign is locked: that reads two files whole,
    and no wave that is due waits for it. The rows of a drawn file do not change.
    """

    before: ScoreFile | None
    after: ScoreFile | None
    moved: int


def activate(score_file_pk: int, *, by: User | None, reason: str = "") -> Campaign:
    """Make this file the one that counts. After luck could be known that needs a right of its own
    and a `reason`, unless the file was named before and none was active yet. Raises
    UnknownScoreFile, CannotActivate, WrongStatus, LateRefused. [S-8, S-13]
    """
    score_file = _score_file_of(score_file_pk)
    if score_file.state not in COUNTABLE:
        raise CannotActivate(
            f"Score file {score_file_pk} is {score_file.state}. Only a streamed score file"
            " can be made active."
        )
    compared = _compare_if_late(score_file.campaign_id, score_file, by=by, reason=reason)
    with transaction.atomic():
        campaign = _switchable(score_file.campaign_id)
        if campaign.active_score_file_id == score_file_pk:
            return campaign
        if _is_first_and_named(campaign, score_file):
            require_in_time_right(LateKind.ACTIVATION, SWITCH, by=by)
        else:
            subject = f"attempt {score_file.attempt} made active"
            _record_if_late(campaign, score_file, subject, compared, by=by, reason=reason)
        _switch(campaign, score_file, by=by)
    return campaign


def try_activate_named(score_file: ScoreFile, *, by: User | None) -> bool:
    """Make a file active that was named before luck could be known; False where it was not, where
    another one was active already, or where a wave is being prepared: then it is activated by hand.
    [S-8, S-13]
    """
    campaign = lock_campaign(score_file.campaign_id)
    if not _is_first_and_named(campaign, score_file) or not no_wave_selects(campaign.pk):
        return False
    _switch(campaign, score_file, by=by)
    return True


@transaction.atomic
def name(score_file_pk: int, *, by: User | None) -> Campaign:
    """Choose the file that will be active, before luck can be known. Raises UnknownScoreFile,
    WrongStatus, CannotName. [S-8]
    """
    score_file = _score_file_of(score_file_pk)
    campaign = lock_campaign(score_file.campaign_id)
    require_open(campaign)
    if is_late(campaign):
        raise CannotName(
            f"The luck of campaign {campaign.campaign_id} could be known already, so the score file"
            " that will be active can no longer be named. Make the file active by hand, with a"
            " reason."
        )
    if score_file.state == ScoreFileState.FAILED:
        raise CannotName(f"Score file {score_file_pk} failed. Choose one that is processed.")
    campaign.named_score_file = score_file
    campaign.save(update_fields=["named_score_file"])
    attempt = f"attempt {score_file.attempt}"
    jobs.record_move(subject_of(campaign), FILE_NAMED, attempt, by=by)
    return campaign


def undo(campaign_pk: int, *, by: User | None, reason: str = "") -> Campaign:
    """Go back to the file that the last switch replaced; late as `activate` is. Raises
    CannotActivate, WrongStatus, LateRefused. [S-8, S-13]
    """
    last = _last_switch(campaign_pk)
    compared = None
    if last is not None:
        compared = _compare_if_late(campaign_pk, last.replaced, by=by, reason=reason)
    with transaction.atomic():
        campaign = _switchable(campaign_pk)
        last = _last_switch(campaign_pk)
        if last is None:
            raise CannotActivate(
                f"Campaign {campaign.campaign_id} has no change of the active score file to undo."
            )
        now = f"attempt {last.replaced.attempt}" if last.replaced else "no file"
        subject = f"switch undone, {now} active again"
        _record_if_late(campaign, last.replaced, subject, compared, by=by, reason=reason)
        last.undone, last.undone_at, last.undone_by = True, timezone.now(), by
        last.save(update_fields=["undone", "undone_at", "undone_by"])
        campaign.active_score_file = last.replaced
        campaign.save(update_fields=["active_score_file"])
    return campaign


def notice(campaign: Campaign, after: ScoreFile | None) -> str:
    """What a switch to this file would need now, for its form; empty where it is not late. [S-8]"""
    if after is not None and _is_first_and_named(campaign, after):
        return ""
    return late_changes.notice(campaign, LateKind.ACTIVATION, SWITCH)


def _score_file_of(number: int) -> ScoreFile:
    score_file = ScoreFile.objects.filter(pk=number).first()
    if score_file is None:
        raise UnknownScoreFile(f"Score file {number} does not exist.")
    return score_file


def _is_first_and_named(campaign: Campaign, score_file: ScoreFile) -> bool:
    """Whether this file was named before luck could be known, its rules were fixed before too, and
    no person has decided since.
    """
    return (
        campaign.named_score_file_id == score_file.pk
        and named_file.rules_in_time(campaign, score_file)
        and not Activation.objects.filter(campaign=campaign).exists()
    )


def _last_switch(campaign_pk: int) -> Activation | None:
    return Activation.objects.filter(campaign=campaign_pk, undone=False).first()


def _compare_if_late(
    campaign_pk: int, after: ScoreFile | None, *, by: User | None, reason: str
) -> Compared | None:
    campaign = Campaign.objects.get(pk=campaign_pk)
    before = campaign.active_score_file
    if before == after or (after is not None and _is_first_and_named(campaign, after)):
        return None
    if permit(campaign, LateKind.ACTIVATION, SWITCH, by=by, reason=reason) is None:
        return None
    return Compared(before, after, moved_between(before, after))


def _record_if_late(
    campaign: Campaign,
    after: ScoreFile | None,
    subject: str,
    compared: Compared | None,
    *,
    by: User | None,
    reason: str,
) -> None:
    person = permit(campaign, LateKind.ACTIVATION, SWITCH, by=by, reason=reason)
    if person is None:
        return
    now = (campaign.active_score_file, after)
    if compared is None or (compared.before, compared.after) != now:
        raise CannotActivate(
            f"The active score file of campaign {campaign.campaign_id} was changed meanwhile. Check"
            " which one is active, then try again."
        )
    moved = compared.moved
    record(campaign, LateKind.ACTIVATION, subject, by=person, reason=reason, moved=moved)


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
