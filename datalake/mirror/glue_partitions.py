"""The campaign lake's catalogue in Glue, so that Athena reads what our readers read. [L-4]

A table for each record type, a partition for each month. Loose, merged, superseded and foreign
files lie in the same folders, so a partition does not point to a folder of files: it points to the
folder of a manifest that names exactly the readable ones (SymlinkTextInputFormat; Athena's engine
reads Avro through it). The manifest's name is made from what it names, and the partition moves from
one to the next by one call of Glue. A month, because a merge of a month takes files from all of its
days, and Glue cannot switch several partitions at once.

What Glue has is compared with what the catalogue has and put right, whatever was lost in between:
each minute, and before an archive deletes what a partition may still name.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from typing import Final

from django.conf import settings

from datalake import layout
from datalake.aws.glue import GlueCatalogue, Table
from datalake.choices import READABLE, RecordType
from datalake.errors import GlueUnreachable
from datalake.models import LakeFile
from datalake.records import schema_of
from datalake.storage import buckets
from operations.database.locks import ended_when_idle, exclusive

MONTH: Final = "month"
# the session of a process that is stopped while it mirrors is ended, so that another one goes on
STOPPED_SECONDS: Final = 300.0


def mirror() -> int:
    """Bring Glue up to the catalogue. Returns how many partitions changed; 0 without GLUE_DATABASE.
    Raises GlueUnreachable, and OSError where the bucket is away, when all other types are done.
    """
    changed = 0
    failures: list[GlueUnreachable | OSError] = []
    for record_type in RecordType.values:
        try:
            changed += mirror_type(record_type)
        except (GlueUnreachable, OSError) as failure:
            failures.append(failure)
    if failures:
        raise failures[0]
    return changed


def mirror_type(record_type: str) -> int:
    """The same for one record type."""
    if not settings.GLUE_DATABASE:
        return 0
    glue = GlueCatalogue(settings.GLUE_DATABASE, endpoint=settings.AWS_ENDPOINT_URL)
    table, changed = table_of(record_type), 0
    with exclusive(f"glue:{record_type}"), ended_when_idle(STOPPED_SECONDS):
        months = _readable_keys(record_type)
        if not months:
            return 0
        glue.ensure(table)
        there = glue.places(table)
        for month, keys in months.items():
            folder = _manifest_folder(record_type, month, keys)
            place = _url(folder)
            if there.get(month) != place:
                _write_manifest(folder, keys)
                glue.point(table, month, place)
                _delete_older(record_type, month, but={place, there.get(month, "")})
                changed += 1
    return changed


def table_of(record_type: str) -> Table:
    """The table of a record type, as Glue should know it. Glue has no capital letters."""
    schema = schema_of(record_type)
    literal = json.dumps(schema.avro, separators=(",", ":"))
    location = _url(layout.manifests_folder(record_type))
    return Table(
        record_type.lower(), schema.name, schema.avro, literal, location, MONTH, by_manifest=True
    )


def _readable_keys(record_type: str) -> dict[str, list[str]]:
    months: dict[str, list[str]] = defaultdict(list)
    files = LakeFile.objects.filter(record_type=record_type, state__in=READABLE)
    for period, key in files.order_by("period", "key").values_list("period", "key"):
        months[str(layout.parse_period(period).month_period)].append(key)
    return months


def _manifest_folder(record_type: str, month: str, keys: list[str]) -> str:
    """Another schema or another file is another manifest."""
    named = "\n".join([schema_of(record_type).name, *keys])
    digest = hashlib.sha256(named.encode()).hexdigest()[:32]
    return f"{layout.manifests_folder(record_type)}{month}/{digest}/"


def _write_manifest(folder: str, keys: list[str]) -> None:
    bucket = buckets.campaign_data()
    lines = "".join(f"{bucket.url_or_path(key)}\n" for key in keys)
    bucket.put(f"{folder}manifest", lines.encode())


def _delete_older(record_type: str, month: str, *, but: set[str]) -> None:
    """A query that began before the switch still has the manifest before."""
    bucket = buckets.campaign_data()
    for key in list(bucket.list(f"{layout.manifests_folder(record_type)}{month}/")):
        if _url(f"{key.rpartition('/')[0]}/") not in but:
            bucket.delete(key)


def _url(folder: str) -> str:
    return f"{buckets.campaign_data().url_or_path(folder.rstrip('/'))}/"
