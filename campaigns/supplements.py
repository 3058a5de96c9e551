"""Corrected rejected rows come back as a supplement of their score file: a new score file of the rows that were accepted and
the corrected ones. [S-14]

    corrected CSV → composed file (accepted lines as they are, then the corrected rows) → receive → process, as any score file

The supplement is judged by the rules as they are when it is processed [S-2]. Rows that did not come back stay recorded with
the score file they were rejected in. A worker that is killed while it composes leaves nothing.
"""

import io
import shutil
import tempfile
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import BinaryIO, cast

import numpy as np
from django.contrib.auth.models import User

from campaigns import corrections, scorefiles
from campaigns.choices import ScoreFileState
from campaigns.corrections import Corrected, LineNumbers
from campaigns.duplicates import UNREADABLE, open_lines, sha256_of, unpacked
from campaigns.errors import BadCorrection, CannotSupplement, UnreadableFile
from campaigns.models import RejectedRow, ScoreFile
from campaigns.opening import require_open
from campaigns.reception import Received, receive
from datalake import storage
from operations import jobs
from operations.jobs import Lease
from operations.models import Job

JOB = "compose_supplement"
FOLDER = "supplements/"
PIECE_BYTES = 4 * 1024 * 1024
ROWS_AT_A_TIME = 2_000
LONGEST_TEXT = 8 * 1024 * 1024  # characters of one line of the corrected file
LONGEST_STEM = 28  # characters of a parent's timestamp that its supplements' keep

READING, COPYING = "Checking the corrected rows", "Copying the accepted rows"
Told = Callable[[str, int, int], object]  # the step, how many rows are done, of how many (0: not known)


def _nobody(step: str, done: int, total: int) -> None:
    """Nobody watches."""


@dataclass(frozen=True)
class Supplement:
    """What a corrected file became, and how many rows it had."""

    received: Received
    came_back: int


@dataclass(frozen=True)
class Outcome:
    """What became of a supplement's rows: of those that came back, and of those that its parent had accepted."""

    came_back: int
    repaired: int
    no_longer_accepted: int


def key_of(parent: ScoreFile, sha256: str) -> str:
    """Where the corrected file is kept as it came: not where dropped score files are looked for."""
    return f"{FOLDER}{parent.campaign.campaign_id}.{parent.timestamp}.{sha256[:16]}.csv"


def require_judged(parent: ScoreFile) -> None:
    """Raises CannotSupplement unless each row of the file has its outcome."""
    if not parent.roster_digest:
        raise CannotSupplement(
            f"Score file {parent.pk} is {parent.state}: process it first. Only a score file whose rows are all judged "
            "can have a supplement."
        )


def keep(parent: ScoreFile, file: BinaryIO, *, by: User | None, activate: bool) -> Job:
    """Take a corrected file (seekable) into the bucket, and open the job that makes the supplement. [S-14]

    Only its first rows are looked at here. Raises WrongStatus, CannotSupplement, BadCorrection, UnreadableFile; then nothing
    is written.
    """
    require_open(parent.campaign)
    require_judged(parent)
    first_rows = _rows(file, _columns(parent))
    next(first_rows, None)
    first_rows.close()
    file.seek(0)
    sha256, _ = sha256_of(file)
    if not storage.scoring().exists(key_of(parent, sha256)):
        file.seek(0)
        storage.scoring().put(key_of(parent, sha256), file)
    subject = f"supplement:{parent.pk}:{sha256[:16]}:{'activate' if activate else 'keep'}"
    last = Job.objects.filter(kind=JOB, subject=subject).order_by("-id").first()
    if last is not None and jobs.requeue(last.pk):
        return last
    return jobs.open_job(JOB, subject, by=by)


def process(job_id: int) -> ScoreFile | None:
    """Make the job's supplement and open the job that processes it; None if somebody paused or cancelled it.

    Raises what `make` raises, and NoSuchObject; the job then says why.
    """
    job, made = Job.objects.get(pk=job_id), None
    _, number, sha256, then = job.subject.split(":")
    with jobs.working(job_id) as lease:
        told = _telling(lease)
        parent = scorefiles.score_file_of(int(number))
        with storage.scoring().open(key_of(parent, sha256)) as file:
            supplement = make(parent, file, by=job.created_by, activate=then == "activate", told=told)
        made = supplement.received.score_file
        if made.state in (ScoreFileState.UPLOADED, ScoreFileState.FAILED):
            scorefiles.open_job(made, by=job.created_by)  # before this one ends: no kill can come between
        rows = supplement.came_back
        jobs.finish(lease, rows_in=rows, rows_out=rows)
    return made


def _telling(lease: Lease) -> Told:
    """Let those who watch the job know how far it is, and obey those who stop it."""
    steps = list[str]()

    def told(step: str, done: int, total: int) -> None:
        if step not in steps:
            steps.append(step)
            lease.step(step, rows=total, progress=0, total=total)
        lease.tell(done, total)
        lease.check_stop()

    return told


