"""Whether messages would reach fans at night, by the quiet hours of their campaign. Pure. [X-6,
C-1]
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from operations.entry.wall_clock import place
from waves.preflight.check import Check, Color

QUIET_HOURS: Final = "Quiet hours"


def judge_quiet_hours(
    hours: str, zone: ZoneInfo, starts: datetime, duration: timedelta
) -> list[Check]:
    """No line where the campaign has none. `hours`: such as 21:00-08:00, by the clocks of `zone`.
    Yellow where sending begins within them, or is not over before they begin.
    """
    if not hours:
        return []
    begin, end = (time.fromisoformat(each) for each in hours.split("-"))
    first, last = starts.astimezone(zone), (starts + duration).astimezone(zone)
    words = f"{hours.replace('-', ' to ')} in {place(zone)}"
    if _is_within(first.time(), begin, end):
        what = f"Sending begins at {first:%H:%M}, in the quiet hours {words}."
        return [Check(QUIET_HOURS, Color.YELLOW, f"{what} Change the notify date.")]
    if last >= _next(begin, first):
        what = f"Sending takes until {last:%H:%M}, into the quiet hours {words}."
        return [Check(QUIET_HOURS, Color.YELLOW, f"{what} Send earlier or faster.")]
    return [Check(QUIET_HOURS, Color.GREEN, f"Messages are sent outside of {words}.")]


def _is_within(now: time, begin: time, end: time) -> bool:
    """Hours that end before they begin go past midnight."""
    return begin <= now < end if begin <= end else now >= begin or now < end


def _next(begin: time, after: datetime) -> datetime:
    """When the clocks show this time next."""
    today = datetime.combine(after.date(), begin, after.tzinfo)
    return today if today > after else today + timedelta(days=1)
