"""Messy score files, and everything that one of them leads to."""

from __future__ import annotations

from django.db import connection

from campaigns.models import Activation, Campaign, FanScore, LateChange, RejectedRow, ScoreFile
from campaigns.scoring import tables
from datalake import streams
from datalake.choices import StreamName
from datalake.models import StreamBatch
from datalake.storage import buckets
from datalake.streams.batches import unpack_records
from operations.models import Chunk, Job
from tests.support.campaigns import score_file_bytes, score_row


def messy(count: int = 40) -> bytes:
    """Rows of every kind, some twice, some broken."""
    rows: list[dict[str, str] | bytes] = []
    for n in range(count):
        rows.append(score_row(n, raw_local_fanscore=f"{n / count:.3f}"))
        if n % 5 == 0:
            rows += [
                score_row(n),
                b"",
                score_row(n + 1000, raw_local_fanscore="n/a"),
                score_row(n + 2000, sms="+442079460123"),
            ]
        if n % 7 == 0:
            rows += [
                score_row(n + 3000, tmemail="", sms="nonsense"),
                b"only\tthree\tcolumns",
                score_row(n + 4000, global_user_id=""),
            ]
    return score_file_bytes(rows)


def read(key: str) -> bytes:
    with buckets.scoring().open(key) as file:
        return file.read()


def everything_of(score_file: ScoreFile) -> dict[str, object]:
    """What a score file led to: rows, rejections, counts, files and stream, without numbers given
    by the database.
    """
    score_file.refresh_from_db()
    scores = FanScore.objects.filter(score_file=score_file).order_by("line")
    fields = [f.attname for f in FanScore._meta.concrete_fields if f.attname != "score_file_id"]
    batches = StreamBatch.objects.filter(
        batch_key__startswith=f"scorefile:{score_file.pk}:"
    ).order_by("position")
    counts = (
        "rows_in",
        "accepted",
        "rejected",
        "rejected_by",
        "tagged_by",
        "bands",
        "roster_digest",
        "streamed",
        "state",
    )
    return {
        "scores": list(scores.values_list(*fields)),
        "rejected": list(
            RejectedRow.objects.filter(score_file=score_file)
            .order_by("line")
            .values_list("line", "reason", "raw", "email", "phone", "member_id")
        ),
        "files": [read(score_file.scrubbed_key), read(score_file.rejected_key)],
        "batches": [records_of(batch.position) for batch in batches],
        "counts": {name: getattr(score_file, name) for name in counts},
    }


def records_of(position: int) -> list[dict]:
    """A batch's records without their date, which is that of the file's arrival."""
    (batch,) = streams.read(StreamName.SCORED, position, position)
    return [record | {"date": None} for record in unpack_records(batch.payload)]


def rows_kept(score_file: ScoreFile) -> dict[str, int]:
    """Rows in the file's own tables, whether they count already or not; a table that is not there
    has none.
    """
    kept = {}
    with connection.cursor() as cursor:
        for table in (tables.SCORES, tables.REJECTED):
            cursor.execute("SELECT to_regclass(%s)", [f"{table}_{score_file.pk}"])
            (found,) = cursor.fetchone()
            cursor.execute(f"SELECT count(*) FROM {found}" if found else "SELECT 0")
            (kept[table],) = cursor.fetchone()
    return kept


NO_ROWS_KEPT = {tables.SCORES: 0, tables.REJECTED: 0}


def start_over(campaign: Campaign) -> None:
    """Forget the campaign's files, so that the same campaign can have the same bytes again."""
    Campaign.objects.update(active_score_file=None, named_score_file=None, first_drawn_at=None)
    for model in (Activation, LateChange, RejectedRow, ScoreFile, StreamBatch, Chunk, Job):
        model.objects.all()._raw_delete("default")
