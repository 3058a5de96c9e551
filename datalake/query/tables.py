"""The lake as tables, one for each record type, and the files that hold its records now.
[L-4, L-8]
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from datalake.choices import READABLE
from datalake.models import LakeFile
from datalake.schemas import SCHEMAS, Schema

DAY = "partition_date"
_tables: dict[str, Schema] = dict(SCHEMAS)
_WORDS = {
    "string": "text",
    "boolean": "true or false",
    "int": "whole number",
    "long": "whole number",
    "float": "number",
    "double": "number",
    "bytes": "bytes",
}


@dataclass(frozen=True)
class Column:
    """`name` as a query writes it, with the name of the record around it; `kind` in words."""

    name: str
    kind: str


@dataclass(frozen=True)
class Table:
    """`name` in lower case, as queries and Glue have it."""

    name: str
    about: str
    columns: tuple[Column, ...]


@dataclass(frozen=True)
class Part:
    """A file that readers see, as the catalogue had it at one moment."""

    record_type: str
    period: str
    key: str
    bytes: int


def register(schemas: Iterable[Schema]) -> None:
    """Add the record types of an app above the lake, which keeps its files in the same catalogue.
    Raises ValueError for one that is there already.
    """
    for schema in schemas:
        if schema.record_type in _tables:
            raise ValueError(f"The table {schema.record_type!r} is registered twice.")
        _tables[schema.record_type] = schema


def schemas() -> Mapping[str, Schema]:
    """Record type → the schema whose fields are the table's columns."""
    return MappingProxyType(_tables)


def described(*, in_glue: bool = False) -> list[Table]:
    """All tables, for who writes a query. In Glue, those of campaigns are divided by month."""
    day = Column(DAY, "text, such as 2026-01-20; UTC")
    month = Column("month", "text, such as 2026-01; UTC")
    return [
        Table(
            name.lower(),
            str(schema.avro.get("doc", "")),
            (*_columns(schema.avro), month if in_glue and name in SCHEMAS else day),
        )
        for name, schema in sorted(_tables.items())
    ]


def _columns(avro: Mapping[str, Any], inside: str = "") -> list[Column]:
    found = []
    for each in avro["fields"]:
        name, kind = f"{inside}{each['name'].lower()}", each["type"]
        if isinstance(kind, list):
            kind = kind[1]
        if isinstance(kind, dict) and kind["type"] == "record":
            found += _columns(kind, f"{name}.")
        elif isinstance(kind, dict):
            found.append(Column(name, f"list of {_WORDS[kind['items']]}s"))
        else:
            found.append(Column(name, _WORDS[kind]))
    return found


def readable_parts() -> list[Part]:
    """Every file that readers see, by one statement: each record once. [L-4]"""
    rows = (
        LakeFile.objects.filter(record_type__in=_tables, state__in=READABLE)
        .order_by("record_type", "period", "key")
        .values_list("record_type", "period", "key", "bytes")
    )
    return [Part(*row) for row in rows]


def periods(parts: Sequence[Part]) -> dict[str, list[str]]:
    """Of each table, the days and months that have files."""
    found: dict[str, set[str]] = defaultdict(set)
    for part in parts:
        found[part.record_type].add(part.period)
    return {name: sorted(found[name]) for name in _tables}
