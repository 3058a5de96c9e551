"""An Avro file without one fan. [X-11, L-9]"""

from __future__ import annotations

import io

from datalake.avro import columns, container
from datalake.avro.columns import content_hash
from datalake.erased.records import forget
from datalake.erasure.content import find_change, write_without
from datalake.schemas import SCHEMAS
from tests.support.lake import scoring_frame

NAME = f"erased:{'0' * 64}.1"


def of_fan(record):
    return forget(record, NAME)


def test_x11_other_records_keep_their_bytes_and_header_and_hash_are_those_of_the_new_ones():
    encoded = columns.encode("scoring", scoring_frame(6_000))
    source = io.BytesIO()
    container.write(source, SCHEMAS["scoring"], encoded, name="a.avro")
    change = find_change(io.BytesIO(source.getvalue()), "fan-4000", of_fan)
    assert (change.records, [*change.days]) == (1, ["2026-01-20"])
    out = io.BytesIO()
    source.seek(0)
    write_without(out, source, "fan-4000", of_fan, change.summary, name="a.avro")
    written = list(container.split(io.BytesIO(out.getvalue())))
    assert [data for _, data in written[:4_000]] == encoded[:4_000]
    assert [data for _, data in written[4_001:]] == encoded[4_001:]
    assert written[4_000][0]["globalUserId"] == NAME
    header = container.read_header(io.BytesIO(out.getvalue()))
    assert header.summary == container.Summary(6_000, content_hash([data for _, data in written]))
    assert find_change(io.BytesIO(out.getvalue()), "fan-4000", of_fan) is None
