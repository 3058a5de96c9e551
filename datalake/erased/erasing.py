"""What every step of an erasure is given and says: whose traces it looks for, and where it found
them. [X-11]
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Final

from datalake.errors import EraseLater
from operations.instants import stamp

FILE, TABLE = "file", "table"
GONE: Final = "[erased]"
LEAST_TELLING: Final = 8  # characters of a member id that is searched for in texts


@dataclass(frozen=True)
class Place:
    """Something that held the fan: `name` is an object's key or a table's name; `count` its lines,
    records or rows.
    """

    area: str
    what: str
    name: str
    count: int


@dataclass(frozen=True)
class Left:
    """What an erasure did not reach, how much of it (None = not counted), and why."""

    place: str
    count: int | None
    why: str


Touch = Callable[[Place], object]


@dataclass(frozen=True)
class Sought:
    """An erased fan while the erasure works: the id, which erasure of theirs it is, and of the
    contacts and member ids that were known of them those that are nobody else's word.

    What the fan did after the erasure was `asked_for` is new, and stays: registrations of a later
    date, unless it lies in the future still, and the records that `is_of_row` knows: of rows that
    stay, which are asked each time, because more may come while the erasure works.
    """

    fan_id: str
    number: int
    contacts: frozenset[str] = frozenset()
    asked_for: datetime | None = None
    is_of_row: Callable[[Mapping[str, Any]], bool] = lambda record: False

    @cached_property
    def words(self) -> re.Pattern[str]:
        """The id or a contact as a word of its own, as people and programs write it into texts."""
        each = sorted({self.fan_id, *self.contacts}, key=len, reverse=True)
        some = "|".join(re.escape(word) for word in each)
        return re.compile(rf"(?<![\w.+-])(?:{some})(?![\w-])", re.IGNORECASE)

    def named_in(self, text: str) -> bool:
        return bool(self.words.search(text))

    def taken_out(self, text: str) -> str:
        """The text with GONE in the place of the id and the contacts."""
        return self.words.sub(GONE, text)

    def with_contacts(self, contacts: Iterable[Any]) -> Sought:
        more = frozenset(str(each) for each in contacts if each and _is_telling(str(each)))
        return replace(self, contacts=self.contacts | more)

    def keeps(self, record: Mapping[str, Any]) -> bool:
        """Whether a record of the fan is of something new."""
        if record.get("type") != "registration":
            return self.is_of_row(record)
        date = record.get("date")
        created = date.get("created") if isinstance(date, Mapping) else None
        if self.asked_for is None or not isinstance(created, str):
            return False
        asked_for, now = (stamp(each) for each in (self.asked_for, datetime.now(UTC)))
        return asked_for < str(created) <= now


def _is_telling(contact: str) -> bool:
    """Whether a text that has it as a word speaks of the fan. Where no member id is known, services
    send placeholders like 0, 10 or undefined, which are everywhere.
    """
    is_number = len(contact) >= LEAST_TELLING and any(each.isdigit() for each in contact)
    return "@" in contact or contact.startswith("+") or is_number


def refuse_while(held: bool, why: str) -> None:
    """Raises EraseLater where somebody is at work with the fan's rows: the erasure is tried again
    by itself.
    """
    if held:
        raise EraseLater(why)
