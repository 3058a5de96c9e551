"""What a competent person writes in an afternoon: csv, phonenumbers, a set of ids, bulk_create."""

from __future__ import annotations

import csv
import time
from pathlib import Path

from benchmarks.peers.rows import blank_score, e164, empty_partition
from campaigns.models import FanScore

NUMBER = -1
BATCH = 2_500


def seconds_for(path: Path) -> float:
    """Seconds from the file of well-formed rows to the table."""
    empty_partition(NUMBER)
    started = time.monotonic()
    batch: list[FanScore] = []
    seen: set[str] = set()
    with path.open(encoding="utf-8", newline="") as file:
        for line, row in enumerate(
            csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE), start=2
        ):
            if row["global_user_id"] in seen:
                continue
            seen.add(row["global_user_id"])
            batch.append(_score(line, row))
            if len(batch) == BATCH:
                FanScore.objects.bulk_create(batch)
                batch = []
    FanScore.objects.bulk_create(batch)
    return time.monotonic() - started


def _score(line: int, row: dict[str, str]) -> FanScore:
    score = blank_score(NUMBER)
    score.line = line
    score.global_user_id, score.row_id, score.member_id = (
        row["global_user_id"],
        row["id"],
        row["member_id"],
    )
    score.email, score.phone = row["tmemail"], e164(row["sms"], row["country_code"])
    score.phone_confirmed, score.country = row["phone_confirmed"] == "true", row["country_code"]
    score.raw_text, score.raw_score = row["raw_local_fanscore"], 0.5
    return score
