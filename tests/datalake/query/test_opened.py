"""The files of a query, and the folder in which its process finds them. [L-8]"""

from __future__ import annotations

import os
import resource
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from datalake.avro import container, cutting
from datalake.avro.columns import encode
from datalake.errors import NoSuchObject, NotAvro, QueryRefused
from datalake.query import opened as opening
from datalake.query.opened import opened
from datalake.query.tables import Part
from datalake.records import schema_of
from datalake.storage import buckets
from operations.errors import JobStopped
from tests.support import cloud
from tests.support.lake import scoring_frame


class Disk(NamedTuple):
    free: int


def put(period, *, rows=1, name="a"):
    key = f"avro/scoring/{period}-{name}.avro"
    with buckets.campaign_data().writer(key) as out:
        container.write(out, schema_of("scoring"), encode("scoring", scoring_frame(rows)), name=key)
    return Part("scoring", period, key, buckets.campaign_data().size(key))


def links(folder):
    return sorted(str(each.parent.relative_to(folder)) for each in Path(folder).rglob("*.avro"))


def nothing(done, total):
    """Nobody watches."""


def test_a_process_finds_days_and_months_as_links_to_open_files():
    parts = [put("2026-01-20"), put("2026-01-21"), put("2025-12")]
    seen = []
    with opened(parts, ["scoring", "sale"], lambda *counts: seen.append(counts)) as files:
        assert links(files.folder) == [
            "scoring/days/partition_date=2026-01-20",
            "scoring/days/partition_date=2026-01-21",
            "scoring/months",
        ]
        assert (Path(files.folder) / "sale" / "days").is_dir()
        buckets.campaign_data().delete(parts[0].key)
        [link] = (Path(files.folder) / "scoring/days/partition_date=2026-01-20").iterdir()
        assert link.read_bytes().startswith(container.MAGIC)
    assert not Path(files.folder).exists()
    for number in files.numbers:
        with pytest.raises(OSError):
            os.fstat(number)
    assert seen == [(0, 3), (1, 3), (2, 3), (3, 3)]


def test_a_file_that_holds_most_of_the_records_is_read_in_two_parts(monkeypatch):
    monkeypatch.setattr(opening, "LARGE_BYTES", 1_000)
    parts = [put("2026-01-20", rows=container.RECORDS_PER_BLOCK * 3), put("2026-01-21")]
    with opened(parts, ["scoring"], nothing) as files:
        assert links(files.folder).count("scoring/days/partition_date=2026-01-20") == 2
        found, codecs = [], set()
        for name in sorted(Path(files.folder).rglob("*.avro")):
            with name.open("rb") as part:
                header = container.read_header(part)
                found.append(container.count_records(part, header.sync))
                codecs.add(header.codec)
    assert found == [container.RECORDS_PER_BLOCK * 2, container.RECORDS_PER_BLOCK, 1]
    assert codecs == {"null", "snappy"}


def test_its_parts_are_the_first_and_the_last_of_its_day(monkeypatch):
    """The engine gives each thread half of the files, in the order of their names."""
    monkeypatch.setattr(opening, "LARGE_BYTES", 1_000)
    large = put("2026-01-20", rows=container.RECORDS_PER_BLOCK * 3)
    late = [put("2026-01-20", name=name) for name in ("late", "later")]
    with opened([late[0], large, late[1]], ["scoring"], nothing) as files:
        names = sorted(Path(files.folder).rglob("*.avro"))
        assert [name.stat().st_size > 10_000 for name in names] == [True, False, False, True]


def test_a_file_that_would_take_too_much_of_the_disk_is_read_whole(monkeypatch):
    monkeypatch.setattr(opening, "LARGE_BYTES", 1_000)
    part = put("2026-01-20", rows=container.RECORDS_PER_BLOCK * 3)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: Disk(free=4 * part.bytes))
    with opened([part], ["scoring"], nothing) as files:
        [name] = Path(files.folder).rglob("*.avro")
        assert name.stat().st_size == part.bytes


