"""In which state a day of the lake is, and in which words. Pure. [L-3, L-4]"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

MOST_COUNTED = 1_000  # loose files of a day; a day has hundreds, and a page counts no millions


class DayState(StrEnum):
    """What a day's cell says, in the order of what needs a person."""

    REFUSED = "refused"
    LATE = "late"
    MERGING = "merging"
    FRAGMENTED = "fragmented"
    MERGED = "merged"
    ARCHIVED = "archived"
    SAVED = "saved"
    NOTHING = "nothing"


MEANINGS: Final[dict[str, str]] = {
    DayState.FRAGMENTED: "many small files, to be merged",
    DayState.LATE: "files came after the merge; the next merge takes them",
    DayState.MERGING: "is being merged",
    DayState.REFUSED: "the last merge was refused or failed; the files are unchanged",
    DayState.MERGED: "one file; the originals wait for the archive",
    DayState.ARCHIVED: "one file; the originals are in the archive",
    DayState.SAVED: "records of a type that is not merged",
}


@dataclass(frozen=True)
class Found:
    """What the catalogue says of one type and period: loose files (at most one more than
    MOST_COUNTED), whether a merged file is there, alone or in the month's, whether originals wait
    for the archive, and how its last merge stands.
    """

    loose: int = 0
    is_merged: bool = False
    is_in_month: bool = False
    has_originals: bool = False
    is_merging: bool = False
    error: str = ""


def state_of(found: Found, *, records: int, is_mergeable: bool) -> DayState:
    """The state of a day, or of a month's own file."""
    if not is_mergeable:
        return DayState.SAVED if records or found.loose else DayState.NOTHING
    if found.is_merging:
        return DayState.MERGING
    if found.loose:
        if found.error:
            return DayState.REFUSED
        is_late = found.is_merged or found.is_in_month
        return DayState.LATE if is_late else DayState.FRAGMENTED
    if found.is_merged or (found.is_in_month and (records or found.has_originals)):
        return DayState.MERGED if found.has_originals else DayState.ARCHIVED
    return DayState.NOTHING


def counted(number: int) -> str:
    """`12`, `1,000+`."""
    return f"{MOST_COUNTED:,}+" if number > MOST_COUNTED else f"{number:,}"


def short(number: int) -> str:
    """As a narrow cell has room for: 950, 12k, 1.2M."""
    for size, letter in ((1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k")):
        if number >= size:
            tenths = number * 10 // size
            return f"{tenths / 10:.1f}{letter}" if tenths < 100 else f"{tenths // 10}{letter}"
    return str(number)
