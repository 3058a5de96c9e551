"""Records of type selectionRefresh: verdict and events of a fan are computed anew, and told again
where they have changed. [T-4]
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from campaigns.choices import CampaignStatus
from operations.database.statements import rows
from operations.entry import values
from waves.verdicts.judgement import Why
from waves.verdicts.telling import News, tell

TYPE: Final = "selectionRefresh"
FIELDS: Final = ("campaignId", "globalUserId")

_LOOK_UP = """
SELECT campaign.status, registrant.id, coalesce(registrant.verdict, false), selection.id,
    selection.version, selection.code, selection.event_ids, coalesce(market.event_ids, '{}')
FROM unnest(%(campaigns)s::text[], %(fans)s::text[])
    WITH ORDINALITY AS given(campaign, fan, number)
LEFT JOIN campaigns_campaign AS campaign ON campaign.campaign_id = given.campaign
LEFT JOIN campaigns_registrant AS registrant ON registrant.campaign_id = campaign.id
    AND registrant.global_user_id = given.fan
LEFT JOIN waves_selection AS selection ON selection.campaign_id = campaign.id
    AND selection.global_user_id = given.fan
LEFT JOIN campaigns_market AS market ON market.id = selection.market_id
ORDER BY given.number
"""
_CHANGE = """
UPDATE waves_selection AS selection SET version = version + 1, changed_at = now(),
    event_ids = coalesce((SELECT market.event_ids FROM campaigns_market AS market
        WHERE market.id = selection.market_id), '{}')
FROM unnest(%(ids)s::bigint[], %(versions)s::int[]) AS given(id, known)
WHERE selection.id = given.id AND selection.version = given.known
RETURNING selection.id
"""


@dataclass(frozen=True)
class Found:
    """What the database has on the fan of a refresh, and what would be told now."""

    status: str | None
    registrant_pk: int | None
    verdict: bool
    selection_pk: int | None
    version: int
    code: str
    told_ids: list[str]
    event_ids: list[str]

    @property
    def has_changed(self) -> bool:
        return self.selection_pk is not None and not (
            self.verdict and sorted(self.told_ids) == sorted(self.event_ids)
        )


def take(records: Mapping[int, Mapping[str, Any]]) -> dict[int, str]:
    """Compute anew what is told of the fans of valid records; what is rejected and why, by numbers.
    A fan who was not selected has nothing to compute.
    """
    found = dict(zip(records, _look_up(list(records.values())), strict=True))
    rejected = {number: str(why) for number, each in found.items() if (why := _why(each))}
    changed = {
        each.selection_pk: (records[number], each)
        for number, each in found.items()
        if number not in rejected and each.has_changed
    }
    _change(list(changed.values()))
    return rejected


def invalid(record: Mapping[str, Any]) -> str:
    """Why the record is no valid selectionRefresh, without any value of it; empty if it is one."""
    for name in FIELDS:
        value = record.get(name)
        if not isinstance(value, str) or not value.strip():
            return f"{name}: missing or not a string"
        if values.is_unfit(value):
            return f"{name}: {values.UNFIT_TEXT}"
    return ""


def _look_up(records: Sequence[Mapping[str, Any]]) -> list[Found]:
    campaigns, fans = ([each[name].strip() for each in records] for name in FIELDS)
    return [Found(*row) for row in rows(_LOOK_UP, campaigns=campaigns, fans=fans)]


def _why(found: Found) -> Why | None:
    if found.status is None:
        return Why.UNKNOWN_CAMPAIGN
    if found.status != CampaignStatus.OPEN:
        return Why.NOT_OPEN
    return Why.UNKNOWN_FAN if found.registrant_pk is None else None


def _change(changed: Sequence[tuple[Mapping[str, Any], Found]]) -> None:
    """Those that another process has just changed were computed by it."""
    ids = [found.selection_pk for _, found in changed]
    done = {
        pk for (pk,) in rows(_CHANGE, ids=ids, versions=[found.version for _, found in changed])
    }
    tell(
        [
            News(
                record["campaignId"].strip(),
                found.registrant_pk,
                record["globalUserId"].strip(),
                found.code,
                tuple(found.event_ids),
                found.version + 1,
                record["correlationId"],
            )
            for record, found in changed
            if found.selection_pk in done
        ]
    )
