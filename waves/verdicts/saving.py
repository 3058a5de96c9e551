"""The consumer `selections`: who was selected is saved, and told. [T-4]

In the transaction that moves the consumer on: the fan's row of selections, the registrant's
verdict, the fan's selected events and the message for the verdict queue. What goes to DynamoDB and
SQS goes there from these rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from datalake.choices import RecordType, StreamName
from datalake.streams import consumers
from operations import correlation
from operations.database.statements import rows
from waves.locks import lock_selections
from waves.verdicts import refreshes
from waves.verdicts.erased_fans import without_erased
from waves.verdicts.judgement import Known, judged
from waves.verdicts.looking_up import look_up
from waves.verdicts.telling import News, tell
from waves.verdicts.transform import warn

CONSUMER: Final = "selections"
BATCHES: Final = 4  # of the stream in one transaction, which takes about a second

_SAVE = """
INSERT INTO waves_selection (campaign_id, global_user_id, market_id, code, event_ids,
    correlation_id)
SELECT given.campaign, given.fan, market.id, given.code, coalesce(market.event_ids, '{}'),
    given.correlation
FROM unnest(%(campaigns)s::bigint[], %(fans)s::text[], %(markets)s::bigint[], %(codes)s::text[],
    %(correlations)s::text[]) AS given(campaign, fan, market, code, correlation)
LEFT JOIN campaigns_market AS market ON market.id = given.market
ORDER BY given.fan, given.campaign
ON CONFLICT (global_user_id, campaign_id) DO NOTHING
RETURNING campaign_id, global_user_id
"""


def register() -> None:
    """Let `consume` run the consumer."""
    types = {RecordType.CODE_ASSIGNMENT, refreshes.TYPE}
    consumers.register(CONSUMER, StreamName.SAVE_SELECTION, take, types=types, most=BATCHES)


def take(records: list[dict[str, Any]]) -> Mapping[int, str]:
    """Save the selections, then recompute what is to be refreshed; what is rejected and why, by
    numbers.
    """
    lock_selections()
    given = {number: _correlated(record) for number, record in enumerate(records)}
    asked = {
        number: each for number, each in given.items() if each["type"].strip() == refreshes.TYPE
    }
    rejected: dict[int, str] = {
        number: why for number, each in asked.items() if (why := refreshes.invalid(each))
    }
    numbers = [number for number in given if number not in rejected]
    kept = without_erased(CONSUMER, [given[number] for number in numbers])
    work = {numbers[at]: given[numbers[at]] for at in sorted(kept)}
    rejected |= _save({number: each for number, each in work.items() if number not in asked})
    rejected |= refreshes.take({number: each for number, each in work.items() if number in asked})
    warn(CONSUMER, StreamName.SAVE_SELECTION, list(rejected.values()))
    return rejected


def _correlated(record: dict[str, Any]) -> dict[str, Any]:
    return record | {"correlationId": record["correlationId"] or correlation.current()}


def _save(records: Mapping[int, Mapping[str, Any]]) -> dict[int, str]:
    """What is saved already stays as it is, and is told no second time."""
    known = dict(zip(records, look_up(list(records.values())), strict=True))
    reasons = judged((records[number], each) for number, each in known.items())
    rejected = {
        number: str(why) for number, why in zip(records, reasons, strict=True) if why is not None
    }
    new = _insert(
        {number: each for number, each in known.items() if number not in rejected}, records
    )
    tell(
        [
            News(
                record["campaignId"],
                known[number].registrant_pk,
                record["globalUserId"],
                record["code"],
                known[number].event_ids,
                1,
                record["correlationId"],
            )
            for number, record in records.items()
            if number in new
        ]
    )
    return rejected


def _insert(selected: Mapping[int, Known], records: Mapping[int, Mapping[str, Any]]) -> set[int]:
    """The numbers of those that were not saved before."""
    found = rows(
        _SAVE,
        campaigns=[known.campaign_pk for known in selected.values()],
        fans=[records[number]["globalUserId"] for number in selected],
        markets=[known.market_pk for known in selected.values()],
        codes=[records[number]["code"] for number in selected],
        correlations=[records[number]["correlationId"] for number in selected],
    )
    new = set(found)
    return {
        number
        for number, known in selected.items()
        if (known.campaign_pk, records[number]["globalUserId"]) in new
    }
