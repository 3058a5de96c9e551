"""Files of change events, uploaded and archived."""

from __future__ import annotations

import io

from datalake.storage import buckets
from demand.models import EventUpload
from demand.sources import uploads


def jsonl(raws) -> bytes:
    return b"".join(raw + b"\n" for raw in raws)


def received(content: bytes, *, name="changes.jsonl") -> EventUpload:
    return uploads.receive(name, io.BytesIO(content), by=None)


def archived(content: bytes) -> EventUpload:
    upload = received(content)
    return uploads.process(uploads.open_job(upload, by=None).pk)


def counts_of(upload: EventUpload) -> tuple[int, int, dict[str, int]]:
    result = uploads.result_of(upload)
    return result["in"], result["archived"], result["errors"]


def kept_files() -> list[str]:
    return list(buckets.scoring().list("demand/"))
