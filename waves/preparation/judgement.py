"""What a preparation refuses, judged in one place for the preview and for the preparation itself,
so that a preview promises nothing that the preparation would refuse. [W-4, W-5, W-7]
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.contrib.auth.models import User

from campaigns.choices import LateKind
from campaigns.late_changes import permit
from campaigns.models import Campaign
from operations.instants import in_words
from waves.choices import WaveState
from waves.codes import needs
from waves.errors import (
    AttemptsExhausted,
    BadNotifyDate,
    CapacityBelowGiven,
    MembersDiffer,
    NaiveDate,
    NoMembers,
    NotPermitted,
    TooLate,
    WrongState,
)
from waves.markets import MarketSeat
from waves.messages.templates import require_usable, templates_for
from waves.preparation import not_selected, top_up
from waves.selection.own_rules import own_rules
from waves.selection.plan import Plan
from waves.selection.planned_selection import PlannedSelection
from waves.selection.request import WaveRequest

MOST_ATTEMPTS = 2
LEAD_TIME = timedelta(days=1)
# Who wants a wave sent at once enters this minute, and still has to preview and prepare it.
AT_ONCE = timedelta(minutes=15)
PREPARABLE = (WaveState.CONFIGURED, WaveState.CODE_GENERATED, WaveState.FAILED)


def require_plan(plan: Plan, request: WaveRequest, *, now: datetime) -> datetime:
    """Refuse before any fan is read what cannot be prepared; returns the notify date.

    Raises WrongState, AttemptsExhausted [W-9], NaiveDate, BadNotifyDate, and what `require_seats`
    raises.
    """
    notify_date = require_preparable(plan, request)
    if notify_date < now - AT_ONCE:
        raise BadNotifyDate(
            f"Wave {request.name}: the notify date {in_words(notify_date)} has passed. Choose a"
            " later one."
        )
    require_seats(plan)
    return notify_date


def require_seats(plan: Plan) -> None:
    """Refuse markets that cannot be filled as they are at this moment; a worker asks again, for its
    own plan. Raises CapacityBelowGiven [W-5], NothingToTopUp [X-7], BadTemplate [K-3].
    """
    _require_capacities(plan.seats)
    top_up.require_room(plan)
    if not plan.selects:
        return  # no market's text is used
    # a template must not name a code that TM members do not have [K-3]
    require_usable(templates_for(plan.campaign), plan.seats)


def require_selection(planned: PlannedSelection, name: str) -> None:
    """Refuse a selection that cannot become a wave. Raises NoMembers, NothingToTopUp, NotEverybody,
    CodesExhausted.
    """
    top_up.require_waiting(planned)
    not_selected.require_everybody(planned)
    if planned.selection.members.is_empty():
        raise NoMembers(
            "No fan would be selected, so there is no wave to prepare. The preview shows why fans"
            " are excluded, and how much room each market has."
        )
    plan = planned.plan
    sources = {seat.market_id: seat.code_sources for seat in plan.seats}
    needs.require_codes(
        name,
        plan.wave,
        [
            needs.CodeNeed(plan.markets[each.market_id], sources[each.market_id], each.selected)
            for each in planned.selection.markets
        ],
    )


def require_previewed(planned: PlannedSelection, previewed_digest: str) -> None:
    """Refuse a selection that is not the one that was previewed, if one was. Raises MembersDiffer.
    [W-7]
    """
    found = planned.selection.members_digest
    if previewed_digest and previewed_digest != found:
        raise MembersDiffer(
            f"The selection has changed since the preview: its digest is {found[:12]}…, not"
            f" {previewed_digest[:12]}…. Preview again."
        )


def require_lead_time(
    notify_date: datetime, *, by: User | None, now: datetime, reason: str, name: str
) -> None:
    """Raises TooLate or NotPermitted where a wave that is prepared `now` is late for its notify
    date, and not expedited with a reason by who may. [W-4]
    """
    if not needs_expediting(notify_date, now):
        return
    late = f"Wave {name}: the notify date {in_words(notify_date)} is less than a day away."
    if by is not None and not by.has_perm("waves.expedite_wave"):
        raise NotPermitted(
            f"{late} User {by.get_username()} does not have permission to expedite it. Choose a"
            " later date, or ask a user who has it."
        )
    if not reason.strip():
        raise TooLate(f"{late} Choose a later date, or enter a reason for short notice.")


def permit_own_rules(
    campaign: Campaign, plan: Plan, *, by: User | None, reason: str
) -> User | None:
    """Who gives the wave rules of its own late; None where it has none, or nothing is late. Raises
    LateRefused. Call it under the campaign's lock. [S-8]
    """
    own = own_rules(plan)
    if not own:
        return None
    what = f"The wave's own rule ({', '.join(own)})"
    return permit(campaign, LateKind.WAVE_RULES, what, by=by, reason=reason)


def needs_expediting(notify_date: datetime, prepared_at: datetime | None) -> bool:
    """Whether less than a day lies between the preparation and the notify date. [W-4]"""
    return prepared_at is not None and prepared_at > notify_date - LEAD_TIME


def exhausted(name: str) -> str:
    """The message for a third attempt. [W-9]"""
    return (
        f"Wave {name}: preparation has failed twice. A user with permission to reset"
        " waves must reset it, with a reason."
    )


def require_preparable(plan: Plan, request: WaveRequest) -> datetime:
    """The notify date of a wave that may be prepared."""
    wave = plan.wave
    if wave and wave.state not in PREPARABLE:
        raise WrongState(
            f"Wave {wave.name} is {wave.state}. Only a configured or failed wave can be"
            " prepared. Reset it first."
        )
    if wave and wave.attempts >= MOST_ATTEMPTS:
        raise AttemptsExhausted(exhausted(wave.name))
    notify_date = request.notify_date or (wave.notify_date if wave else None)
    if notify_date is None:
        raise NaiveDate(
            f"Wave {request.name} is new and needs a notify date, such as 2026-01-20T18:00:00Z."
        )
    return notify_date


def _require_capacities(seats: Sequence[MarketSeat]) -> None:
    for seat in seats:
        if seat.capacity < seat.given:
            raise CapacityBelowGiven(
                f"Market {seat.market_id}: {seat.given:,} seats are given already, but its capacity"
                f" is {seat.capacity:,}. Raise the capacity to at least {seat.given:,}.",
                seat.market_id,
            )
