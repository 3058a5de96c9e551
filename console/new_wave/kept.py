"""What plans would do, kept for some minutes, so that loading a page again does not select again;
and as many selections at once as the machine may bear. No fan is kept: numbers, and digests. [X-4]
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.cache import cache

from operations.database.locks import exclusive
from operations.plurals import plural
from waves.errors import PreviewsBusy
from waves.preparation import previews
from waves.selection.plan import Plan
from waves.selection.planned_selection import PlannedSelection
from waves.selection.what_if import compared

KEPT_SECONDS = 300


@dataclass(frozen=True)
class PlanResult:
    """What a plan would do at a moment: its result object beside that of the first plan, its
    markets' names by id, how many members come with a code that they hold, and why it would not
    become a wave.
    """

    result: dict[str, Any]
    names: dict[str, str]
    returned: int
    refusal: str
    at: datetime


def results_of(plans: Sequence[Plan], name: str, *, now: datetime, anew: bool) -> list[PlanResult]:
    """The result of each plan of the wave of that name, all of one moment: those that are kept,
    unless they are wanted `anew`. Raises PreviewsBusy, and what a selection raises.
    """
    key = _key(plans)
    kept: list[PlanResult] | None = None if anew else cache.get(key)
    if kept is not None:
        return kept
    with one_of_few():
        selected = previews.select_without_writing(plans)
        found = _results(selected, name, now)
        alone = [_results([each], name, now) for each in selected]
    cache.set(key, found, KEPT_SECONDS)
    # one of them may be chosen
    for plan, its in zip(plans, alone, strict=True):
        cache.set(_key([plan]), its, KEPT_SECONDS)
    return found


def _results(selected: Sequence[PlannedSelection], name: str, now: datetime) -> list[PlanResult]:
    return [
        PlanResult(
            result,
            {seat.market_id: seat.name for seat in planned.plan.seats},
            planned.returned,
            str(previews.refusal_of(planned, name) or ""),
            now,
        )
        for planned, result in zip(selected, compared(selected), strict=True)
    ]


def _key(plans: Sequence[Plan]) -> str:
    """Plans with other markets, seats, waves, scores or minimums than now are other plans."""
    said = [
        (
            plan.kind,
            plan.tops_up.pk if plan.tops_up else None,
            plan.campaign.pk,
            plan.campaign.min_score,
            plan.score_file.pk,
            plan.wave.pk if plan.wave else None,
            plan.seats,
            plan.order,
            plan.single_market,
            plan.min_score,
            plan.reassign,
        )
        for plan in plans
    ]
    return f"previewed-plans-{hashlib.sha256(repr(said).encode()).hexdigest()}"


@contextmanager
def one_of_few() -> Iterator[None]:
    """Raises PreviewsBusy where PREVIEWS_AT_ONCE are being made already, by any process."""
    for number in range(settings.PREVIEWS_AT_ONCE):
        with exclusive(f"preview {number}", wait=False) as ours:
            if ours:
                yield
                return
    raise PreviewsBusy(
        f"{plural(settings.PREVIEWS_AT_ONCE, 'preview')} of other users"
        f" {'is' if settings.PREVIEWS_AT_ONCE == 1 else 'are'} being computed, which is as many as"
        " this machine may do at once. Nothing you entered is lost: wait a few seconds, then"
        " preview again."
    )
