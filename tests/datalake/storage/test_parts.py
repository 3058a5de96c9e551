"""A large object of which only parts are read."""

from __future__ import annotations

import io
import zipfile

import pytest

from datalake.errors import NoSuchObject
from datalake.storage.parts import AT_LEAST, read_in_parts


def test_a_part_of_a_large_object_is_read_without_the_rest():
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for number in range(20):
            archive.writestr(f"{number}", f"{number}" * AT_LEAST)
    whole, fetched = made.getvalue(), []

    def fetch(start: int, end: int) -> bytes:
        fetched.append((start, end))
        return whole[start:end]

    with zipfile.ZipFile(read_in_parts(len(whole), fetch)) as archive:
        assert archive.read("3") == b"3" * AT_LEAST
    assert sum(end - start for start, end in fetched) <= 4 * AT_LEAST
    assert all(end <= len(whole) for _, end in fetched)


def test_both_kinds_of_buckets_give_parts(bucket):
    bucket.put("a/b", b"0123456789")
    with bucket.open_parts("a/b") as file:
        file.seek(-3, io.SEEK_END)
        assert (file.tell(), file.read(2), file.read()) == (7, b"78", b"9")
        file.seek(2)
        assert (file.read(3), file.seek(50), file.read()) == (b"234", 50, b"")
    with pytest.raises(NoSuchObject):
        bucket.open_parts("a/c")
