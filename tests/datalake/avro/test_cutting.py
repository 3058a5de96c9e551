"""A large file as several, cut between blocks. [L-8]"""

from __future__ import annotations

import io

import fastavro
import pytest

from datalake.avro import container, cutting
from datalake.avro.columns import encode
from datalake.errors import NotAvro
from datalake.records import schema_of
from tests.support.lake import scoring_frame

BLOCK = container.RECORDS_PER_BLOCK


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
        for start, end in cutting.cut(source, count):
            source.seek(0)
            out = io.BytesIO()
            cutting.copy_part(source, out, start, end)
            out.seek(0)
            found.append([each["globalUserId"] for each in fastavro.reader(out)])
            source.seek(0)
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
