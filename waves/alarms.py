"""What everybody has to know on every page: sending is stopped, or a wave has lost its approval.
One query. [N-6, X-5]
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from operations.database.statements import rows
from waves.approval import APPROVED, MEMBERS_CHANGED
from waves.providers import registry

MOST: Final = 20

# A move from `prepared` to itself is an edit of a wave that had lost its approval before.
_STANDING = """
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
JOIN LATERAL (
    SELECT from_state, at, by_id, reason FROM operations_statuschange
    WHERE subject_kind = 'wave' AND subject_id = wave.name
        AND NOT (from_state = 'prepared' AND to_state = 'prepared')
    ORDER BY id DESC LIMIT 1) AS change ON change.from_state = ANY(%(approved)s)
        AND (wave.state = 'prepared' OR change.reason = %(members_changed)s)
LEFT JOIN auth_user AS person ON person.id = change.by_id
WHERE wave.state IN ('prepared', 'configured')
ORDER BY 1, 3
LIMIT %(most)s
"""


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
    found = rows(
        _STANDING,
        approved=[str(state) for state in APPROVED],
        members_changed=MEMBERS_CHANGED,
        most=MOST,
    )
    return [
        Alarm(kind, name, since, reason or "", by or "", due, state or "")
        for kind, name, since, reason, by, due, state in found
    ]
