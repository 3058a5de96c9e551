"""Fans who were left out are told so in a wave of their own. [X-8]"""

from __future__ import annotations

from datetime import datetime

from operations.plurals import plural
from waves.choices import WaveKind
from waves.errors import NotEverybody
from waves.selection.plan import Plan
from waves.selection.planned_selection import PlannedSelection
from waves.selection.request import WaveRequest


def request_of(campaign_id: str, date_key: str, notify_date: datetime | None) -> WaveRequest:
    """The request for such a wave: it has no rules of its own."""
    return WaveRequest(campaign_id, date_key, notify_date=notify_date, kind=WaveKind.NOT_SELECTED)


def require_everybody(planned: PlannedSelection) -> None:
    """Raises NotEverybody unless selected, not selected and excluded fans are all accepted ones."""
    accepted = planned.plan.score_file.accepted
    if planned.plan.selects or planned.fans == accepted:
        return
    raise NotEverybody(
        f"Score file {planned.plan.score_file.name} has {plural(accepted, 'accepted fan')}, but"
        f" selected, not selected and excluded fans are {planned.fans:,} in all. Report this: the"
        " selection may be faulty."
    )


def what_ends(plan: Plan) -> str:
    """What such a wave ends, in words; empty for another wave."""
    if plan.selects:
        return ""
    free = sum(max(0, seat.capacity - seat.given) for seat in plan.seats)
    seats = f" {plural(free, 'seat')} {'is' if free == 1 else 'are'} still free." if free else ""
    return (
        "Top-ups end with this wave: its fans are told that they were not selected, and no later"
        f" wave can select them.{seats}"
    )