@pytest.mark.parametrize("fails", ["the query", "a part"])
def test_l8_a_file_is_cut_no_further_when_its_query_is_stopped_or_a_part_fails(monkeypatch, fails):
    monkeypatch.setattr(opening, "LARGE_BYTES", 1_000)
    part, ended, before = put("2026-01-20", rows=container.RECORDS_PER_BLOCK * 3), [], open_files()

    def unpack(source, out, start, end, *, most_bytes, is_over):
        if fails == "a part" and end == part.bytes:
            raise NotAvro("damaged")
        ended.append(is_over.wait(30))  # as long as there are blocks

    def stopped(done, total):
        asked.append(done)
        if fails == "the query" and len(asked) == 2:
            raise JobStopped("cancel")

    asked = []
    monkeypatch.setattr(cutting, "unpack_part", unpack)
    with pytest.raises((JobStopped, NotAvro)), opened([part], ["scoring"], stopped):
        raise AssertionError
    assert ended == [True] * (2 if fails == "the query" else 1)
    assert open_files() == before


def test_a_query_is_stopped_while_the_blocks_of_its_largest_file_are_passed_over(monkeypatch):
    monkeypatch.setattr(opening, "LARGE_BYTES", 1_000)
    monkeypatch.setattr(cutting, "BLOCKS_BETWEEN_CHECKS", 1)
    monkeypatch.setattr(cutting, "unpack_part", None)
    part, asked, before = put("2026-01", rows=3 * container.RECORDS_PER_BLOCK), [], open_files()

    def stopped(*told):
        asked.append(told)
        if len(asked) == 3:  # the first is of the file, the others of its blocks
            raise JobStopped("cancel")

    with pytest.raises(JobStopped), opened([part], ["scoring"], stopped):
        raise AssertionError
    assert open_files() == before


def open_files():
    """How many this process has: what it cuts into has no name."""
    return len(list(Path("/proc/self/fd").iterdir()))


def test_files_of_about_the_same_size_are_left_whole(monkeypatch):
    monkeypatch.setattr(opening, "LARGE_BYTES", 1_000)
    parts = [put("2026-01-20", rows=5_001), put("2026-01-21", rows=5_001)]
    with opened(parts, ["scoring"], nothing) as files:
        assert len(files.numbers) == 2


def test_a_file_that_is_gone_closes_the_others():
    parts = [put("2026-01-20"), Part("scoring", "2026-01-21", "avro/scoring/gone.avro", 1)]
    before = open_files()
    with pytest.raises(NoSuchObject), opened(parts, ["scoring"], nothing):
        raise AssertionError
    assert open_files() == before


def test_more_files_than_a_process_may_open_are_refused(monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda which: (100, 100))
    parts = [Part("scoring", "2026-01-20", "a", 1)] * 50
    with (
        pytest.raises(QueryRefused, match="reads 52 files, and at most 36"),
        opened(parts, ["scoring"], nothing),
    ):
        raise AssertionError


def test_the_limit_of_open_files_is_raised_as_far_as_it_may(monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda which: (10, 4_096))
    raised = []
    monkeypatch.setattr(resource, "setrlimit", lambda which, limits: raised.append(limits))
    with opened([put("2026-01-20")], ["scoring"], nothing):
        assert raised == [(4_096, 4_096)]


def test_an_object_of_s3_is_read_from_a_copy_that_goes_with_the_query(settings, monkeypatch):
    """The process that reads it has no credentials. [L-8]"""
    with cloud.running(settings, monkeypatch):
        settings.STORAGES = settings.STORAGES | {"campaign-data": settings.STORAGES["scoring"]}
        part = put("2026-01-20")
        with opened([part], ["scoring"], nothing) as files:
            buckets.campaign_data().delete(part.key)
            [link] = Path(files.folder).rglob("*.avro")
            assert link.read_bytes().startswith(container.MAGIC)
            assert "deleted" in str(Path(f"/proc/self/fd/{files.numbers[0]}").readlink())
