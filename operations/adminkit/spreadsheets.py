"""Cells that a spreadsheet would run: made harmless for people's downloads, and read back as they
were meant. [O-7]
"""

from __future__ import annotations

from typing import Final

# Spreadsheets take a cell that begins so for a formula; full-width forms are turned into these by
# some of them.
# Python's reader of CSV gives up at 131,072 characters; a rejected line may have 1 MiB, and its
# bytes that are not UTF-8 are written with four characters each.
LONGEST_CELL: Final = 8 << 20

RUN_BY_SPREADSHEETS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def neutralised(cell: str) -> str:
    """The cell, with an apostrophe before what a spreadsheet would run. Phone numbers get one too,
    and so keep their plus.
    """
    return f"'{cell}" if cell.startswith(RUN_BY_SPREADSHEETS) else cell


def as_meant(cell: str) -> str:
    """The cell without the apostrophe that `neutralised` put before it, if there is one."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(RUN_BY_SPREADSHEETS) else cell
