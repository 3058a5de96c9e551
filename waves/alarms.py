"""What everybody has to know on every page: sending is stopped, or a wave has lost its approval.
One query. [N-6, X-5]
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from operations.database.statements import rows
from operations.models import StatusChange
from waves.approval import APPROVED, MEMBERS_CHANGED
from waves.choices import WaveState
from waves.models import Wave
from waves.preparation.attempts import RETRY
from waves.preparation.judgement import PREPARABLE
from waves.providers import registry

MOST: Final = 20

# An approval stays lost until another is given, or a person resets the wave: whatever else happens
# to it, such as another preparation, one that fails, and its repeat, says nothing about that.
_LOST = """
JOIN LATERAL (
    SELECT id, from_state, to_state, at, by_id, reason, cause FROM operations_statuschange
    WHERE subject_kind = 'wave' AND subject_id = wave.name AND (
        from_state = ANY(%(approved)s) OR to_state = 'approved'
        OR to_state = 'configured' AND cause <> ALL(%(no_reset)s))
    ORDER BY id DESC LIMIT 1) AS change ON change.from_state = ANY(%(approved)s) AND (
        change.to_state = 'prepared'
        OR change.to_state = 'configured' AND change.cause = %(members_changed)s)
    AND wave.state = ANY(%(unapproved)s)
"""
_LOST_VALUES: Final[Mapping[str, Any]] = {
    "approved": [str(state) for state in APPROVED],
    "unapproved": [str(state) for state in (*PREPARABLE, WaveState.PREPARED)],
    "members_changed": MEMBERS_CHANGED,
    "no_reset": [MEMBERS_CHANGED, RETRY],
}
_LOST_BY_WAVES = f"""
SELECT wave.name, change.id FROM waves_wave AS wave {_LOST} WHERE wave.id = ANY(%(waves)s)
"""  # noqa: S608 of texts that stand here
_STANDING = f"""
SELECT 'account', account.name, account.paused_at, account.paused_reason, person.username, NULL,
    NULL
FROM waves_provideraccount AS account
LEFT JOIN LATERAL (
    SELECT by_id FROM operations_statuschange
    WHERE subject_kind = 'account' AND subject_id = account.name AND to_state = 'paused'
    ORDER BY id DESC LIMIT 1) AS change ON true
LEFT JOIN auth_user AS person ON person.id = change.by_id
WHERE account.paused
UNION ALL
SELECT 'wave', wave.name, change.at, change.reason, person.username, wave.notify_date, wave.state
FROM waves_wave AS wave
JOIN campaigns_campaign AS campaign ON campaign.id = wave.campaign_id AND campaign.status = 'open'
{_LOST}
LEFT JOIN auth_user AS person ON person.id = change.by_id
ORDER BY 1, 3
LIMIT %(most)s
"""  # noqa: S608 of texts that stand here


@dataclass(frozen=True)
class Alarm:
    """One account that sends nothing, or one wave whose approval is void: what, since when, why and
    by whom (empty: the system). `due` and `state` are the wave's.
    """

    kind: str
    name: str
    since: datetime | None
    reason: str
    by: str
    due: datetime | None
    state: str

    @property
    def title(self) -> str:
        """An account by its provider's name."""
        return registry.TITLES.get(self.name, self.name)


def standing() -> list[Alarm]:
    """What is wrong at this moment, accounts first, the oldest first; at most MOST."""
    found = rows(_STANDING, most=MOST, **_LOST_VALUES)
    return [
        Alarm(kind, name, since, reason or "", by or "", due, state or "")
        for kind, name, since, reason, by, due, state in found
    ]


def lost_approvals(waves: Iterable[Wave]) -> dict[str, StatusChange]:
    """How those of the waves that have no approval lost theirs, by name: who, when, why. [X-5]"""
    found = dict(rows(_LOST_BY_WAVES, waves=[wave.pk for wave in waves], **_LOST_VALUES))
    changes = StatusChange.objects.select_related("by").in_bulk(found.values())
    return {name: changes[pk] for name, pk in found.items()}
