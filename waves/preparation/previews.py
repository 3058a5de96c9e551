"""What a preparation would select now, and what it would refuse: of one plan, or of several side by
side. Nothing is written. [W-7, X-4]
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from django.contrib.auth.models import User

from campaigns.scoring import rules
from operations.database.snapshots import one_snapshot
from operations.errors import Refusal
from waves.preparation.judgement import (
    permit_own_rules,
    require_lead_time,
    require_plan,
    require_preparable,
    require_selection,
)
from waves.selection.plan import Plan, plan_of
from waves.selection.planned_selection import PlannedSelection, select_each
from waves.selection.request import WaveRequest
from waves.selection.what_if import PlanChange, changed, compared


@dataclass(frozen=True)
class Preview:
    """What a preparation would select now; `refusal`: why it would not be prepared in spite of it;
    `warnings`: what it needs beside: a reason, or somebody else; `beside`: what changed plans would
    do (`what_if.compared`).
    """

    planned: PlannedSelection
    refusal: Refusal | None
    warnings: tuple[Refusal, ...]
    beside: list[dict[str, Any]]


def preview(
    request: WaveRequest,
    *,
    now: datetime,
    by: User | None = None,
    expedite: str = "",
    reason: str = "",
    changes: Sequence[PlanChange] = (),
) -> Preview:
    """Select as a preparation would now; writes nothing. `by`: who would prepare it, for the
    warnings about short notice and rules of its own. `changes`: of plans beside it. Raises what
    `plan_of`, `require_plan` and `what_if.changed` raise. [W-7, X-4]
    """
    plan = judged_plan(request, now=now)
    own = [replace(seat, most=None) for seat in plan.all_seats]
    others = [
        judged_plan(changed(request, change, plan.file_seats, own, now=now), now=now)
        for change in changes
    ]
    selected = select_without_writing([plan, *others])
    warnings = warnings_of(plan, request, now=now, by=by, expedite=expedite, reason=reason)
    refusal = refusal_of(selected[0], request.name)
    return Preview(selected[0], refusal, warnings, compared(selected)[1:])


def judged_plan(request: WaveRequest, *, now: datetime) -> Plan:
    """The plan of a request that may be prepared, as far as no fan was read. Raises what `plan_of`
    and `require_plan` raise.
    """
    plan = plan_of(request, now=now)
    require_plan(plan, request, now=now)
    return plan


def warnings_of(
    plan: Plan,
    request: WaveRequest,
    *,
    now: datetime,
    by: User | None,
    expedite: str,
    reason: str,
) -> tuple[Refusal, ...]:
    """What the preparation of a plan still needs: a reason for short notice, or for rules of its
    own; or somebody else who may give one. [W-4, S-8]
    """
    needs: list[Callable[[], object]] = [
        partial(
            require_lead_time,
            require_preparable(plan, request),
            by=by,
            now=now,
            reason=expedite,
            name=request.name,
        )
    ]
    if by is not None:
        needs.append(partial(permit_own_rules, plan.campaign, plan, by=by, reason=reason))
    return tuple(filter(None, map(_refused, needs)))


def select_without_writing(plans: Sequence[Plan]) -> list[PlannedSelection]:
    """The selection of each of several plans of one wave, from one reading of the candidates, while
    PostgreSQL refuses to write anything. [W-7, X-4]
    """
    lists = rules.files_for(plans[0].campaign)
    with one_snapshot(read_only=True):
        return select_each(plans, lists)


def refusal_of(planned: PlannedSelection, name: str) -> Refusal | None:
    """Why this selection would not become the wave of that name, if so."""
    return _refused(partial(require_selection, planned, name))


def _refused(judge: Callable[[], object]) -> Refusal | None:
    try:
        judge()
    except Refusal as refusal:
        return refusal
    return None
