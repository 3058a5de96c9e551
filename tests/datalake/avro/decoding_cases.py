"""Records of some types, decoded from bytes."""

from __future__ import annotations

from datalake.avro.decoding import RecordDecoder


def record_of(*types):
    fields = [{"name": f"f{number}", "type": type_} for number, type_ in enumerate(types)]
    return {"type": "record", "name": "r", "fields": fields}


def decoded(schema, data, count=1):
    return [record for record, _ in RecordDecoder(schema).records(data, count)]
