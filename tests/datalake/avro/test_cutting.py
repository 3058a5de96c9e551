"""A large file as several, cut between blocks. [L-8]"""

from __future__ import annotations

import io
from threading import Event

import fastavro
import pytest

from datalake.avro import container, cutting
from datalake.avro.columns import encode
from datalake.errors import NotAvro
from datalake.records import schema_of
from datalake.storage.unpacking import TooManyBytes
from tests.support.lake import scoring_frame

BLOCK = container.RECORDS_PER_BLOCK
MOST = 100 << 20


@pytest.fixture
def made(tmp_path):
    def made(rows):
        path = tmp_path / "a.avro"
        with path.open("wb") as out:
            encoded = encode("scoring", scoring_frame(rows))
            container.write(out, schema_of("scoring"), encoded, name="a")
        return path

    return made


def parts_of(path, count):
    found = []
    with path.open("rb") as source:
        for span in cutting.cut(source, count):
            out = io.BytesIO()
            cutting.unpack_part(source, out, *span, most_bytes=MOST, is_over=Event())
            out.seek(0)
            records = fastavro.reader(out)
            assert records.codec == "null"
            found.append([each["globalUserId"] for each in records])
    return found


@pytest.mark.parametrize(
    ("rows", "parts", "sizes"),
    [
        (4 * BLOCK, 2, [2 * BLOCK, 2 * BLOCK]),
        (2 * BLOCK + 1, 3, [BLOCK, BLOCK, 1]),
        (3 * BLOCK, 2, [2 * BLOCK, BLOCK]),
        (10, 2, [10]),
    ],
)
def test_parts_hold_each_record_once_in_its_order(made, rows, parts, sizes):
    found = parts_of(made(rows), parts)
    assert [len(part) for part in found] == sizes
    assert [each for part in found for each in part] == [f"fan-{number}" for number in range(rows)]


def test_a_file_without_records_has_no_parts(made):
    assert parts_of(made(0), 2) == []


def test_a_damaged_file_is_refused(made):
    path = made(3 * BLOCK)
    path.write_bytes(path.read_bytes()[:-1])
    with path.open("rb") as source, pytest.raises(NotAvro):
        cutting.cut(source, 2)


def test_a_part_is_unpacked_no_further_than_allowed(made):
    with made(3 * BLOCK).open("rb") as source:
        [span] = cutting.cut(source, 1)
        whole = io.BytesIO()
        cutting.unpack_part(source, whole, *span, most_bytes=MOST, is_over=Event())
        with pytest.raises(TooManyBytes):
            cutting.unpack_part(
                source, io.BytesIO(), *span, most_bytes=whole.tell() - 100, is_over=Event()
            )


def test_a_part_that_is_not_wanted_any_more_ends_with_its_block(made):
    is_over, out = Event(), io.BytesIO()
    is_over.set()
    with made(3 * BLOCK).open("rb") as source:
        [span] = cutting.cut(source, 1)
        cutting.unpack_part(source, out, *span, most_bytes=MOST, is_over=is_over)
    out.seek(0)
    assert sum(1 for _ in fastavro.reader(out)) == BLOCK


def test_a_damaged_block_is_refused(made):
    path = made(3 * BLOCK)
    with path.open("rb") as source:
        spans = cutting.cut(source, 2)
        damaged = bytearray(path.read_bytes())
        damaged[spans[1][0] + 1_000] ^= 1
        path.write_bytes(damaged)
        cutting.unpack_part(source, io.BytesIO(), *spans[0], most_bytes=MOST, is_over=Event())
        with pytest.raises(NotAvro, match="a block"):
            cutting.unpack_part(source, io.BytesIO(), *spans[1], most_bytes=MOST, is_over=Event())
