"""Pages of rows by their number, newest first: an index is walked from the edge of the page before,
and nothing is counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db.models import Model
from django.http import QueryDict

AFTER, BEFORE = "after", "before"
SIZE = 50
Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True)
class Edge:
    """Where a page begins: behind one row, or before another (then it is walked upwards)."""

    after: int | None = None
    before: int | None = None

    @property
    def bounds(self) -> dict[str, int]:
        """As a filter."""
        if self.before is not None:
            return {"pk__gt": self.before}
        return {} if self.after is None else {"pk__lt": self.after}

    @property
    def order(self) -> str:
        return "-pk" if self.before is None else "pk"


def edge_of(asked: QueryDict) -> Edge:
    """What an address asks for; another text is ignored."""
    return Edge(_number(asked.get(AFTER)), _number(asked.get(BEFORE)))


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else None


@dataclass(frozen=True)
class Listed(Generic[Row]):
    """A page, and the addresses of its neighbours; blank where there is none. `paging.html` takes
    it as `cl`.
    """

    rows: Sequence[Row]
    newer: str = ""
    older: str = ""


def listed(
    asked: QueryDict, found: Callable[[Edge, int], Iterable[Row]], *, size: int | None = None
) -> Listed[Row]:
    """The page that the address asks for. `found` gives the rows at an edge, in its order, at most
    so many.
    """
    edge, size = edge_of(asked), size or SIZE
    rows = sorted(found(edge, size + 1), key=lambda row: row.pk, reverse=edge.before is None)
    more = len(rows) > size
    rows = rows[:size]
    if edge.before is not None:
        rows.reverse()
    has_older = edge.before is not None or more
    has_newer = more if edge.before is not None else edge.after is not None
    return Listed(
        rows,
        address(asked, BEFORE, rows[0].pk) if rows and has_newer else "",
        address(asked, AFTER, rows[-1].pk) if rows and has_older else "",
    )


def address(asked: QueryDict, name: str, pk: Any) -> str:
    """The same page at another edge."""
    there = asked.copy()
    for edge in (AFTER, BEFORE):
        there.pop(edge, None)
    there[name] = str(pk)
    return f"?{there.urlencode()}"
