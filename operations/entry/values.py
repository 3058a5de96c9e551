"""Values as they may enter, whichever door they come through: files, forms, addresses, headers,
commands. Pure. [C-2]

Each function takes the key under which a value was given and the value, and returns it judged, or
raises BadValue with one line that names the key. What passes can be kept by PostgreSQL, read back
by Python and computed with.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any, Final

from operations import instants
from operations.errors import BadValue
from operations.instants import NaiveInstant, NotAnInstant

YEARS: Final = range(2000, 2201)  # of every date that is acted on
NOTIFY_YEARS: Final = range(2000, 2199)  # codes are valid for a year more [K-2]
FIRST_MOMENT: Final = datetime(YEARS.start, 1, 1, tzinfo=UTC)
BEHIND_ALL: Final = datetime(YEARS.stop, 1, 1, tzinfo=UTC)
BEHIND_NOTIFYING: Final = datetime(NOTIFY_YEARS.stop, 1, 1, tzinfo=UTC)
MOST_WHOLE: Final = 2**31 - 1  # what an integer column holds
MOST_DEPTH: Final = 50  # of JSON that people write
MOST_DIGITS: Final = 1_000  # of a number in JSON that are computed
SHOWN: Final = 60  # characters of a bad value that its message repeats
UNFIT: Final = re.compile("[\0\ud800-\udfff]")
UNFIT_TEXT: Final = "the text contains a NUL or an incomplete character. Remove it."


def is_unfit(text: str) -> bool:
    """Whether the text holds a NUL or a lone surrogate, which PostgreSQL cannot keep."""
    return UNFIT.search(text) is not None


def text(key: str, value: Any, *, longest: int | None = None) -> str:
    """A text of at most `longest` characters."""
    if not isinstance(value, str):
        raise BadValue(key, f"write a text in quotes, not {shown(value)}.")
    if is_unfit(value):
        raise BadValue(key, UNFIT_TEXT)
    if longest is not None and len(value) > longest:
        raise BadValue(
            key, f"the text has {len(value):,} characters. At most {longest:,} are allowed."
        )
    return value


def texts(key: str, value: Any, *, longest: int | None = None) -> list[str]:
    """A list of texts of at most `longest` characters each."""
    if not isinstance(value, list):
        raise BadValue(key, f'write a list of texts, such as ["A", "B"], not {shown(value)}.')
    return [text(key, each, longest=longest) for each in value]


def word(key: str, value: Any, allowed: Collection[str]) -> str:
    """One of the allowed words."""
    if not isinstance(value, str) or value not in allowed:
        raise BadValue(key, f"{shown(value)} is unknown. Use one of: {', '.join(allowed)}.")
    return value


def flag(key: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise BadValue(key, f"write true or false, not {shown(value)}.")
    return value


def whole(key: str, value: Any, *, most: int = MOST_WHOLE) -> int:
    """A whole number from 0 on; true and false are none."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadValue(key, f"write a whole number without quotes, not {shown(value)}.")
    if not 0 <= value <= most:
        raise BadValue(key, f"{shown(value)} is not a whole number from 0 to {most:,}.")
    return value


def whole_of_text(key: str, digits: str, *, most: int = MOST_WHOLE) -> int:
    """A whole number from its ASCII digits; what has too many of them is not even computed."""
    if not (digits.isascii() and digits.isdigit() and len(digits) <= len(str(most))):
        raise BadValue(key, f"{shown(digits)} is not a whole number from 0 to {most:,}.")
    return whole(key, int(digits), most=most)


def number(key: str, value: Any, *, most: float) -> float:
    """A number from 0 on; true, false and NaN are none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadValue(key, f"write a number without quotes, not {shown(value)}.")
    if not 0 <= value <= most:
        raise BadValue(key, f"{shown(value)} is not a number from 0 to {most:g}.")
    return value


def instant(key: str, value: Any, *, years: range = YEARS) -> datetime:
    """An ISO 8601 date and time with an offset, within these years in UTC."""
    try:
        found = instants.parse_typed(value if isinstance(value, str) else "")
    except NaiveInstant as error:
        raise BadValue(
            key, f"{shown(value)} has no time zone offset. Add one, such as Z or +01:00."
        ) from error
    except NotAnInstant as error:
        raise BadValue(
            key,
            f"{shown(value)} is not an ISO 8601 date and time, such as 2026-01-18T12:00:00Z.",
        ) from error
    return within(key, found, years=years)


def within(key: str, moment: datetime, *, years: range = YEARS) -> datetime:
    """The moment itself, within these years in UTC."""
    # the year as written first: at either end of the calendar there is no UTC to compute
    if moment.year not in years or moment.astimezone(UTC).year not in years:
        raise BadValue(
            key, f"the year {moment.year:04} is not allowed. Use {years[0]} to {years[-1]}."
        )
    return moment


def json_of(key: str, content: str | bytes) -> Any:
    """What JSON says, as `fit` lets it pass; `key` names where it is: a file, a message."""
    return fit(key, parsed(key, content))


def parsed(key: str, content: str | bytes) -> Any:
    """What JSON says, for those who judge its parts one by one (`fit`)."""
    try:
        return json.loads(content, parse_int=_computed)
    except RecursionError as error:
        raise BadValue(key, "the JSON is nested too deeply.") from error
    except ValueError as error:  # bytes that are not UTF-8 included
        raise BadValue(key, f"it is not JSON: {error}.") from error


def _computed(digits: str) -> int:
    """A whole number; of one with too many digits for Python the first, still beyond all bounds."""
    return int(digits[:MOST_DIGITS])


def fit(key: str, value: Any) -> Any:
    """The value of JSON itself, where every text in it can be kept and no honest writer needs more
    nesting. What cannot pass is named by its key at the top.
    """
    if isinstance(value, dict):
        for name, held in value.items():
            _require_fit(text(key, name), held)
    else:
        _require_fit(key, value)
    return value


def _require_fit(key: str, value: Any) -> None:
    left = [(value, 1)]
    while left:
        held, depth = left.pop()
        if isinstance(held, str):
            text(key, held)
        elif isinstance(held, dict | list):
            if depth > MOST_DEPTH:
                raise BadValue(key, "the JSON is nested too deeply.")
            inside = [*held, *held.values()] if isinstance(held, dict) else held
            left += [(each, depth + 1) for each in inside]


def shown(value: Any) -> str:
    """A bad value as its message repeats it: short, on one line."""
    if isinstance(value, dict | list):
        return "a list" if isinstance(value, list) else "an object"
    if isinstance(value, int) and abs(value) >= 2**64:
        return "a number with many digits"
    spelled = json.dumps(value) if value is None or isinstance(value, bool) else repr(value)
    return spelled if len(spelled) <= SHOWN else f"{spelled[:SHOWN]}…"
