"""What a campaign says of its fans' events. [T-4]"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from operations.database.statements import run

# One row for each fan, in the order of fans: two transactions never wait for each other in a
# circle.
_SAVE = """
INSERT INTO demand_selectedevents AS known (global_user_id, by_campaign, event_ids, version)
SELECT fan, events, ARRAY(SELECT DISTINCT jsonb_array_elements_text(value) AS event
        FROM jsonb_each(events) ORDER BY event), 1
FROM (
    SELECT fan, jsonb_object_agg(campaign, events::jsonb) AS events
    FROM unnest(%(fans)s::text[], %(campaigns)s::text[], %(events)s::text[])
        AS given(fan, campaign, events)
    GROUP BY fan ORDER BY fan
) AS by_fan
ON CONFLICT (global_user_id) DO UPDATE SET
    by_campaign = known.by_campaign || excluded.by_campaign,
    event_ids = ARRAY(SELECT DISTINCT jsonb_array_elements_text(value) AS event
        FROM jsonb_each(known.by_campaign || excluded.by_campaign) ORDER BY event),
    version = known.version + 1,
    try_at = now(),
    error = '',
    changed_at = now()
WHERE known.by_campaign || excluded.by_campaign <> known.by_campaign
"""


@dataclass(frozen=True)
class FanEvents:
    """The events of one fan in one campaign: all of them, so none is none any more."""

    global_user_id: str
    campaign_id: str
    event_ids: Sequence[str]


def save_events(selected: Sequence[FanEvents]) -> int:
    """Make these the fans' events of their campaigns; a fan's `selected_events` are those of all
    campaigns. In the caller's transaction, each fan and campaign once. Returns how many fans have
    changed; a repeat changes nothing.
    """
    return run(
        _SAVE,
        fans=[each.global_user_id for each in selected],
        campaigns=[each.campaign_id for each in selected],
        events=[json.dumps(sorted(each.event_ids)) for each in selected],
    )
