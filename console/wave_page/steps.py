"""The steps of a wave, with who made each and when. [W-2]"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import Q

from console.words import WAVE_STEPS, steps
from operations.models import StatusChange
from waves.choices import WaveKind, WaveState
from waves.lifecycle import subject_of
from waves.models import Wave

# Which moves take a wave a step further, by the step: coming back to a state is not making it.
ONWARD: Final[Mapping[str, tuple[str, ...]]] = {
    WaveState.CONFIGURED: ("",),
    WaveState.CODE_GENERATED: (WaveState.CONFIGURED,),
    WaveState.PREPARED: (WaveState.CONFIGURED, WaveState.CODE_GENERATED),
    WaveState.APPROVED: (WaveState.PREPARED,),
    WaveState.SCHEDULED: (WaveState.APPROVED,),
    WaveState.TRIGGERED: (WaveState.SCHEDULED, WaveState.HELD),
    WaveState.COMPLETED: (WaveState.TRIGGERED,),
}
UPLOADED_STEPS: Final = (WAVE_STEPS[0], str(WaveState.CODE_GENERATED), *WAVE_STEPS[1:])


@dataclass(frozen=True)
class Step:
    """One step: `mark` is "done", "now" or empty. `at` and `by` say when and by whom it was made
    the last time; `by` is empty for the system, and both are for what is not made yet.
    """

    name: str
    mark: str
    at: datetime | None = None
    by: str = ""


def steps_of(wave: Wave) -> list[Step]:
    """One query."""
    onward = Q()
    for target, sources in ONWARD.items():
        onward |= Q(to_state=target, from_state__in=sources)
    onward |= Q(to_state=WaveState.CANCELLED)
    made = StatusChange.objects.about(subject_of(wave)).filter(onward)
    last = made.order_by("to_state", "-id").distinct("to_state").select_related("by")
    return marked(wave.kind, wave.state, last)


def marked(kind: str, state: str, last: Iterable[StatusChange]) -> list[Step]:
    """`last`: the last move that made each step. A cancelled wave has made the steps up to where it
    was cancelled, and that is one more. Pure.
    """
    order = UPLOADED_STEPS if kind == WaveKind.UPLOADED else WAVE_STEPS
    moves = {move.to_state: move for move in last}
    if state == WaveState.CANCELLED and state in moves:
        reached = steps(order, moves[state].from_state)
        before = [(name, "done") for name, mark in reached if mark]
        return [_step(name, mark, moves) for name, mark in [*before, (state, "now")]]
    return [_step(name, mark, moves) for name, mark in steps(order, state)]


def _step(name: str, mark: str, moves: Mapping[str, StatusChange]) -> Step:
    move = moves.get(name)
    if not mark or move is None:
        return Step(name, mark)
    return Step(name, mark, move.at, move.by.get_username() if move.by else "")
