"""The archive's partitions are added to Glue, so that Athena finds them. It is a mirror: no batch
fails by it. [D-8]
"""

from __future__ import annotations

import json
import logging
from collections import defaultdict
from collections.abc import Iterable
from typing import Protocol

from django.conf import settings

from datalake.aws.glue import GlueCatalogue, Table
from datalake.errors import GlueUnreachable
from datalake.models import LakePartition
from datalake.storage import buckets
from demand.choices import DemandType
from demand.schemas import schema_of
from operations import alerts

logger = logging.getLogger(__name__)

# What this process knows to be registered: database, record type, partition date. A few thousand at
# most.
_known: set[tuple[str, str, str]] = set()


class Placed(Protocol):
    """A file of the archive: its type, and its partition date (as text or as a period of the
    catalogue).
    """

    @property
    def record_type(self) -> str: ...
    @property
    def period(self) -> object: ...


def register(files: Iterable[Placed]) -> None:
    """Register the partitions of new files, if GLUE_DATABASE is set. Call it after the commit.

    A Glue that is away is logged; `repair` adds them later.
    """
    if not settings.GLUE_DATABASE:
        return
    dates: dict[str, set[str]] = defaultdict(set)
    for file in files:
        dates[file.record_type].add(str(file.period))
    new = {
        name: [day for day in sorted(days) if not _is_known(name, day)]
        for name, days in sorted(dates.items())
    }
    if any(new.values()):
        _add({name: days for name, days in new.items() if days})


def _add(dates: dict[str, list[str]]) -> None:
    try:
        catalogue = _catalogue()
        for name, days in dates.items():
            table = table_of(name)
            catalogue.ensure(table)
            catalogue.add(table, days)
            _note(name, days)
    except GlueUnreachable as error:
        logger.warning(
            "glue partitions not added, will be later",
            extra={"types": len(dates), "error": str(error)},
        )


def repair() -> int:
    """Register every partition that Glue does not have. Returns how many; 0 without GLUE_DATABASE.

    If Glue is still away, people are alerted.
    """
    if not settings.GLUE_DATABASE:
        return 0
    try:
        return _repair(_catalogue())
    except GlueUnreachable as error:
        alerts.alert(
            f":warning: Demand archive: {error} Athena cannot find the newest partitions"
            " until this is fixed."
        )
        return 0


def _repair(catalogue: GlueCatalogue) -> int:
    added = 0
    for name in DemandType.values:
        days = (
            LakePartition.objects.filter(record_type=name)
            .order_by("day")
            .values_list("day", flat=True)
        )
        ours = [day.isoformat() for day in days]
        if not ours:
            continue
        table = table_of(name)
        catalogue.ensure(table)
        theirs = catalogue.dates(table)
        missing = [day for day in ours if day not in theirs]
        catalogue.add(table, missing)
        _note(name, ours)
        added += len(missing)
    return added


def table_of(record_type: str) -> Table:
    """The table of a record type, as Glue should know it."""
    schema = schema_of(record_type)
    location = buckets.campaign_data().url_or_path(f"{settings.DEMAND_PREFIX}/data/{record_type}")
    return Table(
        record_type,
        schema.name,
        schema.avro,
        json.dumps(schema.avro, separators=(",", ":")),
        f"{location}/",
    )


def _catalogue() -> GlueCatalogue:
    return GlueCatalogue(settings.GLUE_DATABASE, endpoint=settings.AWS_ENDPOINT_URL)


def _is_known(record_type: str, day: str) -> bool:
    return (settings.GLUE_DATABASE, record_type, day) in _known


def _note(record_type: str, days: list[str]) -> None:
    _known.update((settings.GLUE_DATABASE, record_type, day) for day in days)
