"""Avro schemas as tables of the engine: column types, and names as Glue has them. Pure. [L-8]

Names are in lower case, inside records too, as Athena shows them: a query that names no column in
quotes reads the same in both, in whatever case it is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pyarrow as pa

DAY: Final = "partition_date"
_OF_MONTH: Final = "substr(\"date\"['created'], 1, 10)"  # UTC, as dates of the lake are written
_PRIMITIVES: Final = {
    "string": pa.string(),
    "boolean": pa.bool_(),
    "int": pa.int32(),
    "long": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "bytes": pa.binary(),
    "null": pa.null(),
}


def arrow_schema(avro: Mapping[str, Any], *, lowered: bool = False) -> pa.Schema:
    """The columns of a record schema. Raises ValueError for a type that no schema of ours has."""
    return pa.schema(_fields(avro, lowered=lowered))


def _fields(avro: Mapping[str, Any], *, lowered: bool) -> list[pa.Field]:
    return [
        pa.field(_named(each["name"], lowered=lowered), _type(each["type"], lowered=lowered))
        for each in avro["fields"]
    ]


def _named(name: str, *, lowered: bool) -> str:
    return name.lower() if lowered else name


def _type(avro: Any, *, lowered: bool) -> pa.DataType:
    match avro:
        case str() if avro in _PRIMITIVES:
            return _PRIMITIVES[avro]
        case ["null", inner]:
            return _type(inner, lowered=lowered)
        case {"type": "record"}:
            return pa.struct(_fields(avro, lowered=lowered))
        case {"type": "array", "items": items}:
            return pa.list_(_type(items, lowered=lowered))
    raise ValueError(f"The Avro type {avro!r} has no counterpart in a table.")


def select_days(avro: Mapping[str, Any], source: str) -> str:
    """The table's rows of files that hold one day: the folder says which."""
    return f"SELECT {_columns(avro)}, {DAY} FROM {_quoted(source)}"  # noqa: S608 ours alone


def select_months(avro: Mapping[str, Any], source: str) -> str:
    """The table's rows of files that hold a whole month: each record says its day."""
    return f"SELECT {_columns(avro)}, {_OF_MONTH} AS {DAY} FROM {_quoted(source)}"  # noqa: S608


def _columns(avro: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{_lowered(_quoted(each['name']), each['type'])} AS {_quoted(each['name'].lower())}"
        for each in avro["fields"]
    )


def _lowered(value: str, avro: Any) -> str:
    """A value whose records have names in lower case; itself where they have anyway."""
    match avro:
        case ["null", inner]:
            return _lowered(value, inner)
        case {"type": "record", "fields": fields} if _type(avro, lowered=True) != _type(
            avro, lowered=False
        ):
            parts = ", ".join(
                f"'{each['name'].lower()}', {_lowered(_part(value, each['name']), each['type'])}"
                for each in fields
            )
            return f"CASE WHEN {value} IS NULL THEN NULL ELSE named_struct({parts}) END"
    return value


def _part(value: str, name: str) -> str:
    return f"{value}['{name}']"


def _quoted(name: str) -> str:
    return f'"{name}"'
