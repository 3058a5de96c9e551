"""Campaigns, fans, markets and codes of many records at once. [T-3]"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from campaigns.choices import CampaignStatus
from operations.database.statements import rows
from waves.verdicts.judgement import Known

BATCH: Final = 2_500  # records in one query

# A fan has the code that was told, and before any was told the one that is assigned here.
_LOOK_UP = """
SELECT campaign.id, campaign.status, registrant.id, market.id, market.event_ids,
    coalesce(upper(own.code) = upper(given.code), false),
    coalesce(code.campaign_id <> campaign.id OR code.global_user_id NOT IN ('', given.fan), false)
        OR coalesce((told.campaign_id, told.global_user_id) <> (campaign.id, given.fan), false),
    coalesce(selection.code, own.code, '')
FROM unnest(%(campaigns)s::text[], %(fans)s::text[], %(markets)s::text[], %(codes)s::text[])
    WITH ORDINALITY AS given(campaign, fan, market, code, number)
LEFT JOIN campaigns_campaign AS campaign ON campaign.campaign_id = given.campaign
LEFT JOIN campaigns_registrant AS registrant ON registrant.campaign_id = campaign.id
    AND registrant.global_user_id = given.fan
LEFT JOIN waves_assignment AS assignment ON assignment.campaign_id = campaign.id
    AND assignment.global_user_id = given.fan
LEFT JOIN waves_code AS own ON own.id = assignment.code_id
LEFT JOIN campaigns_market AS market ON market.campaign_id = campaign.id
    AND (market.market_id = given.market OR given.market IS NULL
        AND market.id = assignment.market_id)
LEFT JOIN waves_code AS code ON upper(code.code) = upper(given.code)
LEFT JOIN waves_selection AS selection ON selection.campaign_id = campaign.id
    AND selection.global_user_id = given.fan
LEFT JOIN waves_selection AS told ON upper(told.code) = upper(given.code)
ORDER BY given.number
"""


def look_up(records: Sequence[Mapping[str, Any]]) -> list[Known]:
    """What is known of codeAssignment records, in their order."""
    return [known for part in parts(records) for known in _look_up(part)]


def parts(records: Sequence[Mapping[str, Any]]) -> Iterator[Sequence[Mapping[str, Any]]]:
    for at in range(0, len(records), BATCH):
        yield records[at : at + BATCH]


def _look_up(records: Sequence[Mapping[str, Any]]) -> list[Known]:
    found = rows(
        _LOOK_UP,
        campaigns=[each["campaignId"] for each in records],
        fans=[each["globalUserId"] for each in records],
        markets=[each["marketId"] for each in records],
        codes=[each["code"] for each in records],
    )
    return [
        Known(campaign, status == CampaignStatus.OPEN, fan, market, tuple(events or ()), *codes)
        for campaign, status, fan, market, events, *codes in found
    ]