def make(parent: ScoreFile, file: BinaryIO, *, by: User | None, activate: bool = True, told: Told = _nobody) -> Supplement:
    """Compose the supplement from a corrected file (seekable) and receive it as a score file; it is not processed yet. [S-14]

    The same corrected file again is the same score file. Where the parent's own bytes would come of it, there is nothing to
    supplement. Raises WrongStatus, CannotSupplement, BadCorrection, and what
    `receive` raises; then nothing is written.
    """
    require_open(parent.campaign)
    require_judged(parent)
    with tempfile.TemporaryFile() as composed:
        came_back = compose(parent, file, cast("BinaryIO", composed), told)
        composed.seek(0)
        received = receive(
            parent.campaign,
            _name(parent),
            cast("BinaryIO", composed),
            by=by,
            activate=activate,
            supplement_of=parent,
            fanlist=parent.fanlist,
        )
    if received.score_file.pk == parent.pk:
        raise BadCorrection(
            f"With these rows the supplement would be score file {parent.pk} itself, byte for byte: correct some of them first."
        )
    file.seek(0)
    key = key_of(parent, sha256_of(file)[0])
    if not storage.scoring().exists(key):
        file.seek(0)
        storage.scoring().put(key, file)
    return Supplement(received, came_back)


def _name(parent: ScoreFile) -> str:
    """Named after its parent, and the number among its parent's supplements."""
    stem = f"{parent.timestamp[:LONGEST_STEM]}-s{parent.supplements.count() + 1}"
    return f"{stem}.csv" if parent.fanlist_id else f"{parent.campaign.campaign_id}.{stem}.txt"


def compose(parent: ScoreFile, file: BinaryIO, out: BinaryIO, told: Told = _nobody) -> int:
    """Write the parent's header and accepted lines, byte for byte, then the corrected rows. Returns how many these are.

    The corrected file is read first, so what is wrong with it is found before much is copied. Memory: 8 bytes a rejected row.
    """
    columns, copied = _columns(parent), -1  # the header is no row
    with tempfile.TemporaryFile() as corrected:
        came_back = 0
        for lines in _corrected(parent, file, columns):
            corrected.writelines(lines)
            came_back += len(lines)
            told(READING, came_back, 0)
        if not came_back:
            raise BadCorrection("The corrected file holds no row: leave in it the rejected rows that should be judged again.")
        for piece in _accepted(parent):
            out.write(piece)
            copied += piece.count(b"\n")
            told(COPYING, copied, parent.accepted)
        corrected.seek(0)
        shutil.copyfileobj(cast("BinaryIO", corrected), out, PIECE_BYTES)
    return came_back


def _columns(parent: ScoreFile) -> tuple[str, ...]:
    with storage.scoring().open(parent.key) as source:
        return open_lines(source)[0].columns


def _corrected(parent: ScoreFile, file: BinaryIO, columns: tuple[str, ...]) -> Iterator[list[bytes]]:
    """The corrected rows as lines, some at a time, each checked against the rejected row it comes from."""
    rows, seen, count = _rows(file, columns), list[LineNumbers](), 0
    while some := list(islice(rows, ROWS_AT_A_TIME)):
        numbers = [row.line for row in some]
        found = RejectedRow.objects.filter(score_file=parent, line__in=numbers).values_list("line", "reason", "raw")
        yield list(corrections.as_lines(some, {line: (reason, raw) for line, reason, raw in found}))
        seen.append(np.array(numbers, dtype=np.int64))
        count += len(numbers)
        if count > parent.rejected:
            break  # so some came twice: it need not be read to an end that may be far
    if seen:
        corrections.refuse_repeated(np.concatenate(seen))


def _rows(file: BinaryIO, columns: tuple[str, ...]) -> Generator[Corrected]:
    file.seek(0)
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    try:
        yield from corrections.read(_text_lines(text), columns)
    finally:
        text.detach()


def _text_lines(text: io.TextIOWrapper) -> Iterator[str]:
    number = 1
    try:
        while line := text.readline(LONGEST_TEXT):
            if len(line) == LONGEST_TEXT:
                raise BadCorrection(f"Line {number} of the corrected file has no end: it is no CSV of rejected rows.")
            yield line
            number += 1
    except UnicodeDecodeError:
        raise BadCorrection(
            f"The corrected file is not UTF-8 (after its line {number - 1}): save it as “CSV UTF-8” from the spreadsheet."
        ) from None


def _accepted(parent: ScoreFile) -> Iterator[bytes]:
    """The header and the accepted lines of the parent, in pieces. Raises UnreadableFile, CannotSupplement."""
    rejected = RejectedRow.objects.filter(score_file=parent).order_by("line").values_list("line", flat=True)
    left_out = np.fromiter(rejected.iterator(chunk_size=50_000), dtype=np.int64)
    if len(left_out) != parent.rejected:
        raise CannotSupplement(
            f"Of the {parent.rejected} rejected rows of score file {parent.pk} {len(left_out)} are left: "
            "without them nobody can tell which lines were accepted. Upload a whole score file instead."
        )
    with storage.scoring().open(parent.key) as source:
        if sha256_of(source)[0] != parent.sha256:
            raise UnreadableFile(f"The bytes of score file {parent.pk} changed in the bucket: upload the file again.")
        try:
            yield from corrections.without(_pieces(unpacked(source)), left_out)
        except UNREADABLE as error:
            raise UnreadableFile(f"Score file {parent.pk} cannot be read from the bucket ({error}).") from error


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    while piece := file.read(PIECE_BYTES):
        yield piece


def outcome_of(supplement: ScoreFile) -> Outcome | None:
    """What became of a supplement's rows, told from its lines: first its parent's accepted ones, then those that came back.

    None while they are not all judged, and for a score file that is no supplement.
    """
    parent = supplement.supplement_of
    if parent is None or not supplement.roster_digest:
        return None
    last = parent.accepted + 1  # the header is line 1
    again = RejectedRow.objects.filter(score_file=supplement, line__gt=last).count()
    came_back = supplement.rows_in - parent.accepted
    return Outcome(came_back, came_back - again, supplement.rejected - again)
