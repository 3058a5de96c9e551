"""The first line of a file tells whether it is lines of text at all. [S-1, C-4, S-15]"""

from __future__ import annotations

import io

import pytest

from campaigns.errors import UnreadableFile
from campaigns.formats.headers import LONGEST_HEADER, first_line_of


@pytest.mark.parametrize("line", [b"", b"a\tb\n", b"a,b\r\n", b"a,b", b"a,b\r", b"\x89PNG\r\n"])
def test_a_line_is_given_as_it_is(line):
    file = io.BytesIO(line + (b"1,2\n" if line.endswith(b"\n") else b""))
    assert first_line_of(file) == line


@pytest.mark.parametrize("rows", [1, LONGEST_HEADER])
def test_lines_that_end_with_cr_alone_are_refused(rows):
    with pytest.raises(UnreadableFile, match="end with CR alone"):
        first_line_of(io.BytesIO(b"a,b\r" + b"1,2\r" * rows))


@pytest.mark.parametrize("content", [b"x" * LONGEST_HEADER, b"\x00\r" * LONGEST_HEADER])
def test_what_has_no_line_ends_is_refused(content):
    with pytest.raises(UnreadableFile, match="longer than 64 KiB"):
        first_line_of(io.BytesIO(content))
