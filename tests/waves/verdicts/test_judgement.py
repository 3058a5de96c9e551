"""Which records are passed on, without a database. [T-3, T-4]"""

from __future__ import annotations

from dataclasses import replace

import pytest

from waves.verdicts.judgement import Known, Why, judged

FINE = Known(1, is_open=True, registrant_pk=2, market_pk=3)


def record(fan: str = "a", code: str = "C1", market: str | None = "west") -> dict:
    return {"globalUserId": fan, "code": code, "marketId": market}


@pytest.mark.parametrize(
    ("given", "known", "why"),
    [
        (record(), FINE, None),
        (record(market=None), replace(FINE, market_pk=None), None),
        (record(code="Tm"), FINE, Why.NO_CODE),
        (record(code="x" * 65), FINE, Why.LONG_CODE),
        (record(), Known(), Why.UNKNOWN_CAMPAIGN),
        (record(), replace(FINE, is_open=False, registrant_pk=None), Why.NOT_OPEN),
        (record(), replace(FINE, is_open=False, is_ours=True), None),
        (record(), replace(FINE, registrant_pk=None, market_pk=None), Why.UNKNOWN_FAN),
        (record(), replace(FINE, market_pk=None, code_is_anothers=True), Why.UNKNOWN_MARKET),
        (record(), replace(FINE, code_is_anothers=True), Why.CODE_OF_ANOTHER),
        (record(), replace(FINE, fans_code="C2"), Why.ANOTHER_CODE),
        (record(), replace(FINE, fans_code="c1"), None),
    ],
)
def test_t3_the_first_reason_that_applies_is_why_a_record_is_rejected(given, known, why):
    assert judged([(given, known)]) == [why]


def test_k6_of_records_that_exclude_each_other_the_first_is_passed_on():
    pairs = [
        (record("a", "C1"), FINE),
        (record("a", "C2"), FINE),
        (record("b", "c1"), FINE),
        (record("b", "C2"), FINE),
        (record("a", "C3"), replace(FINE, campaign_pk=9)),
    ]
    assert judged(pairs) == [None, Why.ANOTHER_CODE, Why.CODE_OF_ANOTHER, None, None]
