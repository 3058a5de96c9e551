"""The contracts: one `*.avsc` file per record type and version, read once. The highest version of a
type is in force; files of the earlier ones stay readable. [L-1]

A version has all fields of the one before it, as they are, and new ones that need no value: what
is written under one version can be read, and written again, under the next.

Supported shapes of a field: string, ["null", string], double, array of string, and the record
`date` with the string `created`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from importlib import resources
from types import MappingProxyType
from typing import Any

FILE_NAME = re.compile(r"(?P<type>[A-Za-z]+)\.v(?P<version>\d+)\.avsc")


class Kind(Enum):
    STRING = "string"
    DOUBLE = "double"
    STRINGS = "strings"
    DATE = "date"


@dataclass(frozen=True)
class Field:
    name: str
    kind: Kind
    nullable: bool


@dataclass(frozen=True)
class Schema:
    """One version of one record type; `name` is what file headers carry, e.g. `scoring.v1`."""

    record_type: str
    version: int
    fields: tuple[Field, ...]
    avro: Mapping[str, Any]

    @property
    def name(self) -> str:
        return f"{self.record_type}.v{self.version}"


def read_schema(record_type: str, version: int, avro: Mapping[str, Any]) -> Schema:
    """The schema of a parsed avsc. Raises ValueError for a field shape this product does not
    use.
    """
    return Schema(record_type, version, tuple(_field(each) for each in avro["fields"]), avro)


def _field(declared: Mapping[str, Any]) -> Field:
    match declared["type"]:
        case "string":
            return Field(declared["name"], Kind.STRING, nullable=False)
        case ["null", "string"]:
            return Field(declared["name"], Kind.STRING, nullable=True)
        case "double":
            return Field(declared["name"], Kind.DOUBLE, nullable=False)
        case {"type": "array", "items": "string"}:
            return Field(declared["name"], Kind.STRINGS, nullable=False)
        case {"type": "record", "fields": [{"name": "created", "type": "string"}]}:
            return Field(declared["name"], Kind.DATE, nullable=False)
    raise ValueError(
        f"Field {declared['name']}: the shape {declared['type']} is none of the supported ones."
    )


def require_successor(older: Schema, newer: Schema) -> None:
    """Raises ValueError unless records of `older` are records of `newer` when each field that is
    new is null.
    """
    new = [field for field in newer.fields if field not in older.fields]
    defaults = {each["name"]: each.get("default", "") for each in newer.avro["fields"]}
    if (
        newer.version != older.version + 1
        or set(older.fields) - set(newer.fields)
        or any(not field.nullable or defaults[field.name] is not None for field in new)
    ):
        raise ValueError(
            f"{newer.name} does not follow {older.name}: it must have all of its fields, and new"
            ' ones of the type ["null", "string"] with the default null.'
        )


def add(schema: Schema) -> None:
    """Let a schema be known, in the order of its versions. Raises ValueError for a version that
    does not follow the one before it.
    """
    if schema.record_type in _newest:
        require_successor(_newest[schema.record_type], schema)
    _newest[schema.record_type] = _named[schema.name] = schema


def _load() -> None:
    found = []
    for file in resources.files(__package__).iterdir():
        if named := FILE_NAME.fullmatch(file.name):
            avro = json.loads(file.read_text(encoding="utf-8"))
            found.append(read_schema(named["type"], int(named["version"]), avro))
    for schema in sorted(found, key=lambda each: (each.record_type, each.version)):
        add(schema)


_newest: dict[str, Schema] = {}
_named: dict[str, Schema] = {}
_load()
SCHEMAS: Mapping[str, Schema] = MappingProxyType(_newest)
# every version, by its name: `scoring.v1`
VERSIONS: Mapping[str, Schema] = MappingProxyType(_named)
