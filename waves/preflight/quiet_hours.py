"""Whether messages would reach fans at night, by the quiet hours of their campaign. Pure. [X-6,
C-1]
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from operations.entry.wall_clock import place
from waves.preflight.check import Check, judged, yellow

QUIET_HOURS: Final = "Quiet hours"


def judge_quiet_hours(
    hours: str, zones: Sequence[ZoneInfo], starts: datetime, duration: timedelta
) -> list[Check]:
    """No line where the campaign has none. `hours`: such as 21:00-08:00, by the clocks of each of
    the `zones` in which fans of the wave are. Yellow where sending begins within them, or is not
    over before they begin.
    """
    if not hours:
        return []
    found = [problem for zone in zones if (problem := _problem(hours, zone, starts, duration))]
    places = " and ".join(place(zone) for zone in zones)
    fine = f"Messages are sent outside of {hours.replace('-', ' to ')} in {places}."
    return [judged(QUIET_HOURS, [yellow(each) for each in found], fine=fine)]


def _problem(hours: str, zone: ZoneInfo, starts: datetime, duration: timedelta) -> str:
    """Empty where there is none."""
    begin, end = (time.fromisoformat(each) for each in hours.split("-"))
    first, last = starts.astimezone(zone), (starts + duration).astimezone(zone)
    words = f"{hours.replace('-', ' to ')} in {place(zone)}"
    if _is_within(first.time(), begin, end):
        return (
            f"Sending begins at {first:%H:%M}, in the quiet hours {words}. Change the notify date."
        )
    if last >= _next(begin, first):
        return (
            f"Sending takes until {last:%H:%M}, into the quiet hours {words}. Send earlier or"
            " faster."
        )
    return ""


def _is_within(now: time, begin: time, end: time) -> bool:
    """Hours that end before they begin go past midnight."""
    return begin <= now < end if begin <= end else now >= begin or now < end


def _next(begin: time, after: datetime) -> datetime:
    """When the clocks show this time next."""
    today = datetime.combine(after.date(), begin, after.tzinfo)
    return today if today > after else today + timedelta(days=1)
