"""A score file from upload to STREAMED, beside a bare COPY of the resulting rows into one table with the same indexes."""

import csv
import hashlib
import json
import subprocess
import sys
import time
from pathlib import Path

import phonenumbers
from django.db import connection
from psycopg import sql

from benchmarks.figures import Figure
from campaigns import loading, scoretables
from campaigns.models import FanScore, ScoreFile
from fairwave import env
from sandbox import fans

ROWS = 1_000_000
PEER_ROWS = 50_000
PIECE = 1024 * 1024
CHILD = """
import json, resource, sys, time
import django; django.setup()
from campaigns import scorefiles
from campaigns.opening import campaign_of
base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
started = time.monotonic()
with open(sys.argv[2], "rb") as file:
    received = scorefiles.receive(campaign_of(sys.argv[1]), sys.argv[3], file, by=None)
done = scorefiles.process(scorefiles.open_job(received.score_file, by=None).pk)
seconds = time.monotonic() - started
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"score_file": done.pk, "seconds": seconds, "base_kib": base, "peak_kib": peak}))
"""


def run(rows: int | None) -> list[Figure]:
    count = rows or ROWS
    path = score_file(count)
    loading.load(fans.campaign(count, campaign_id="bench"))
    measured = _in_a_process_of_its_own(path)
    done = ScoreFile.objects.get(pk=int(measured["score_file"]))
    limit = bare_copy(done.pk)
    base, peak = measured["base_kib"] / 1024, measured["peak_kib"] / 1024
    note = f"peak memory {peak:,.0f} MiB, {base:,.0f} before, so {(peak - base) * 1024 * 1024 / done.rows_in:.0f} bytes a row"
    peer_rows = min(count, PEER_ROWS)
    return [
        Figure("score file to STREAMED", done.rows_in, measured["seconds"], "bare COPY, indexed", limit, 4.0, note),
        Figure("peer: csv, phonenumbers, bulk_create", peer_rows, plain_script(path, done, peer_rows)),
    ]


def score_file(count: int) -> Path:
    """The pretend fans' score file of so many rows; made once."""
    folder = env.data_folder() / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"scores-{count}.txt"
    if not path.exists():
        fans.write_scores(path, count)
    return path


def _in_a_process_of_its_own(path: Path) -> dict[str, float]:
    """Measured in a fresh process, so that its peak memory is the work's."""
    command = [
        sys.executable,
        "-c",
        CHILD,
        "bench",
        str(path),
        f"bench.{hashlib.sha256(path.name.encode()).hexdigest()[:8]}.txt",
    ]
    ran = subprocess.run(command, check=True, capture_output=True, text=True)
    measured: dict[str, float] = json.loads(ran.stdout.splitlines()[-1])
    return measured


def bare_copy(score_file_id: int) -> float:
    """Seconds of a COPY of a file's rows, as prepared bytes, into a table with the same indexes from the start."""
    table, source = sql.Identifier("bench_copy"), scoretables.name_of(score_file_id)
    raw = scoretables.raw_connection()
    with raw.cursor().copy(sql.SQL("COPY {} TO STDOUT").format(source)) as copy:
        rows = b"".join(bytes(piece) for piece in copy)
    raw.execute(sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING ALL)").format(table, source))
    started = time.monotonic()
    with raw.cursor().copy(sql.SQL("COPY {} FROM STDIN").format(table)) as copy:
        for at in range(0, len(rows), PIECE):
            copy.write(rows[at : at + PIECE])
    seconds = time.monotonic() - started
    raw.execute(sql.SQL("DROP TABLE {}").format(table))
    return seconds


def plain_script(path: Path, done: ScoreFile, count: int) -> float:
    """What a competent person writes in an afternoon: csv, phonenumbers, a set of ids, bulk_create."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE campaigns_fanscore_0 PARTITION OF campaigns_fanscore FOR VALUES IN (0)")
    started, batch, seen = time.monotonic(), [], set()
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        for line, row in enumerate(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE), start=2):
            if line > count:
                break
            if row["global_user_id"] in seen:
                continue
            seen.add(row["global_user_id"])
            batch.append(FanScore(score_file_id=0, line=line, **_plain_row(row)))
            if len(batch) == 2_500:
                FanScore.objects.bulk_create(batch)
                batch = []
    FanScore.objects.bulk_create(batch)
    return time.monotonic() - started


def _plain_row(row: dict[str, str]) -> dict[str, object]:
    try:
        number = phonenumbers.parse(row["sms"] or "", row["country_code"] or "US")
        valid = phonenumbers.is_valid_number(number)
        phone = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) if valid else ""
    except phonenumbers.NumberParseException:
        phone = ""
    return {
        "global_user_id": row["global_user_id"],
        "row_id": row["id"],
        "member_id": row["member_id"] or "",
        "email": row["tmemail"],
        "phone": phone,
        "phone_region": "",
        "phone_confirmed": row["phone_confirmed"] == "true",
        "country": row["country_code"] or "",
        "raw_text": row["raw_local_fanscore"] or "",
        "raw_score": 0.5,
        "band": "low",
        "band_score": 0.5,
        "luck": 0,
        "tags": "",
        "market_id": "",
    }
