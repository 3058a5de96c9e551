"""`process_scores CAMPAIGN FILE`: take a score file from upload to STREAMED in the foreground. [S-1
… S-13]
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import CommandError, CommandParser

from campaigns import rights
from campaigns.choices import Reason, ScoreFileState, Tag
from campaigns.draw import BANDS
from campaigns.errors import CancelledByHand, WrongCampaign
from campaigns.management.local_files import opened
from campaigns.models import Campaign, ScoreFile
from campaigns.opening import campaign_of
from campaigns.scoring import dry_run, reception, score_files
from campaigns.supplements import merged_file, supplements
from operations.commands import JsonCommand


class Command(JsonCommand):
    help = (
        "Check, draw and publish a score file. It becomes the active score file unless"
        " --no-activate is given."
    )
    permissions = rights.PROCESS_SCORES
    needs_person = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("campaign", help="campaign id")
        parser.add_argument("file", type=Path, help="tab-separated text; can be compressed (.gz)")
        parser.add_argument(
            "--supplement-of",
            type=int,
            metavar="SCORE_FILE",
            help=(
                "the file contains corrected rejected rows of this score file; they are"
                " processed together with its accepted rows"
            ),
        )
        parser.add_argument(
            "--no-activate", action="store_true", help="do not change the active score file"
        )
        add_reason(parser)
        parser.add_argument(
            "--dry-run",
            type=_rows_or_all,
            nargs="?",
            const=dry_run.FIRST_ROWS,
            metavar="ROWS|all",
            help=(
                f"check the first {dry_run.FIRST_ROWS:,} rows, another number of rows, or all;"
                " nothing is saved"
            ),
        )

    def run(self, **options: Any) -> dict[str, Any]:
        campaign = campaign_of(options["campaign"])
        if options["dry_run"] is not None:
            return self._tried(
                campaign,
                options["file"],
                options["dry_run"],
                supplement=options["supplement_of"] is not None,
            )
        by, activate = options["by"], not options["no_activate"]
        received = self._received(
            campaign,
            options["file"],
            options["supplement_of"],
            by=by,
            activate=activate,
            reason=options["reason"],
        )
        return result_of(finished(received.score_file, self, by=by), repeated=received.repeated)

    def _tried(
        self, campaign: Campaign, path: Path, rows: int, *, supplement: bool
    ) -> dict[str, Any]:
        if supplement:
            raise CommandError("--dry-run cannot be combined with --supplement-of.")
        with opened(path) as file, self.counting(dry_run.WHAT) as report_progress:
            reception.look(campaign, path.name, file)
            found = dry_run.dry_run(
                campaign, file, rows=rows or None, report_progress=report_progress
            )
        return tried(found)

    def _received(
        self,
        campaign: Campaign,
        path: Path,
        supplement_of: int | None,
        *,
        by: User,
        activate: bool,
        reason: str,
    ) -> score_files.Received:
        if supplement_of is None:
            with opened(path) as file:
                return score_files.receive(
                    campaign, path.name, file, by=by, activate=activate, reason=reason
                )
        parent = score_files.score_file_of(supplement_of)
        if parent.campaign_id != campaign.pk:
            raise WrongCampaign(
                f"Score file {parent.pk} belongs to campaign {parent.campaign.campaign_id}. Use"
                " that campaign id."
            )
        if earlier := parent.supplements.exclude(state=ScoreFileState.FAILED).order_by("id").last():
            self.stderr.write(
                f"Score file {earlier.pk} is already a supplement of {parent.pk}. Its corrected"
                " rows are not in this one. To keep them, correct the rejected rows of"
                f" {earlier.pk} with --supplement-of {earlier.pk}."
            )
        with opened(path) as file, self.counting(merged_file.COPYING) as report_progress:
            report_step = merged_file.counted_by(report_progress)
            return supplements.make(
                parent, file, by=by, activate=activate, reason=reason, report_step=report_step
            ).received


def add_reason(parser: CommandParser) -> None:
    parser.add_argument(
        "--reason",
        default="",
        metavar="TEXT",
        help="reason for a late file, which is shown on the public page; needs --by",
    )


def finished(score_file: ScoreFile, command: JsonCommand, *, by: User) -> ScoreFile:
    """The score file once it is processed, as far as it can be. Raises CancelledByHand if a person
    stopped it.
    """
    if not score_file.is_drawn:
        job = score_files.open_job(score_file, by=by)
        with command.watching(job.pk):
            score_file = score_files.process(job.pk)
    if score_file.state == ScoreFileState.FAILED:
        raise CancelledByHand(score_file.error)
    if score_file.state == ScoreFileState.PROCESSING:
        raise CancelledByHand(
            f"Score file {score_file.pk} was paused by a user. Run the same command again"
            " to continue."
        )
    return score_file


def _rows_or_all(text: str) -> int:
    """How many rows to try; 0 for all."""
    if text == "all":
        return 0
    if not (text.isascii() and text.isdigit() and int(text)):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of rows, and not “all”")
    return int(text)


def tried(found: dry_run.DryRun) -> dict[str, Any]:
    """The result object of a dry run; `lines` are the numbers of the first rejected lines of each
    reason.
    """
    return {
        "dry_run": True,
        "all_rows": found.all_rows,
        "rows_in": found.rows,
        "accepted": found.accepted,
        "rejected": {
            reason.value: found.rejected[reason] for reason in Reason if reason in found.rejected
        },
        "tagged": {tag.value: found.tagged[tag] for tag in Tag if tag in found.tagged},
        "bands": in_order(found.bands),
        "ignored_columns": found.ignored_columns,
        "warnings": found.warnings,
        "lines": {reason.value: found.lines[reason] for reason in Reason if reason in found.lines},
        "rules_digest": found.rules_digest,
    }


def in_order(bands: Mapping[str, int]) -> dict[str, int]:
    """The bands as people name them, the highest first. [S-7]"""
    return {band.name: bands[band.name] for band in BANDS if band.name in bands}


def result_of(score_file: ScoreFile, *, repeated: bool) -> dict[str, Any]:
    """The result object of interfaces.md; `supplement_of` if it is one."""
    campaign = campaign_of(score_file.campaign.campaign_id)
    parent = {"supplement_of": score_file.supplement_of_id} if score_file.supplement_of_id else {}
    return {
        "score_file": score_file.pk,
        "state": score_file.state,
        "activated": campaign.active_score_file_id == score_file.pk,
        "repeated": repeated,
        "late": score_file.late,
        "rows_in": score_file.rows_in,
        "accepted": score_file.accepted,
        "rejected": {
            reason.value: score_file.rejected_by[reason]
            for reason in Reason
            if reason in score_file.rejected_by
        },
        "tagged": {
            tag.value: score_file.tagged_by[tag] for tag in Tag if tag in score_file.tagged_by
        },
        "bands": in_order(score_file.bands),
        "commitment": campaign.commitment,
        "salt_commitment": campaign.salt_commitment,
        "roster_digest": score_file.roster_digest,
        "sha256": score_file.sha256,
        "scrubbed": score_file.scrubbed_key,
        "rejected_file": score_file.rejected_key,
        "streamed": score_file.streamed,
        "ignored_columns": score_file.ignored_columns,
        "warnings": score_file.warnings,
        **parent,
    }
