"""What the clocks of a time zone show → the instant that a person means. Pure. [C-1]"""

from __future__ import annotations

import zoneinfo
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from zoneinfo import ZoneInfo

from operations.entry import values
from operations.errors import BadValue


def instant_of(
    key: str, shown: datetime, zone: ZoneInfo, *, years: range = values.YEARS
) -> datetime:
    """The instant, in UTC, at which the clocks of `zone` show this date and time, given without a
    zone. Raises BadValue for a year that is not allowed, and for a time that they skip or show
    twice.
    """
    # before any zone is asked: at either end of the calendar there is no UTC
    values.within(key, shown.replace(tzinfo=UTC), years=years)
    first, second = (shown.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    shift = (second.utcoffset() or timedelta()) - (first.utcoffset() or timedelta())
    if shift:
        said = "never show" if shift > timedelta() else "show twice"
        way = "forward" if shift > timedelta() else "back"
        raise BadValue(
            key,
            f"the clocks in {place(zone)} {said} {in_words(shown)}, because they go {way} then."
            f" Enter a different time, such as {in_words(shown + abs(shift))}.",
        )
    return first.astimezone(UTC)


def in_words(shown: datetime) -> str:
    """`8 Mar 2026, 02:30`, as the pages write it."""
    return f"{shown:%-d %b %Y, %H:%M}"


def place(zone: ZoneInfo) -> str:
    """America/New_York → New York."""
    return zone.key.rpartition("/")[2].replace("_", " ")


def zone_named(key: str, name: str) -> ZoneInfo:
    """The time zone of this name. Raises BadValue, with the name that may be meant."""
    known = zoneinfo.available_timezones()
    if name in known:
        return ZoneInfo(name)
    places = {each.rpartition("/")[2].replace("_", " ").lower(): each for each in sorted(known)}
    wanted = name.rpartition("/")[2].replace("_", " ").strip().lower()
    meant = get_close_matches(wanted, places, n=1, cutoff=0.8)
    such_as = places[meant[0]] if meant else "America/New_York"
    raise BadValue(key, f"{values.shown(name)} is not a time zone. Use a name such as {such_as}.")
