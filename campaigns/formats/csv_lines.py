"""A CSV file read as tab-separated lines: each line stays one, whatever the bytes. [C-4, S-15]

Lines end with LF or CRLF, fields may be quoted as RFC 4180 says. A line that cannot be spelled so
(a tab in a field, a quote out of place) becomes one without any tab, so that whoever counts its
columns finds it malformed. So does each line of a field that holds line ends: none of them is lost,
and none is taken for a row. A quote that is never closed spoils its own line and no other.
"""

from __future__ import annotations

import re
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from campaigns.formats.score_rows import KEPT_OF_A_LONG_LINE, LONGEST_LINE

TAB, LF, CR, QUOTE, COMMA = b'\t\n\r",'
ESCAPES = {b"\t": b"\\t", b"\r": b"\\r"}
FIELD = rb'(?:"(?:[^"]++|"")*+"|[^",\n]*+)'
RECORD = re.compile(FIELD + rb"(?:," + FIELD + rb")*+\r?")
Bytes = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
Places = npt.NDArray[np.int64]


class TabSeparated:
    """Behind the header of a CSV file: what `scorelines.read_chunks` reads instead of a
    tab-separated file.

    Memory is that of a block: a record of more than LONGEST_LINE bytes is cut, or its first line
    taken for all of it.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._rest = file, b""

    def read(self, size: int) -> bytes:
        """The next lines, whole ones, made from about `size` bytes; nothing at the end of the
        file.
        """
        while read := self._file.read(size):
            lines, self._rest = as_lines(self._rest + read)
            if len(self._rest) > LONGEST_LINE:
                lines += _alone(self._rest)
                self._rest = self._after_this_line(size)
            if lines:
                return lines
        rest, self._rest = self._rest, b""
        return (
            as_lines(rest if rest.endswith(b"\n") else rest + b"\n", is_last=True)[0]
            if rest
            else b""
        )

    def _after_this_line(self, size: int) -> bytes:
        while read := self._file.read(size):
            end = read.find(b"\n")
            if end >= 0:
                return read[end + 1 :]
        return b""


def as_lines(block: bytes, *, is_last: bool = False) -> tuple[bytes, bytes]:
    """The lines of the whole records of a block, and what is left of it: a record that may go on in
    the next block.

    `is_last`: nothing comes behind, and the block ends with LF.
    """
    end = block.rfind(b"\n") + 1
    data = np.frombuffer(block, dtype=np.uint8, count=end)
    ends, quotes = np.flatnonzero(data == LF), np.flatnonzero(data == QUOTE)
    broken = np.zeros(len(ends), dtype=bool)
    if len(quotes):
        broken, end = _broken_by_quotes(block, ends, quotes, is_last=is_last)
        data, ends, quotes = data[:end], ends[ends < end], quotes[quotes < end]
        broken = broken[: len(ends)]
    return _written(block, data, ends, quotes, broken), block[end:]


def _broken_by_quotes(
    block: bytes, ends: Places, quotes: Places, *, is_last: bool
) -> tuple[Mask, int]:
    """Which lines hold an open quote, or a part of a field with line ends; and where the last whole
    record ends.

    A record with a line end in a field begins and ends with lines of an odd number of quotes: only
    those are looked at.
    """
    odd = np.flatnonzero(np.diff(np.searchsorted(quotes, ends), prepend=0) & 1).tolist()
    broken, at = np.zeros(len(ends), dtype=bool), 0
    while at < len(odd):
        first = odd[at]
        start = _start(ends, first)
        if at + 1 == len(odd) and not is_last and len(block) - start <= LONGEST_LINE:
            return broken, start  # the next block may close it
        last = odd[at + 1] if at + 1 < len(odd) else first
        record = block[start : int(ends[last])]
        closes = len(record) <= LONGEST_LINE and RECORD.fullmatch(record)
        broken[first : (last if closes else first) + 1] = True
        at += 2 if closes else 1
    return broken, int(ends[-1]) + 1 if len(ends) else 0


def _start(ends: Places, line: int) -> int:
    return int(ends[line - 1]) + 1 if line else 0


def _written(block: bytes, data: Bytes, ends: Places, quotes: Places, broken: Mask) -> bytes:
    """The lines: commas between fields as tabs, quotes around fields left out; the broken ones as
    they can be read.
    """
    text, keep = data.copy(), np.ones(len(data), dtype=bool)
    between, alone = data == COMMA, broken | _lines_with(ends, np.flatnonzero(data == TAB))
    if len(quotes):
        if broken.any():  # without them each line has an even number of quotes: every other closes
            quotes = quotes[~np.repeat(broken, np.diff(np.searchsorted(quotes, ends), prepend=0))]
        opens, closes = quotes[0::2], quotes[1::2]
        alone |= _lines_with(ends, _misplaced(data, opens, closes))
        keep[opens] = False
        keep[closes] = data[closes + 1] == QUOTE  # of a doubled quote the first stays
        between &= ~_inside(len(data), quotes)
    text[between] = TAB
    parts, behind = [], 0
    for line in np.flatnonzero(alone).tolist():
        start = _start(ends, line)
        parts += [
            text[behind:start][keep[behind:start]].tobytes(),
            _alone(block[start : int(ends[line])]),
        ]
        behind = int(ends[line]) + 1
    parts.append(text[behind:][keep[behind:]].tobytes() if len(quotes) else text[behind:].tobytes())
    return b"".join(parts)


def _lines_with(ends: Places, places: Places) -> Mask:
    mask = np.zeros(len(ends), dtype=bool)
    mask[np.searchsorted(ends, places)] = True
    return mask


def _inside(size: int, quotes: Places) -> Mask:
    """Which bytes follow an odd number of quotes."""
    marks = np.zeros(size, dtype=np.uint8)
    marks[quotes] = 1
    inside: Mask = (np.cumsum(marks, dtype=np.uint8) & 1).astype(bool)
    return inside


def _misplaced(data: Bytes, opens: Places, closes: Places) -> Places:
    """Quotes that neither open a field at its start nor close it at its end; within a field they
    stand twice.
    """
    at_an_edge = np.zeros(256, dtype=bool)
    at_an_edge[[COMMA, LF, QUOTE]] = True
    # the byte before the first is the last one, which is LF
    wrong_open = ~at_an_edge[data[opens - 1]]
    behind = data[closes + 1]
    ends_line = (behind == CR) & (data[np.minimum(closes + 2, len(data) - 1)] == LF)
    return np.concatenate((opens[wrong_open], closes[~at_an_edge[behind] & ~ends_line]))


def _alone(line: bytes) -> bytes:
    """A line as one column, for people to read."""
    text = line[:KEPT_OF_A_LONG_LINE].removesuffix(b"\r")
    for byte, name in ESCAPES.items():
        text = text.replace(byte, name)
    return text + b"\n"
