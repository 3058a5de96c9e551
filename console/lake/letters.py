"""Which dead letters a page shows, and how a record is shown. [T-1, O-5]"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from django.http import QueryDict

from console.lake.keyset import SIZE, address, edge_of
from datalake.dead_letters import found
from datalake.dead_letters.found import PLACES, STATES, Asked
from datalake.models import DeadLetter
from operations.adminkit.masking import DOT
from operations.adminkit.plaintext import visible

LONGEST_NUMBER = 18
ALL = "all"


@dataclass(frozen=True)
class Page:
    """Letters, newest first, and the addresses of the neighbours; `searched_to` where there are too
    many others in between.
    """

    rows: Sequence[DeadLetter]
    newer: str = ""
    older: str = ""
    is_cut: bool = False


def asked_for(values: Mapping[str, str]) -> Asked:
    """What an address or a form asks for; what it asks for and cannot have is ignored."""
    state, place, like = values.get("state", ""), values.get("place", ""), values.get("like", "")
    return Asked(
        state=state if state in (*STATES, ALL) else "waiting",
        consumer=values.get("consumer", "")[:40].replace("\0", ""),
        place=place if place in PLACES else "",
        like=int(like) if like.isascii() and like.isdigit() and len(like) <= LONGEST_NUMBER else 0,
        since=_day(values.get("since", "")),
        until=_day(values.get("until", "")),
    )


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 1971 <= day.year <= 9998 else None


def page_of(asked: Asked, query: QueryDict) -> Page:
    """The page of these letters at the edge that the query names."""
    edge = edge_of(query)
    looked = found.stretch(asked, after=edge.after, before=edge.before, most=SIZE + 1)
    backwards = edge.before is not None
    more, letters = len(looked.letters) > SIZE, list(looked.letters[:SIZE])
    if backwards:
        letters.reverse()
    first, last = (letters[0].pk, letters[-1].pk) if letters else (None, None)
    if looked.searched_to is not None:
        first, last = (looked.searched_to, last) if backwards else (first, looked.searched_to)
    further = more or looked.searched_to is not None
    has_newer = further if backwards else edge.after is not None
    has_older = backwards or further
    if first is None and has_newer:
        first = edge.after
    if last is None and has_older:
        last = edge.before
    return Page(
        letters,
        address(query, "before", first) if first is not None and has_newer else "",
        address(query, "after", last) if last is not None and has_older else "",
        looked.searched_to is not None,
    )


def record_of(letter: DeadLetter, *, shown: bool) -> str:
    """The record as JSON in lines. It may hold anything, an address in the wrong field too: without
    the right to see it, it is hidden as a whole.
    """
    if not shown:
        return DOT * min(len(letter.record), 12)
    return visible(json.dumps(json.loads(letter.record), indent=2, ensure_ascii=False))
