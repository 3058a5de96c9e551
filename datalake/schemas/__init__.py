"""The contracts: one `*.avsc` file per record type and version, read once. The highest version of a
type is in force. [L-1]

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


def _load() -> dict[str, Schema]:
    newest: dict[str, Schema] = {}
    for file in resources.files(__package__).iterdir():
        if named := FILE_NAME.fullmatch(file.name):
            schema = read_schema(
                named["type"], int(named["version"]), json.loads(file.read_text(encoding="utf-8"))
            )
            if (
                schema.record_type not in newest
                or newest[schema.record_type].version < schema.version
            ):
                newest[schema.record_type] = schema
    return newest


SCHEMAS: Mapping[str, Schema] = MappingProxyType(_load())
