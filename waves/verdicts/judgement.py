"""Which records of code assignments are passed on, and why others are rejected. Pure. [T-3, T-4]"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from waves.codes.partner_answers import PLACEHOLDER

LONGEST_CODE: Final = 64


class Why(StrEnum):
    """Why a record is rejected, in the order in which the reasons are checked."""

    NO_CODE = "the code is a placeholder"
    LONG_CODE = "the code is too long"
    UNKNOWN_CAMPAIGN = "unknown campaign"
    NOT_OPEN = "the campaign is not open"
    UNKNOWN_FAN = "unknown fan"
    UNKNOWN_MARKET = "unknown market"
    CODE_OF_ANOTHER = "the code is another fan's"
    ANOTHER_CODE = "the fan has another code in this campaign"


@dataclass(frozen=True)
class Known:
    """What the database has on a record: the rows that it names (None: no such row), whether the
    code was assigned to this fan here, whether it is another's, and the code that the fan has in
    the campaign (empty: none).
    """

    campaign_pk: int | None = None
    is_open: bool = False
    registrant_pk: int | None = None
    market_pk: int | None = None
    event_ids: tuple[str, ...] = ()
    is_ours: bool = False
    code_is_anothers: bool = False
    fans_code: str = ""


def judged(records: Iterable[tuple[Mapping[str, Any], Known]]) -> list[Why | None]:
    """Why each record is rejected, None where it is passed on. Of records that exclude each other
    the first is.
    """
    code_of_fan: dict[tuple[int | None, str], str] = {}
    fan_of_code: dict[str, tuple[int | None, str]] = {}
    found = []
    for record, known in records:
        why = _why(record, known)
        fan, code = (known.campaign_pk, record["globalUserId"]), record["code"].upper()
        if why is None and fan_of_code.get(code, fan) != fan:
            why = Why.CODE_OF_ANOTHER
        if why is None and code_of_fan.get(fan, code) != code:
            why = Why.ANOTHER_CODE
        if why is None:
            code_of_fan[fan], fan_of_code[code] = code, fan
        found.append(why)
    return found


def _why(record: Mapping[str, Any], known: Known) -> Why | None:
    """What was assigned here is passed on though the campaign was closed since: closing waits for
    no consumer.
    """
    code = record["code"].upper()
    applies = {
        Why.NO_CODE: code == PLACEHOLDER,
        Why.LONG_CODE: len(code) > LONGEST_CODE,
        Why.UNKNOWN_CAMPAIGN: known.campaign_pk is None,
        Why.NOT_OPEN: not known.is_open and not known.is_ours,
        Why.UNKNOWN_FAN: known.registrant_pk is None,
        Why.UNKNOWN_MARKET: record["marketId"] is not None and known.market_pk is None,
        Why.CODE_OF_ANOTHER: known.code_is_anothers,
        Why.ANOTHER_CODE: known.fans_code.upper() not in ("", code),
    }
    return next((why for why, is_so in applies.items() if is_so), None)
