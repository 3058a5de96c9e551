"""What a score file left on the stream and in the bucket."""

from __future__ import annotations

import csv
import io

from campaigns.models import ScoreFile
from datalake import streams
from datalake.choices import StreamName
from datalake.models import StreamBatch
from datalake.storage import buckets
from datalake.streams.batches import unpack_records


def read_csv(key: str) -> list[dict[str, str]]:
    with buckets.scoring().open(key) as file:
        return list(csv.DictReader(io.StringIO(file.read().decode(), newline="")))


def records_of(score_file: ScoreFile) -> list[dict]:
    batches = StreamBatch.objects.filter(
        stream=StreamName.SCORED, batch_key__startswith=f"scorefile:{score_file.pk}:"
    )
    first, last = batches.order_by("position").first(), batches.order_by("position").last()
    return [
        record
        for batch in streams.read(StreamName.SCORED, first.position, last.position)
        for record in unpack_records(batch.payload)
    ]
