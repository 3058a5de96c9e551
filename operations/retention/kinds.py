"""The kinds of rows that are kept for a time: each app registers its own in its AppConfig.ready().
[O-10]
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from operations.database.statements import run

# Yields how many rows it deleted, each time in a transaction of the caller's: one `next` is one
# small transaction. Given the time up to which rows are old.
Deleting = Callable[[datetime], Iterator[int]]


@dataclass(frozen=True)
class Kept:
    """One kind: what people call its rows, the setting that says for how many days they are kept,
    and what deletes the old ones.
    """

    rows: str
    setting: str
    delete_old: Deleting


def until_none(statement: str, *, most: int, **values: object) -> Iterator[int]:
    """Run a statement that deletes at most `most` rows until it finds none; how many, each time."""
    while deleted := run(statement, most=most, **values):
        yield deleted


_KINDS: dict[str, Kept] = {}


def register(kinds: Iterable[Kept]) -> None:
    _KINDS.update({kind.rows: kind for kind in kinds})


def registered() -> list[Kept]:
    """All kinds, in the order in which they are pruned."""
    return list(_KINDS.values())
