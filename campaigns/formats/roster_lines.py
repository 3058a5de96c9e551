"""A fan looked up in a roster, which is sorted, without reading it all: about 28 places of a roster
of two million fans. [S-10, O-10]
"""

from __future__ import annotations

from typing import BinaryIO


def lists(roster: BinaryIO, size: int, fan_ref: str) -> bool:
    """Whether one of the lines of the file, of so many bytes, is of this reference."""
    wanted, first, behind = f"{fan_ref}\t".encode(), 0, size
    while first < behind:
        middle = (first + behind) // 2
        if _line_from(roster, middle) < wanted:
            first = middle + 1
        else:
            behind = middle
    return _line_from(roster, first).startswith(wanted)


def _line_from(roster: BinaryIO, at: int) -> bytes:
    """The first line that begins at this place or behind it; behind the last one what sorts after
    all references.
    """
    roster.seek(max(at - 1, 0))
    if at:
        roster.readline()
    return roster.readline() or b"~"
