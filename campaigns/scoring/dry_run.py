"""A dry run of a score file: the results its rows would have, by the same code that processes them;
nothing is kept. [S-3]

Nothing is written but the outcome itself (`ScoreFile.dry_run`): no row, no rejection, no state. It
says nothing about the draw either, neither luck nor references, so repeated dry runs reveal
nothing more.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, BinaryIO

import polars as pl
from django.contrib.auth.models import User
from django.utils import timezone

from campaigns.choices import ScoreFileState
from campaigns.errors import CannotDryRun
from campaigns.formats.score_bytes import chunks_of, first_look, sha256_of, survey
from campaigns.formats.score_rows import Lines
from campaigns.models import Campaign, ScoreFile
from campaigns.opening import require_open
from campaigns.scoring import judging, rules
from campaigns.scoring.outcomes import ContactRanks, add_tallies
from campaigns.scoring.score_files import score_file_of, subject_of
from datalake.storage import buckets
from operations import jobs, leases
from operations.models import Job

JOB_KIND = "try_scores"
FIRST_ROWS = 1_000  # judged in 0.1 s, so no worker is needed
FEW_ROWS = 1_000_000  # up to here a file is not read beforehand to see whether it has so many
ALL = sys.maxsize
EXAMPLES = 20
SHOWN_BYTES = 16 * 1024 * 1024  # how far into a file a page looks for rejected rows: 0.2 s
NOT_JUDGED = (ScoreFileState.UPLOADED, ScoreFileState.FAILED)
WHAT = "Checking rows"


@dataclass(frozen=True)
class DryRun:
    """What a dry run found: counts by name, and of each reason the numbers of the first lines."""

    all_rows: bool
    ignored_columns: list[str]
    rules_digest: str
    rows: int = 0
    accepted: int = 0
    rejected: dict[str, int] = field(default_factory=dict)
    tagged: dict[str, int] = field(default_factory=dict)
    bands: dict[str, int] = field(default_factory=lambda: {"high": 0, "mid": 0, "low": 0})
    lines: dict[str, list[int]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def plus(self, judged: judging.Judged) -> DryRun:
        """This and one more chunk."""
        return replace(
            self,
            rows=self.rows + judged.accepted.height + judged.rejected.height,
            accepted=self.accepted + judged.accepted.height,
            rejected=add_tallies([self.rejected, judged.counts["rejected"]]),
            tagged=add_tallies([self.tagged, judged.counts["tagged"]]),
            bands=add_tallies([self.bands, judged.counts["bands"]]),
            lines=_first_lines(self.lines, judged.rejected),
        )


def _first_lines(known: dict[str, list[int]], rejected: pl.DataFrame) -> dict[str, list[int]]:
    lines = {reason: list(numbers) for reason, numbers in known.items()}
    for reason, found in (
        rejected.group_by("reason")
        .agg(pl.col("line").sort().head(EXAMPLES))
        .sort("reason")
        .iter_rows()
    ):
        lines[reason] = (lines.get(reason, []) + found)[:EXAMPLES]
    return lines


# rows checked, rows in all; the first call is with 0 rows
ReportProgress = Callable[[int, int], object]


def _no_progress(done: int, total: int) -> None:
    """For work whose progress is not shown."""


def dry_run(
    campaign: Campaign,
    file: BinaryIO,
    *,
    rows: int | None = None,
    sha256: Sequence[str] = (),
    kept: dict[str, Any] | None = None,
    report_progress: ReportProgress = _no_progress,
) -> DryRun:
    """Judge the first rows of a score file (seekable, open for reading), or all, and keep nothing.
    [S-3]

    `sha256` is what the file may be, as received or as kept since; `kept` the snapshot of rules
    that it will be judged by, if it has one: else they are as they are now. Raises WrongStatus,
    UnreadableFile, UnreadableList, ListEntryInvalid, NoBlacklist, as processing would.
    """
    require_open(campaign)
    header = first_look(file)
    files = rules.files_for(campaign)
    snapshot = kept or rules.snapshot(rules.gather(campaign, files))
    in_force = rules.restore(snapshot)
    outcome = DryRun(
        rows is None,
        list(header.ignored),
        rules.digest(snapshot),
        warnings=rules.warnings_of(files),
    )
    total = (
        rows if rows is not None and rows <= FEW_ROWS else min(_count(file, sha256), rows or ALL)
    )
    report_progress(0, total)
    ranks = ContactRanks(in_force.max_fans_per_contact) if in_force.max_fans_per_contact else None
    for reading in judging.ask(
        judging.read(_first(chunks_of(file), total), campaign, total), campaign
    ):
        outcome = outcome.plus(judging.judge_chunk(0, reading, in_force, ranks))
        report_progress(outcome.rows, total)
    return outcome


def _count(file: BinaryIO, sha256: Sequence[str]) -> int:
    file.seek(0)
    return survey(file, *(sha256 or [sha256_of(file)[0]])).lines


def _first(chunks: Iterable[Lines], count: int) -> Iterator[Lines]:
    """The first lines, in their chunks; the rest of the file is not read."""
    for lines in chunks:
        end = lines.first_line + count
        yield replace(
            lines,
            rows=lines.rows.filter(pl.col("line") < end),
            malformed=[n for n in lines.malformed if n < end],
        )
        count -= lines.count
        if count <= 0:
            return


def can_be_checked(score_file: ScoreFile) -> bool:
    """Only a file whose rows were not judged yet; afterwards its results are known."""
    return score_file.state in NOT_JUDGED and not score_file.roster_digest


def check_first_rows(number: int) -> ScoreFile:
    """Check the first rows of a received file at once. Raises CannotDryRun, and what `dry_run`
    raises.
    """
    return _check(number, FIRST_ROWS, _no_progress)[0]


def open_job(score_file: ScoreFile, *, by: User | None) -> Job:
    """The job that checks all rows of the file. Raises CannotDryRun."""
    _require_not_judged(score_file)
    return jobs.open_job(JOB_KIND, subject_of(score_file), by=by)


def check_all_rows(job_id: int) -> None:
    """Check all rows of the job's score file. A job that was stopped or killed begins again, as
    nothing is kept half done.
    """
    number = int(Job.objects.get(pk=job_id).subject_id)
    with leases.working(job_id) as lease:

        def report_progress(done: int, total: int) -> None:
            lease.check_stop()
            if done:
                lease.report_progress(done, total)
            else:
                lease.step(WHAT, rows=total, total=total, progress=0)

        lease.step("Reading the file", progress=0)
        outcome = _check(number, None, report_progress)[1]
        counts = {
            "rows_in": outcome.rows,
            "rows_out": outcome.accepted,
            "rows_rejected": outcome.rows - outcome.accepted,
        }
        lease.update(progress=outcome.rows, **counts)


def _check(
    number: int, rows: int | None, report_progress: ReportProgress
) -> tuple[ScoreFile, DryRun]:
    """Check a file and keep the outcome with it, unless it was judged meanwhile."""
    score_file, started = score_file_of(number), time.monotonic()
    _require_not_judged(score_file)
    with buckets.scoring().open(score_file.key) as file:
        known: dict[str, Any] = {
            "sha256": (score_file.sha256, score_file.kept_sha256),
            "kept": score_file.rules or None,
        }
        outcome = dry_run(
            score_file.campaign, file, rows=rows, report_progress=report_progress, **known
        )
    when = {"at": timezone.now().isoformat(), "seconds": round(time.monotonic() - started, 3)}
    score_file.dry_run = asdict(outcome) | when
    ScoreFile.objects.filter(pk=number, state__in=NOT_JUDGED, roster_digest="").update(
        dry_run=score_file.dry_run
    )
    return score_file, outcome


def _require_not_judged(score_file: ScoreFile) -> None:
    if not can_be_checked(score_file):
        raise CannotDryRun(
            f"Score file {score_file.pk} is {score_file.state}. A dry run is possible only"
            " before the file is processed. Its page shows the results."
        )


def rows_as_written(score_file: ScoreFile, numbers: Iterable[int]) -> dict[int, str]:
    """Lines of a received file by number, as written in it: personal data. Lines too far in are
    left out.
    """
    wanted, found, looked = sorted(numbers), dict[int, str](), 0
    with buckets.scoring().open(score_file.key) as file:
        for lines in chunks_of(file):
            end = lines.first_line + lines.count
            here = pl.Series(
                [number for number in wanted if lines.first_line <= number < end], dtype=pl.Int64
            )
            found |= dict(zip(here, lines.raws(here), strict=True))
            looked += len(lines.block)
            if not wanted or end > wanted[-1] or looked > SHOWN_BYTES:
                break
    return found
