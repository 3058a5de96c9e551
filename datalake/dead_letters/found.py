"""Dead letters as a person or a job asks for them: by state, consumer, place, reason and time.

However many there are, a page looks at one stretch of an index of at most WINDOW letters; where it
finds fewer than it shows, it says how far it looked, and the next page goes on from there. [T-1]
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, Self

from django.db.models import Q, QuerySet

from datalake.choices import StreamName
from datalake.models import DeadLetter
from datalake.queues.rows import LETTERS_OF
from operations.database.statements import first_row, rows

WINDOW = 20_000
MOST_REASONS, MOST_COUNTED = 50, 1_000
QUEUES, FILES = "queues", "files"
PLACES: Final = (*StreamName.values, QUEUES, FILES)
STATES: Final[Mapping[str, str]] = {
    "waiting": "replayed_at IS NULL AND dropped_at IS NULL",
    "replayed": "replayed_at IS NOT NULL",
    "settled": "dropped_at IS NOT NULL",
}
# letters of a batch are numbered and stamped by several processes: their order in time may differ
# from that of their numbers by as much
DISORDER = timedelta(hours=1)
_SHOWN = "id, consumer, source, position, index, error, created_at, replayed_at, dropped_at"


@dataclass(frozen=True)
class Asked:
    """What is asked for; empty parts narrow nothing. `place` is a stream, `queues` or `files`;
    `like` is the number of a letter whose reason the others have; both days, in UTC, belong to it.
    """

    state: str = "waiting"
    consumer: str = ""
    place: str = ""
    like: int = 0
    since: date | None = None
    until: date | None = None

    def as_json(self) -> dict[str, Any]:
        """For the arguments of a job; what narrows nothing is left out."""
        return {
            name: value.isoformat() if isinstance(value, date) else value
            for name, value in asdict(self).items()
            if value
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Self:
        days = {name: date.fromisoformat(kept[name]) for name in ("since", "until") if name in kept}
        return cls(**{**kept, **days})

    @property
    def reason(self) -> str | None:
        """The reason of the letter that is named; None where that is gone, or none is named."""
        named = DeadLetter.objects.filter(pk=self.like)
        return named.values_list("error", flat=True).first() if self.like else None


@dataclass(frozen=True)
class Reason:
    """Why letters wait: one of them, and how many there are, at most one more than MOST_COUNTED."""

    error: str
    letter: int
    count: int


@dataclass(frozen=True)
class Stretch:
    """Letters that were found, in the order that was asked for. `searched_to` is the number of the
    last letter that was looked at, where there may be more behind it.
    """

    letters: Sequence[DeadLetter]
    searched_to: int | None = None


def stretch(
    asked: Asked, *, after: int | None = None, before: int | None = None, most: int
) -> Stretch:
    """Letters with smaller numbers than `after`, newest first; or greater ones than `before`,
    oldest first.
    """
    narrowed = _narrowed(asked)
    near, far, values = narrowed.near, narrowed.far, narrowed.values
    is_upwards = before is not None
    if after is not None or before is not None:
        near.append(narrowed.beside(">" if is_upwards else "<", "edge"))
    values |= {"edge": before if is_upwards else after, "window": WINDOW, "most": most}
    order, direction = narrowed.order, "ASC" if is_upwards else "DESC"
    along = ", ".join(f"{name} {direction}" for name in order)
    looked = (
        f"SELECT {_SHOWN} FROM datalake_deadletter WHERE {' AND '.join(near)}"  # noqa: S608 ours
        f" ORDER BY {along} LIMIT %(window)s"
    )
    found = list(
        DeadLetter.objects.raw(
            f"SELECT {_SHOWN} FROM ({looked}) AS looked WHERE {' AND '.join(far)}"  # noqa: S608 ours
            f" ORDER BY id {direction} LIMIT %(most)s",
            values,
        )
    )
    if len(found) == most:
        return Stretch(found)
    end = "max" if is_upwards else "min"
    last = first_row(f"SELECT count(*), {end}(id) FROM ({looked}) AS looked", **values)  # noqa: S608 ours
    count, searched_to = last or (0, None)
    return Stretch(found, searched_to if count == WINDOW else None)


@dataclass
class _Narrowed:
    """What one index answers (`near`), what is asked of the letters that it finds (`far`), and the
    values. `by` is the column that leads the index, where it is not the number alone.

    The planner is left no choice of the index: letters of one reason may all be old, which it does
    not know.
    """

    near: list[str]
    far: list[str]
    values: dict[str, Any]
    by: str = ""

    @property
    def order(self) -> list[str]:
        return [self.by, "id"] if self.by else ["id"]

    def beside(self, sign: str, name: str) -> str:
        """The numbers on one side of a value, as a place in the index."""
        if self.by:
            return f"({self.by}, id) {sign} (%({self.by})s, %({name})s)"
        return f"id {sign} %({name})s"


def _narrowed(asked: Asked) -> _Narrowed:
    found = _Narrowed(["TRUE"], ["TRUE"], {})
    is_waiting = asked.state == "waiting"
    if asked.state in STATES:
        (found.near if is_waiting else found.far).append(STATES[asked.state])
    for column, value in (("error", asked.like and asked.reason), ("consumer", asked.consumer)):
        if value is None or value:
            found.values[column] = value
            if is_waiting and not found.by:
                found.by = column
                found.near.append(f"{column} BETWEEN %({column})s AND %({column})s")
            else:
                found.far.append(f"{column} = %({column})s")
    if asked.place in PLACES:
        found.far.append("(source = %(place)s OR starts_with(source, %(within)s))")
        found.values |= {"place": asked.place, "within": _within(asked.place)}
    if asked.since:
        since = _begin(asked.since)
        found.values |= {"since": since, "first": _number_at(since - DISORDER)}
        found.near.append(found.beside(">=", "first"))
        found.far.append("created_at >= %(since)s")
    if asked.until:
        until = _begin(asked.until) + timedelta(days=1)
        found.values |= {"until": until, "last": _number_at(until + DISORDER)}
        found.near.append(found.beside("<=", "last"))
        found.far.append("created_at < %(until)s")
    return found


def _within(place: str) -> str:
    return {QUEUES: LETTERS_OF, FILES: "file:"}.get(place, f"{place}/")


def _begin(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _number_at(moment: datetime) -> int:
    """The number of the last letter up to this time; 0 if there is none."""
    found = DeadLetter.objects.filter(created_at__lte=moment).order_by("-created_at", "-pk")
    return found.values_list("pk", flat=True).first() or 0


def matching(asked: Asked) -> QuerySet[DeadLetter]:
    """All of them, for a job."""
    letters = DeadLetter.objects.all()
    if asked.state == "waiting":
        letters = letters.waiting()
    elif asked.state in STATES:
        name = {"replayed": "replayed_at", "settled": "dropped_at"}[asked.state]
        letters = letters.filter(**{f"{name}__isnull": False})
    if asked.like:
        letters = letters.filter(error=asked.reason)
    if asked.consumer:
        letters = letters.filter(consumer=asked.consumer)
    if asked.place in PLACES:
        within = Q(source=asked.place) | Q(source__startswith=_within(asked.place))
        letters = letters.filter(within)
    if asked.since:
        letters = letters.filter(created_at__gte=_begin(asked.since))
    if asked.until:
        letters = letters.filter(created_at__lt=_begin(asked.until) + timedelta(days=1))
    return letters


def reasons() -> list[Reason]:
    """The reasons of the letters that wait, by the alphabet, at most MOST_REASONS: from each to the
    next along the index.
    """
    found = rows(
        """WITH RECURSIVE reasons AS (
               (SELECT error, id, 1 AS number FROM datalake_deadletter
                   WHERE replayed_at IS NULL AND dropped_at IS NULL ORDER BY error, id LIMIT 1)
               UNION ALL
               SELECT following.error, following.id, reasons.number + 1 FROM reasons, LATERAL (
                   SELECT error, id FROM datalake_deadletter
                       WHERE replayed_at IS NULL AND dropped_at IS NULL
                           AND error > reasons.error ORDER BY error, id LIMIT 1) AS following
                   WHERE reasons.number < %(most)s)
           SELECT error, id, (SELECT count(*) FROM (
               SELECT FROM datalake_deadletter AS same
                   WHERE replayed_at IS NULL AND dropped_at IS NULL
                       AND same.error BETWEEN reasons.error AND reasons.error
                   ORDER BY same.error, same.id LIMIT %(counted)s) AS some_of_them)
           FROM reasons ORDER BY number""",
        most=MOST_REASONS,
        counted=MOST_COUNTED + 1,
    )
    return [Reason(*each) for each in found]


def consumers() -> list[str]:
    """The consumers whose letters wait."""
    found = rows(
        """WITH RECURSIVE names AS (
               (SELECT consumer FROM datalake_deadletter
                   WHERE replayed_at IS NULL AND dropped_at IS NULL ORDER BY consumer LIMIT 1)
               UNION ALL
               SELECT (SELECT consumer FROM datalake_deadletter
                   WHERE replayed_at IS NULL AND dropped_at IS NULL
                       AND consumer > names.consumer ORDER BY consumer LIMIT 1)
               FROM names WHERE names.consumer IS NOT NULL)
           SELECT consumer FROM names WHERE consumer IS NOT NULL"""
    )
    return [name for (name,) in found]


def waiting_of_each() -> dict[str, int]:
    """Consumer → how many of its letters wait, at most one more than MOST_COUNTED."""
    return {
        name: len(
            DeadLetter.objects.waiting()
            .filter(consumer__gte=name, consumer__lte=name)
            .order_by("consumer", "pk")
            .values_list("pk", flat=True)[: MOST_COUNTED + 1]
        )
        for name in consumers()
    }
