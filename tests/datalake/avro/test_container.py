from __future__ import annotations

import io
import os
import zlib

import fastavro
import polars as pl
import pytest

from datalake import records
from datalake.avro import columns, container
from datalake.choices import RecordType
from datalake.errors import NotAvro
from datalake.storage.unpacking import Bounds
from tests.support.avro_files import SYNC, made, part
from tests.support.lake import scoring_frame

SCHEMA = records.schema_of(RecordType.SCORING)


def file_of(frame: pl.DataFrame, name: str = "a") -> io.BytesIO:
    out = io.BytesIO()
    container.write(out, SCHEMA, columns.encode(RecordType.SCORING, frame), name=name)
    out.seek(0)
    return out


def summary_of(source: io.BytesIO) -> container.Summary:
    source.seek(0)
    summary = container.read_header(source).summary
    source.seek(0)
    assert summary
    return summary


def test_a_file_is_read_back_by_fastavro_and_by_polars():
    frame = scoring_frame(6_000)  # more than two blocks
    written = file_of(frame)
    assert list(fastavro.reader(written)) == frame.to_dicts()
    assert pl.read_avro(io.BytesIO(written.getvalue())).equals(frame)


def test_the_header_names_schema_codec_records_and_content():
    """[L-1, L-9]"""
    frame = scoring_frame(10)
    header = container.read_header(file_of(frame))
    assert (header.schema_name, header.codec, header.normalised) == ("scoring.v1", "snappy", True)
    assert header.summary == container.Summary(
        10, columns.content_hash(columns.encode(RecordType.SCORING, frame))
    )


def test_the_same_records_under_the_same_name_are_the_same_bytes():
    frame = scoring_frame(100)
    assert file_of(frame).getvalue() == file_of(frame).getvalue()
    assert file_of(frame, "a").getvalue() != file_of(frame, "b").getvalue()


def test_a_merge_copies_the_very_blocks_and_adds_counts_and_hashes():
    """[L-6, L-9]"""
    frame = scoring_frame(7_000)
    parts = [
        file_of(frame[:3_000], "a"),
        file_of(frame[3_000:3_001], "b"),
        file_of(frame[3_001:], "c"),
    ]
    total = container.Summary(
        7_000, columns.add_hashes([summary_of(part).content_hash for part in parts])
    )
    out = io.BytesIO()
    assert container.merge(out, SCHEMA, parts, summary=total, name="m") == 7_000
    out.seek(0)
    assert pl.read_avro(io.BytesIO(out.getvalue())).equals(frame)
    assert summary_of(out) == summary_of(file_of(frame))
    blocks = []
    for file in [*parts, out]:
        file.seek(0)
        blocks.append(list(container.raw_blocks(file, container.read_header(file).sync)))
    assert [block for file in blocks[:-1] for block in file] == blocks[-1]


def test_counting_needs_no_decoding_and_agrees():
    written = file_of(scoring_frame(5_001))
    assert container.count_records(written, container.read_header(written).sync) == 5_001


def test_headers_and_blocks_of_other_writers_are_understood():
    out = io.BytesIO()
    rows = scoring_frame(50).to_dicts()
    fastavro.writer(
        out, fastavro.parse_schema(dict(SCHEMA.avro)), rows, codec="deflate", sync_interval=500
    )
    out.seek(0)
    header = container.read_header(out)
    assert (header.codec, header.schema_name, header.summary, header.normalised) == (
        "deflate",
        None,
        None,
        False,
    )
    assert sum(count for count, _ in container.raw_blocks(out, header.sync)) == 50
    out.seek(0)
    assert list(container.read_records(out)) == rows


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"Obj",
        b"PK\x03\x04zip",
        b"Obj\x01",
        b"Obj\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        b"Obj\x01\x00" + b"s" * 16,
        b"Obj\x01" + columns.varint(2**60) + (part(b"key") + part(bytes(60_000))) * 20,
        b"Obj\x01" + columns.varint(1) + columns.varint(2**60),
        made(b"[" * 100_000),
        made(b"9" * 5_000),
        made(b"{}", **{"fairwave.records": b"many"}),
    ],
)
def test_what_is_no_container_file_is_refused(content):
    with pytest.raises(NotAvro):
        container.read_header(io.BytesIO(content))


