"""`process_scores CAMPAIGN FILE`: take a score file from upload to STREAMED in the foreground. [S-1 … S-13]"""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from campaigns import scorefiles
from campaigns.choices import Reason, ScoreFileState, Tag
from campaigns.errors import CancelledByHand
from campaigns.files import opened
from campaigns.models import ScoreFile
from campaigns.opening import campaign_of
from operations.commands import JsonCommand


class Command(JsonCommand):
    help = "Judge, draw and publish a score file; it becomes the active one unless told otherwise."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("campaign")
        parser.add_argument("file", type=Path)
        parser.add_argument("--no-activate", action="store_true", help="leave the active score file as it is")

    def run(self, **options: Any) -> dict[str, Any]:
        campaign = campaign_of(options["campaign"])
        with opened(options["file"]) as file:
            received = scorefiles.receive(campaign, options["file"].name, file, by=None, activate=not options["no_activate"])
        score_file = received.score_file
        if score_file.state not in {ScoreFileState.STREAMED, ScoreFileState.SAVED}:
            score_file = scorefiles.process(scorefiles.open_job(score_file, by=None).pk)
        if score_file.state == ScoreFileState.FAILED:
            raise CancelledByHand(score_file.error)
        if score_file.state == ScoreFileState.PROCESSING:
            raise CancelledByHand(f"Score file {score_file.pk} was paused by hand: the same command goes on with it.")
        return result_of(score_file, repeated=received.repeated)


def result_of(score_file: ScoreFile, *, repeated: bool) -> dict[str, Any]:
    """The result object of interfaces.md."""
    campaign = campaign_of(score_file.campaign.campaign_id)
    return {
        "score_file": score_file.pk,
        "state": score_file.state,
        "activated": campaign.active_score_file_id == score_file.pk,
        "repeated": repeated,
        "rows_in": score_file.rows_in,
        "accepted": score_file.accepted,
        "rejected": {reason.value: score_file.rejected_by[reason] for reason in Reason if reason in score_file.rejected_by},
        "tagged": {tag.value: score_file.tagged_by[tag] for tag in Tag if tag in score_file.tagged_by},
        "bands": score_file.bands,
        "commitment": campaign.commitment,
        "roster_digest": score_file.roster_digest,
        "sha256": score_file.sha256,
        "scrubbed": score_file.scrubbed_key,
        "rejected_file": score_file.rejected_key,
        "streamed": score_file.streamed,
        "ignored_columns": score_file.ignored_columns,
    }
