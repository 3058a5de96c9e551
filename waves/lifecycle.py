"""The moves a wave may make, as one table, and the one UPDATE that makes them. [W-2]

A wave moves by one conditional UPDATE whose row count says who won; who did it, when and why is
recorded with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from django.contrib.auth.models import User
from django.db import transaction

from campaigns.opening import require_open
from operations.database.retries import retried
from operations.database.statements import run
from operations.jobs import record_move
from operations.subjects import Subject
from waves.choices import Queue, WaveState
from waves.errors import UnknownWave, WrongState
from waves.locks import lock_wave
from waves.models import Wave

# An approval is of one content: of another it says nothing.
UNAPPROVED: Final[Mapping[str, Any]] = {
    "approved_by": None,
    "approved_at": None,
    "approved_digest": "",
    "waiver": "",
    "scheduled_at": None,
}
# What the history says of a completed wave's messages that are still to be sent. [N-6]
QUEUE_WORDS: Final = {
    Queue.PAUSED: "queue paused",
    Queue.RUNNING: "queue resumed",
    Queue.CANCELLED: "queue cancelled",
}
MOVES: Final[Mapping[WaveState, frozenset[WaveState]]] = MappingProxyType(
    {
        # Preparation skips CODE_GENERATED: only uploaded waves pass through it.
        WaveState.CONFIGURED: frozenset(
            {WaveState.CODE_GENERATED, WaveState.PREPARED, WaveState.FAILED, WaveState.CANCELLED}
        ),
        WaveState.CODE_GENERATED: frozenset(
            {WaveState.PREPARED, WaveState.CONFIGURED, WaveState.FAILED, WaveState.CANCELLED}
        ),
        WaveState.FAILED: frozenset({WaveState.CONFIGURED, WaveState.CANCELLED}),
        WaveState.PREPARED: frozenset(
            {WaveState.APPROVED, WaveState.CONFIGURED, WaveState.CANCELLED}
        ),
        # A change of what is said leads back to PREPARED, a change of members to CONFIGURED.
        WaveState.APPROVED: frozenset(
            {
                WaveState.SCHEDULED,
                WaveState.PREPARED,
                WaveState.CONFIGURED,
                WaveState.CANCELLED,
            }
        ),
        WaveState.SCHEDULED: frozenset(
            {
                WaveState.TRIGGERED,
                WaveState.APPROVED,
                WaveState.HELD,
                WaveState.PREPARED,
                WaveState.CONFIGURED,
                WaveState.CANCELLED,
            }
        ),
        # A person decides: send it now, give it a new notify date, or cancel it.
        WaveState.HELD: frozenset({WaveState.TRIGGERED, WaveState.PREPARED, WaveState.CANCELLED}),
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


def subject_of(wave: Wave) -> Subject:
    """How jobs and the history name a wave."""
    return Subject("wave", wave.name)


def wave_named(name: str) -> Wave:
    """The wave `{campaign_id}_{date_key}` with its campaign. Raises UnknownWave."""
    wave = Wave.objects.select_related("campaign").filter(name=name).first()
    if wave is None:
        raise UnknownWave(
            f"Wave {name!r} does not exist. Wave names have the form CAMPAIGN_DATEKEY, such"
            " as 12345_20260120."
        )
    return wave


@retried
def move(
    wave: Wave,
    target: WaveState,
    *,
    by: User | None,
    reason: str = "",
    cause: str = "",
    **values: Any,
) -> None:
    """Move the wave to `target` and set `values` with it, under the locks of its campaign and
    itself; refreshes `wave` from the database. `cause`: see record_move. Raises WrongState, and
    WrongStatus where the campaign is not open. [W-2, C-2]
    """
    source = WaveState(wave.state)
    if not allowed(source, target):
        raise WrongState(_refusal(wave, target))
    with transaction.atomic():
        locked = lock_wave(wave.pk)
        if locked.state != source:
            raise WrongState(_refusal(locked, target))
        move_locked(locked, target, by=by, reason=reason, cause=cause, **values)
    wave.refresh_from_db()


def move_locked(
    locked: Wave,
    target: WaveState,
    *,
    by: User | None,
    reason: str = "",
    cause: str = "",
    **values: Any,
) -> None:
    """As `move`, of a wave that the caller's transaction has locked with its campaign; what it was
    given stands in `locked`, too.
    """
    source = WaveState(locked.state)
    require_open(locked.campaign)
    if not allowed(source, target) or not Wave.objects.filter(pk=locked.pk, state=source).update(
        state=target, **values
    ):
        raise WrongState(_refusal(locked, target))
    record_move(subject_of(locked), source, target, by=by, reason=reason, cause=cause)
    for name, value in {"state": target, **values}.items():
        setattr(locked, name, value)


def require_state(wave: Wave, *states: WaveState) -> None:
    """Raises WrongState unless the wave is in one of the states."""
    if wave.state not in states:
        raise WrongState(
            f"Wave {wave.name} is {wave.state}. This is possible only while it is"
            f" {' or '.join(sorted(states))}."
        )


def drop_members(wave: Wave) -> int:
    """A wave that goes back to CONFIGURED has no members; their codes stay reserved for them.
    [W-9]
    """
    return run("DELETE FROM waves_member WHERE wave_id = %(wave)s", wave=wave.pk)


def _refusal(wave: Wave, target: WaveState) -> str:
    before = " or ".join(sorted(sources(target)))
    return f"Wave {wave.name} is {wave.state}. It can become {target} only from {before}."
