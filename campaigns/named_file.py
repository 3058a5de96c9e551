"""The score file that will be active is named before luck can be known; it alone becomes active
by itself. [S-8, S-13]

While nobody chose one, it is the newest that asks to be active and did not fail. With the entry of
the public value, or without a source with the first draw, it is settled; and from the moment when
luck can be known, nothing that becomes of the files names another one.
"""

from __future__ import annotations

from campaigns.choices import ScoreFileState
from campaigns.lateness import LuckKnown
from campaigns.models import Campaign, ScoreFile
from operations.database.clock import database_time

BIG = ("rules", "fairness", "dry_run")  # megabytes each


def luck_known(campaign: Campaign) -> LuckKnown:
    """What decides whether something is late. [S-8]"""
    return LuckKnown(
        has_source=bool(campaign.entropy_source),
        public_at=campaign.entropy_public_at,
        is_entered=bool(campaign.entropy_value),
        entered_at=campaign.entropy_entered_at,
        first_drawn_at=campaign.first_drawn_at,
    )


def named_of(campaign: Campaign) -> ScoreFile | None:
    """The file that is named, by somebody or as the newest that asks to be active."""
    known = luck_known(campaign)
    files = ScoreFile.objects.filter(campaign=campaign).defer(*BIG)
    if (named := campaign.named_score_file_id) is not None:
        return files.get(pk=named)
    if known.is_settled:
        return None
    willing = files.filter(late=False, activate_when_streamed=True)
    return willing.exclude(state=ScoreFileState.FAILED).order_by("-attempt").first()


def rules_in_time(campaign: Campaign, score_file: ScoreFile) -> bool:
    """Whether the file's rules were fixed before luck could be known, or are the last ones that
    were fixed before it, of another file: no list and no option changed in between. [S-8]
    """
    since = luck_known(campaign).since
    mine = ScoreFile.objects.only("rules_fixed_at", "rules_digest").get(pk=score_file.pk)
    if mine.rules_fixed_at is None:
        return False
    if since is None or mine.rules_fixed_at < since:
        return True
    before = ScoreFile.objects.filter(campaign=campaign, rules_fixed_at__lt=since)
    last = before.order_by("-rules_fixed_at").values_list("rules_digest", flat=True).first()
    return last == mine.rules_digest


def settle(campaign: Campaign) -> None:
    """Name it for good. Call it under the campaign's lock, before the public value is written."""
    if luck_known(campaign).is_settled:
        return
    campaign.named_score_file = named_of(campaign)
    campaign.save(update_fields=["named_score_file"])


def keep(campaign: Campaign) -> None:
    """Once luck can be known, a file that fails, is cancelled or begins anew must not name another
    one. Call it under the campaign's lock, before a file's state changes.
    """
    if luck_known(campaign).is_late(database_time()):
        settle(campaign)


def begin_drawing(campaign: Campaign) -> None:
    """The first rows are about to be drawn, of a campaign that is locked by the caller. [S-8]"""
    if campaign.first_drawn_at is not None:
        return
    settle(campaign)
    campaign.first_drawn_at = database_time()
    campaign.save(update_fields=["first_drawn_at"])
