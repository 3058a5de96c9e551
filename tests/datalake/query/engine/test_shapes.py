"""Avro schemas as tables of the engine. [L-8]"""

from __future__ import annotations

import pyarrow as pa
import pytest

from datalake.query import tables
from datalake.query.engine import shapes


def test_columns_are_those_of_the_schema_with_names_in_lower_case():
    avro = tables.schemas()["demand"].avro
    assert shapes.arrow_schema(avro).names[1:3] == ["fanId", "eventId"]
    lowered = shapes.arrow_schema(avro, lowered=True)
    assert lowered.names[1:3] == ["fanid", "eventid"]
    assert str(lowered.field("system").type) == (
        "struct<id: string, databaseid: string, memberid: string>"
    )


def test_every_schema_of_the_lake_has_its_table():
    for schema in tables.schemas().values():
        assert shapes.arrow_schema(schema.avro).names
    assert shapes.arrow_schema(tables.schemas()["scoring"].avro).field("tags").type == pa.list_(
        pa.string()
    )


def test_a_type_that_no_table_has_is_refused():
    with pytest.raises(ValueError, match="no counterpart"):
        shapes.arrow_schema({"fields": [{"name": "a", "type": {"type": "map", "values": "int"}}]})
