"""Files of codes that somebody else made: taken in batch by batch, each row with one outcome; the
constraint on upper(code) judges which codes are new. [K-1, K-4, X-10]
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import BinaryIO, Final

import polars as pl
from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction

from campaigns.formats import limits
from campaigns.formats.score_bytes import sha256_of
from campaigns.formats.score_rows import Lines
from campaigns.locks import lock_campaign
from campaigns.models import Campaign
from campaigns.opening import require_open
from campaigns.scoring.outcomes import add_tallies, tally
from datalake.storage import buckets
from datalake.storage.unpacking import is_packed, unpacked
from operations import jobs, leases
from operations.database.copying import copy_in, copy_plain
from operations.database.retries import retried
from operations.database.statements import rows, run
from operations.entry import values
from operations.leases import Lease
from operations.models import Job
from operations.subjects import Subject
from waves.choices import CodeReason
from waves.codes import import_rows, rejected_codes
from waves.errors import BadCodeFile, UnknownMarket
from waves.models import CODE_SERVICE, CodeImport, RejectedCode

JOB_KIND: Final = "import_codes"
LONGEST_ORIGIN: Final = 80
COUNTED_BYTES: Final = 1 << 20

_STAGE = """
CREATE TEMPORARY TABLE code_stage (line bigint, code text, only_market bigint) ON COMMIT DROP
"""
# In the order of the constraint's index: two files with the same codes wait for each other, but
# never both at once; and of two lines with one code the first wins.
_TAKE = """
WITH taken AS (
    INSERT INTO waves_code (campaign_id, code, source, state, global_user_id, created_at, origin,
        code_import_id, line, only_market_id)
    SELECT %(campaign)s, code, 'partner', 'available', '', now(), %(origin)s, %(import)s, line,
        only_market
    FROM code_stage ORDER BY upper(code), line
    ON CONFLICT DO NOTHING RETURNING line
)
DELETE FROM code_stage USING taken WHERE code_stage.line = taken.line
"""
_LEFT = """
SELECT stage.line, coalesce(known.code_import_id = %(import)s, false)
FROM code_stage AS stage LEFT JOIN waves_code AS known ON upper(known.code) = upper(stage.code)
ORDER BY stage.line
"""


def subject_of(found: CodeImport) -> Subject:
    return Subject("code_import", str(found.pk))


def receive(
    campaign: Campaign, name: str, file: BinaryIO, *, origin: str, market_id: str, by: User
) -> CodeImport:
    """Take a file (seekable) into the scoring bucket, for a job to read it. The same bytes from the
    same source for the same market are the same import.

    Raises WrongStatus unless the campaign is open, UnknownMarket, BadCodeFile for a source that
    cannot be named so, UnreadableFile for a header that is none and a file that is empty, too large
    (packed or unpacked) or packed badly; then nothing is written.
    """
    require_open(campaign)
    origin, market = checked_origin(origin), None
    if market_id:
        market = campaign.markets.filter(market_id=market_id).first()
        if market is None:
            raise UnknownMarket(
                f"Campaign {campaign.campaign_id} has no market {values.shown(market_id)}."
            )
    limits.require_bounded(file, most_bytes=settings.UPLOAD_MAX_BYTES)
    text = unpacked(file)
    columns = import_rows.read_columns(text)
    if not text.read(1):
        raise BadCodeFile("The file has a header and no codes.")
    ending = ".csv.gz" if is_packed(file) else ".csv"
    sha256, _ = sha256_of(file)
    found, is_new = CodeImport.objects.get_or_create(
        campaign=campaign,
        sha256=sha256,
        origin=origin,
        market=market,
        defaults={
            "name": name,
            "key": f"codes/{campaign.campaign_id}/{sha256}{ending}",
            "columns": list(columns.names),
            "ignored_columns": list(columns.ignored),
            "created_by": by,
        },
    )
    if is_new or not found.finished:
        file.seek(0)
        buckets.scoring().put(found.key, file)
    return found


def checked_origin(text: str) -> str:
    """Who codes come from, as it is kept. Raises BadValue, BadCodeFile."""
    origin = values.text("source", text, longest=LONGEST_ORIGIN).strip()
    if not origin or not origin.isprintable():
        raise BadCodeFile("Name the source of the codes, such as the partner who made them.")
    if origin.lower() == CODE_SERVICE:
        raise BadCodeFile(
            f"{origin!r} is what codes of the code service are marked with. Choose another name."
        )
    return origin


def open_job(found: CodeImport, *, by: User | None) -> Job:
    """The job of an import: the live one, the failed or cancelled one set to run again, or a new
    one.
    """
    return jobs.open_or_requeue(JOB_KIND, subject_of(found), by=by)


def has_work_left(found: CodeImport) -> bool:
    return not (found.finished and found.rejected_key)


def process(job_id: int) -> CodeImport:
    """Take in the job's file behind the last line with an outcome, then write the file of its
    rejected rows. A repeat of a finished import changes nothing.

    Raises WrongStatus when the campaign is closed meanwhile; the job then says so.
    """
    job = Job.objects.get(pk=job_id)
    with leases.working(job_id) as lease:
        found = CodeImport.objects.select_related("campaign").get(pk=int(job.subject_id))
        if not found.finished:
            _take_in(found, lease)
        if not found.rejected_key:
            rejected_codes.write(found)
        lease.update(rows_in=found.rows_in, rows_out=found.accepted, rows_rejected=found.rejected)
    return found


def _take_in(found: CodeImport, lease: Lease) -> None:
    markets = dict(found.campaign.markets.values_list("market_id", "pk"))
    with buckets.scoring().open(found.key) as file:
        expected = max(found.rows_in, _line_ends(file) - 1)
        lease.step("Storing codes", rows=expected, total=expected, progress=found.rows_in)
        for lines in import_rows.batches(file):
            if import_rows.last_line(lines) > found.last_line:
                _take_batch(found, lines, markets, lease)
                lease.report_progress(found.rows_in, expected)
                lease.check_stop()
    _finish(found, lease)


@retried
@transaction.atomic
def _take_batch(found: CodeImport, lines: Lines, markets: Mapping[str, int], lease: Lease) -> None:
    """The codes of some lines, the rejected ones of them, and the counts: all of it or nothing."""
    campaign = lock_campaign(found.campaign_id)
    require_open(campaign)
    counted = CodeImport.objects.select_for_update(no_key=True).get(pk=found.pk)
    judged = import_rows.judge(lines, markets, market=found.market_id)
    judged = judged.filter(pl.col("line") > counted.last_line)
    good = judged.filter(pl.col("reason").is_null())
    taken, left = _store(found, good)
    rejected = pl.concat(
        [judged.filter(pl.col("reason").is_not_null()).select("line", "reason"), left]
    ).sort("line")
    _reject(found, rejected.with_columns(lines.raws(rejected["line"])))
    counts = {
        "rows_in": counted.rows_in + judged.height,
        "accepted": counted.accepted + taken,
        "rejected": counted.rejected + rejected.height,
        "rejected_by": add_tallies([counted.rejected_by, tally(rejected["reason"])]),
        "last_line": import_rows.last_line(lines),
    }
    # With the job's row locked nobody can take the job over: what is committed is this attempt's.
    lease.hold()
    CodeImport.objects.filter(pk=found.pk).update(**counts)
    for name, value in counts.items():
        setattr(found, name, value)


def _store(found: CodeImport, good: pl.DataFrame) -> tuple[int, pl.DataFrame]:
    """How many codes are new, and the `line` and `reason` of the others. [K-1]"""
    run(_STAGE)
    copy_plain("code_stage", ("line", "code", "only_market"), good)
    taken = run(
        _TAKE,
        **{"campaign": found.campaign_id, "origin": found.origin, "import": found.pk},
    )
    left = rows(_LEFT, **{"import": found.pk}) if taken < good.height else []
    run("DROP TABLE code_stage")
    reasons = {True: CodeReason.DUPLICATE_IN_FILE.value, False: CodeReason.EXISTS_ALREADY.value}
    return taken, pl.DataFrame(
        [(line, reasons[is_ours]) for line, is_ours in left],
        schema={"line": pl.Int64, "reason": pl.String},
        orient="row",
    )


def _reject(found: CodeImport, rejected: pl.DataFrame) -> None:
    number = pl.lit(found.pk, dtype=pl.Int64).alias("code_import_id")
    columns = ("code_import_id", "line", "reason", "raw")
    copy_in(RejectedCode._meta.db_table, columns, rejected.with_columns(number))


@retried
@transaction.atomic
def _finish(found: CodeImport, lease: Lease) -> None:
    lease.hold()
    CodeImport.objects.filter(pk=found.pk).update(finished=True)
    found.finished = True


def _line_ends(file: BinaryIO) -> int:
    """About how many rows a file has, with its header."""
    text = unpacked(file)
    return sum(block.count(b"\n") for block in iter(lambda: text.read(COUNTED_BYTES), b""))
