"""Segments, cost and time. [X-6]"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from waves.messages.sms_segments import segments
from waves.preflight.check import Color
from waves.preflight.costs import (
    Pace,
    SmsGroup,
    cost_table,
    judge_cost,
    judge_segments,
    judge_time,
    segments_table,
)
from waves.preflight.texts import Text

START = datetime(2026, 1, 20, 18, tzinfo=UTC)


def group(text: str, source: str = "the template", **by_region: int) -> SmsGroup:
    where = Text("sms", "West", "", members=1, member=1, needs_code=True)
    return SmsGroup(segments(text), by_region, where, source)


def test_x6_a_character_that_forces_ucs2_is_named_with_its_source():
    found = judge_segments([group("Tour’s code", "the campaign's name", US=5)])
    assert found.ok == Color.YELLOW
    assert "“’” (U+2019) in the campaign's name" in found.detail


def test_x6_a_very_long_text_is_yellow():
    assert "takes 8 segments" in judge_segments([group("a" * 1200, US=1)]).detail


def test_x6_plain_texts_are_green():
    found = judge_segments([group("a" * 161, US=2), group("a", CA=1)])
    assert (found.ok, found.detail) == (Color.GREEN, "3 SMS in 5 segments.")


groups_of_any = st.lists(
    st.builds(
        lambda length, us, ca, odd: group("я" * odd + "a" * length, US=us, CA=ca),
        *(st.integers(0, 500), st.integers(1, 9), st.integers(1, 9), st.integers(0, 1)),
    ),
    max_size=8,
)


@given(groups_of_any, st.decimals("0.0001", "2", places=4))
def test_x6_tables_add_up_to_every_message_and_its_price(groups, rate):
    messages = sum(each.messages for each in groups)
    assert sum(line["messages"] for line in segments_table(groups)) == messages
    cost = cost_table(groups, {"US": rate})
    assert sum(line["messages"] for line in cost) == messages
    by_country = {line["country"]: line for line in cost}
    single = sum(
        (rate for each in groups for _ in range(each.by_region["US"] * each.segments.count)),
        Decimal(0),
    )
    if groups:
        assert Decimal(by_country["US"]["cost"]) == single
        assert by_country["CA"]["cost"] is None
    assert judge_cost(cost, "USD").ok == (Color.YELLOW if groups else Color.GREEN)


def test_x6_countries_without_a_price_are_named():
    table = cost_table([group("a", US=1_000, DE=2, **{"": 1})], {"US": Decimal("0.0079")})
    assert judge_cost(table, "USD").detail == (
        "The price of an SMS to numbers without a country, DE is not known: add it to SMS_RATES. The others"
        " cost 7.90 USD."
    )


def test_x6_where_no_price_is_known_no_cost_is_said():
    table = cost_table([group("a", US=1)], {})
    assert judge_cost(table, "USD").detail == (
        "The price of an SMS to US is not known: add it to SMS_RATES."
    )


def pace(sms: int, codes_end: datetime | None = None, *, emails: int = 7) -> Pace:
    return Pace(sms, emails, 200, 100, START, codes_end)


def test_x6_the_time_to_finish_follows_from_the_rate():
    found = judge_time(pace(30_001))
    assert (found.ok, found.detail) == (
        Color.GREEN,
        "30,001 SMS at 200 a second take 2 min 31 s and 7 e-mails at 100 a second take 1 s.",
    )
    assert judge_time(pace(0, emails=0)).detail == "There is no message to send."


def test_x6_the_last_fan_long_after_the_first_is_yellow():
    found = judge_time(pace(200 * 3600 * 5))
    assert (found.ok, "SMS_PER_SECOND" in found.detail) == (Color.YELLOW, True)
    assert judge_time(pace(200 * 3600 * 4)).ok == Color.GREEN
    found = judge_time(pace(1, emails=100 * 3600 * 5))
    assert (found.ok, "EMAIL_PER_SECOND" in found.detail) == (Color.YELLOW, True)


def test_x6_codes_that_end_before_the_last_message_are_red():
    assert judge_time(pace(1, START + timedelta(seconds=59), emails=6_000)).ok == Color.RED
    assert judge_time(pace(200 * 60, START + timedelta(seconds=59))).ok == Color.RED
    assert judge_time(pace(200 * 60, START + timedelta(seconds=60))).ok == Color.GREEN
