"""Erasures done here, and a search for what is left of a fan, wherever it may be. [X-11]"""

from __future__ import annotations

import gzip
import io
import re
import zipfile
from collections.abc import Iterable, Iterator

import polars as pl
from django.contrib.auth.models import User
from django.db import connection

from console.erasure.erase import erase, request
from console.models import Erasure
from datalake.avro import container
from datalake.models import StreamBatch
from datalake.storage import buckets
from datalake.streams.batches import Payload, unpack_records


def erase_fan(fan_id: str, *, by: User, reason: str = "asked") -> Erasure:
    return erase(request(fan_id, by=by, reason=reason).pk)


def tables_with(needles: Iterable[str]) -> set[str]:
    """`table.column` of every text, JSON, array or binary column of the database in which one of
    these stands, whatever the case.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT table_name, column_name, data_type FROM information_schema.columns
               WHERE table_schema = 'public' AND data_type IN
                   ('text', 'character varying', 'jsonb', 'ARRAY', 'bytea')"""
        )
        columns = cursor.fetchall()
        found = set()
        pattern = "|".join(map(re.escape, needles))
        for table, column, kind in columns:
            text = f"encode({column}, 'escape')" if kind == "bytea" else f'"{column}"::text'
            cursor.execute(f'SELECT EXISTS (SELECT FROM "{table}" WHERE {text} ~* %s)', [pattern])
            if cursor.fetchone()[0]:
                found.add(f"{table}.{column}")
    found |= {
        "datalake_streambatch.payload"
        for row in StreamBatch.objects.all()
        if _says(str(_records_in(row)), needles)
    }
    return found


def _records_in(row: StreamBatch) -> list:
    return unpack_records(Payload(row.form, row.schema, row.records, bytes(row.payload)))


def objects_with(needles: Iterable[str]) -> set[str]:
    """Key of every object of both buckets in which one of these stands, unpacked."""
    return {
        key
        for bucket in (buckets.scoring(), buckets.campaign_data())
        for key in bucket.list("")
        if any(_says(text, needles) for text in _texts(bucket.open(key).read()))
        or _says(key, needles)
    }


def _says(text: str, needles: Iterable[str]) -> bool:
    return any(needle.lower() in text.lower() for needle in needles)


def _texts(data: bytes) -> Iterator[str]:
    yield data.decode("latin-1")
    if data.startswith(b"\x1f\x8b"):
        yield from _texts(gzip.decompress(data))
    if data.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for entry in archive.infolist():
                yield entry.comment.decode("latin-1")
                yield from _texts(archive.read(entry))
    if data.startswith(b"PAR1"):
        yield str(pl.read_parquet(io.BytesIO(data)).to_dicts())
    if data.startswith(container.MAGIC):
        yield str(list(container.read_records(io.BytesIO(data))))
