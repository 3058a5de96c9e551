"""An object made of lines is written anew."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator

import pytest

from datalake.storage import buckets
from datalake.storage.rewriting import rewrite_lines


def shout(lines: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    for line in lines:
        yield (line.upper(), True) if line.startswith(b"x") else (line, False)


@pytest.mark.parametrize("packed", [False, True])
def test_only_what_changes_is_changed_and_packed_as_it_was(packed):
    text = b"a\r\nxy\n\nz"
    buckets.scoring().put("some/file", gzip.compress(text) if packed else text)
    assert rewrite_lines("some/file", shout) == 1
    found = buckets.scoring().open("some/file").read()
    assert (gzip.decompress(found) if packed else found) == b"a\r\nXY\n\nz"


def test_an_object_without_such_a_line_is_not_written():
    buckets.scoring().put("some/file", b"a\n")
    before = buckets.scoring().found("some/file")
    assert rewrite_lines("some/file", shout) == 0
    assert buckets.scoring().found("some/file") == before
