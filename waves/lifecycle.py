"""The moves a wave may make, as one table. [W-2]

A shell moves a wave with one conditional UPDATE whose WHERE names `sources(target)`; the row count
says who won.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from waves.choices import WaveState

MOVES: Final[Mapping[WaveState, frozenset[WaveState]]] = MappingProxyType(
    {
        # Preparation skips CODE_GENERATED: only uploaded waves pass through it.
        WaveState.CONFIGURED: frozenset(
            {WaveState.CODE_GENERATED, WaveState.PREPARED, WaveState.FAILED, WaveState.CANCELLED}
        ),
        WaveState.CODE_GENERATED: frozenset(
            {WaveState.PREPARED, WaveState.FAILED, WaveState.CANCELLED}
        ),
        WaveState.FAILED: frozenset({WaveState.CONFIGURED, WaveState.CANCELLED}),
        WaveState.PREPARED: frozenset(
            {WaveState.APPROVED, WaveState.CONFIGURED, WaveState.CANCELLED}
        ),
        WaveState.APPROVED: frozenset(
            {WaveState.SCHEDULED, WaveState.CONFIGURED, WaveState.CANCELLED}
        ),
        WaveState.SCHEDULED: frozenset(
            {WaveState.TRIGGERED, WaveState.APPROVED, WaveState.HELD, WaveState.CANCELLED}
        ),
        WaveState.HELD: frozenset({WaveState.SCHEDULED, WaveState.TRIGGERED, WaveState.CANCELLED}),
        WaveState.TRIGGERED: frozenset(
            {WaveState.COMPLETED, WaveState.PAUSED, WaveState.CANCELLED}
        ),
        WaveState.PAUSED: frozenset({WaveState.TRIGGERED, WaveState.CANCELLED}),
        WaveState.COMPLETED: frozenset(),
        WaveState.CANCELLED: frozenset(),
    }
)


def allowed(source: WaveState, target: WaveState) -> bool:
    """True where a wave in `source` may move to `target`. [W-2]"""
    return target in MOVES[source]


def sources(target: WaveState) -> frozenset[WaveState]:
    """The states from which a wave may move to `target`. [W-2]"""
    return frozenset(source for source, targets in MOVES.items() if target in targets)