@pytest.mark.parametrize("lost", [1, 16, 17, 500])
def test_a_file_that_breaks_off_is_refused(lost):
    broken = io.BytesIO(file_of(scoring_frame(1_000)).getvalue()[:-lost])
    header = container.read_header(broken)
    with pytest.raises(NotAvro):
        list(container.raw_blocks(broken, header.sync))
    broken.seek(0)
    with pytest.raises(NotAvro):
        list(container.split(broken))


def test_a_file_is_taken_apart_into_records_and_their_bytes_and_put_together_again_the_same():
    """[X-11] 6,000 records are three blocks."""
    frame = scoring_frame(6_000)
    whole = file_of(frame)
    parts = list(container.split(whole))
    assert [data for _, data in parts] == columns.encode(RecordType.SCORING, frame)
    whole.seek(0)
    assert [record for record, _ in parts] == list(container.read_records(whole))
    whole.seek(0)
    again = io.BytesIO()
    container.write(
        again, container.read_header(whole).as_schema, [data for _, data in parts], name="a"
    )
    assert again.getvalue() == whole.getvalue()


def test_a_file_of_others_or_a_damaged_one_is_not_taken_apart():
    damaged = bytearray(file_of(scoring_frame(1_000)).getvalue())
    damaged[-21] ^= 255  # the checksum stands before the sync marker
    with pytest.raises(NotAvro, match="checksum of a block does not match"):
        list(container.split(io.BytesIO(bytes(damaged))))
    foreign = io.BytesIO()
    fastavro.writer(foreign, dict(SCHEMA.avro), [])
    foreign.seek(0)
    with pytest.raises(NotAvro, match="does not name one of its schemas"):
        _ = container.read_header(foreign).as_schema
    forged = made(["null"], **{"fairwave.schema": b"scoring.v1"})
    with pytest.raises(NotAvro, match="its schema is not a record"):
        _ = container.read_header(io.BytesIO(forged)).as_schema


def test_a_damaged_block_is_refused_when_decoded():
    damaged = bytearray(file_of(scoring_frame(1_000)).getvalue())
    damaged[-100] ^= 255
    with pytest.raises(NotAvro):
        list(container.read_records(io.BytesIO(bytes(damaged))))


@pytest.mark.parametrize(
    ("block", "why"),
    [
        (columns.varint(-1) + part(b""), "declared to hold -1 records"),
        (columns.varint(1) + columns.varint(-1), "declared to have -1 bytes"),
        (columns.varint(1) + columns.varint(2**60), "bytes; the limit is"),
    ],
)
def test_blocks_that_declare_what_cannot_be_are_refused(block, why):
    """[L-3]"""
    content = made(dict(SCHEMA.avro)) + block + SYNC
    for reader in (container.count_records, lambda *of: list(container.raw_blocks(*of))):
        source = io.BytesIO(content)
        with pytest.raises(NotAvro, match=why):
            reader(source, container.read_header(source).sync)


def test_a_file_may_not_unpack_to_many_times_its_size_in_many_blocks(monkeypatch):
    """[L-3]"""
    monkeypatch.setattr(container, "BOUNDS", Bounds(100_000, 100, 150_000))
    schema = {"type": "record", "name": "r", "fields": [{"name": "text", "type": "string"}]}
    packed = zlib.compress(part(bytes(90_000)))[2:-4]
    one, two = ((1, packed),), ((1, packed), (1, packed))
    assert len(list(container.read_records(io.BytesIO(made(schema, *one, codec="deflate"))))) == 1
    with pytest.raises(NotAvro, match="more than 100 times its size"):
        list(container.read_records(io.BytesIO(made(schema, *two, codec="deflate"))))
    large = zlib.compress(os.urandom(2_000) + bytes(99_000))[2:-4]
    with pytest.raises(NotAvro, match="more than 100,000 bytes"):
        list(container.read_records(io.BytesIO(made(schema, (1, large), codec="deflate"))))
