"""The rows of an uploaded wave, each accepted or with the first reason that applies. Pure, over
whole columns. [W-3, S-3 … S-6, N-8]
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Any, Final

import polars as pl

from campaigns.scoring.outcomes import ContactRanks, Rules, judge_contacts
from waves.choices import RowReason
from waves.codes.partner_answers import PLACEHOLDER
from waves.suppression.contacts import without_suppressed
from waves.uploads.config import ALLOW_INTL

# Visible ASCII, as long as the column, and nothing that a spreadsheet would run. [K-1, O-7]
CODE: Final = r"^[!-*,./-<>?A-~][!-~]{0,63}$"


class CodeStanding(StrEnum):
    """Whose the code of a row is before the wave takes it."""

    NOBODYS = ""
    FREE = "free"  # of this campaign: available, or reserved for this wave by an earlier attempt
    OTHER_CAMPAIGN = "other_campaign"
    OTHER_MARKET = "other_market"
    TAKEN = "taken"


# What is known of each row's fan and code; see `facts.facts_of`.
FACTS: Final[Mapping[str, Any]] = {
    "line": pl.Int64,
    "erased": pl.Boolean,
    "registered": pl.Boolean,
    "known_phone": pl.String,
    "confirmed": pl.Boolean,
    "in_wave": pl.Boolean,
    "holds_code": pl.Boolean,
    "standing": pl.String,
    "email_suppressed": pl.Boolean,
    "phone_suppressed": pl.Boolean,
}


def rules_for(rules: Rules, options: Mapping[str, Any]) -> Rules:
    """The campaign's rules, but for what the wave's own options say. [W-3]"""
    own = options.get(ALLOW_INTL)
    return rules if own is None else replace(rules, allow_intl_phones=own)


def judge_rows(
    rows: pl.DataFrame, facts: pl.DataFrame, rules: Rules, rooms: Mapping[str, int]
) -> pl.DataFrame:
    """Give every readable row its outcome. [W-3, W-5]

    `rows`: `line` and the list's columns, in order of the lines; `facts`: FACTS, of each line;
    `rooms`: seats that are left, by market id. Returns the rows with `reason` (null = accepted),
    the contacts in their stored forms (empty where not usable or suppressed), and TM written so.
    """
    known = rows.join(facts, on="line", how="left", maintain_order="left").with_columns(
        pl.when(pl.col("code").str.to_uppercase() == PLACEHOLDER)
        .then(pl.lit(PLACEHOLDER))
        .otherwise("code")
        .alias("code"),
        pl.lit(rules.home_countries[0]).alias("country"),
    )
    judged = without_suppressed(judge_contacts(known, rules)).with_columns(
        _duplicate(known).alias("_duplicate"),
        pl.col("market_id").is_in(list(rooms)).alias("_market_is_known"),
    )
    judged = judged.with_columns(_first_reason().alias("reason"))
    if rules.max_fans_per_contact:
        judged = ContactRanks(rules.max_fans_per_contact).reject_shared(judged)
    return _within_rooms(judged, rooms).select(
        *("line", "global_user_id", "member_id", "market_id"),
        pl.col("email").fill_null(""),
        pl.when("usable_phone").then("phone").otherwise(pl.lit("")).alias("phone"),
        *("code", "reason"),
    )


def _duplicate(rows: pl.DataFrame) -> pl.Series:
    """Whether the fan or the code stands in an earlier row, whatever became of that one."""
    code = pl.col("code").str.to_uppercase()
    is_code = ~code.is_in(["", PLACEHOLDER])
    return rows.select(
        ~pl.col("global_user_id").is_first_distinct() | (is_code & ~code.is_first_distinct())
    ).to_series()


def _first_reason() -> pl.Expr:
    standing = pl.col("standing")
    tests: list[tuple[pl.Expr, RowReason]] = [
        (pl.col("global_user_id") == "", RowReason.MISSING_USER_ID),
        (pl.col("_duplicate"), RowReason.DUPLICATE),
        (pl.col("erased"), RowReason.ERASED),
        (~pl.col("registered"), RowReason.UNKNOWN_FAN),
        (~pl.col("_market_is_known"), RowReason.UNKNOWN_MARKET),
    ]
    later: list[tuple[pl.Expr, RowReason]] = [
        (pl.col("in_wave"), RowReason.ALREADY_IN_WAVE),
        (pl.col("holds_code"), RowReason.HOLDS_CODE),
        ((pl.col("code") != "") & ~pl.col("code").str.contains(CODE), RowReason.INVALID_CODE),
        (standing == CodeStanding.OTHER_CAMPAIGN.value, RowReason.CODE_OF_ANOTHER_CAMPAIGN),
        (standing == CodeStanding.OTHER_MARKET.value, RowReason.CODE_OF_ANOTHER_MARKET),
        (standing == CodeStanding.TAKEN.value, RowReason.CODE_TAKEN),
    ]
    return pl.coalesce(*map(_when, tests), "contact_reason", *map(_when, later))


def _when(test: tuple[pl.Expr, RowReason]) -> pl.Expr:
    applies, reason = test
    return pl.when(applies).then(pl.lit(reason.value))


def _within_rooms(judged: pl.DataFrame, rooms: Mapping[str, int]) -> pl.DataFrame:
    """The first rows of a market fill its room; those behind have none. [W-3, W-5]"""
    room = pl.col("market_id").replace_strict(dict(rooms), default=0, return_dtype=pl.Int64)
    counts = pl.col("reason").is_null().cum_sum().over("market_id")
    full = pl.col("reason").is_null() & (counts > room)
    return judged.with_columns(
        pl.when(full).then(pl.lit(RowReason.NO_ROOM.value)).otherwise("reason").alias("reason")
    )
