"""The archive's contracts: one `*.avsc` file per record type, read once, and the encoding of
records under them. [BR-003, L-1]

A record has the fields of the source as it has them (`date`, `reference`, `system`, `eventDate` are
records); a field that the change event has not is null.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import resources
from types import MappingProxyType
from typing import Any

from datalake.avro.rows import encoder
from datalake.schemas import Schema
from demand.choices import DemandType

VERSION = 1


def schema_of(record_type: str) -> Schema:
    """The schema in force, as `datalake.avro.container.write` wants it. Raises KeyError for an
    unknown type.
    """
    return SCHEMAS[record_type]


def encode(record_type: str, record: Mapping[str, Any]) -> bytes:
    """The record in Avro's binary encoding, the same bytes for the same record.

    Raises ValueError naming the field whose value has the wrong type, never the value; KeyError for
    an unknown type. [BR-003]
    """
    return _ENCODERS[record_type](record)


def _load(record_type: str) -> Schema:
    file = resources.files(__package__) / f"{record_type}.v{VERSION}.avsc"
    return Schema(record_type, VERSION, (), json.loads(file.read_text(encoding="utf-8")))


SCHEMAS: Mapping[str, Schema] = MappingProxyType(
    {each.value: _load(each.value) for each in DemandType}
)
_ENCODERS = {record_type: encoder(schema.avro) for record_type, schema in SCHEMAS.items()}
