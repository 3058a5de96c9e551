"""Registrations → the same rows, each acceptable or with the first reason that applies. [C-4]"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import polars as pl

from campaigns.choices import Reason, Tag
from campaigns.contacts.emails import canonical_email
from campaigns.contacts.search_forms import COLUMNS as FOUND_BY
from campaigns.contacts.search_forms import search_forms
from campaigns.formats.dates import instants_of
from campaigns.formats.registration_columns import Registrations
from campaigns.registrations import kept_lines
from campaigns.scoring.outcomes import Rules, check_contacts, is_yes
from datalake.erased.fans import NOBODY_ERASED, Erased
from operations.entry.languages import canonical
from operations.entry.trimming import trimmed

STAGED: tuple[str, ...] = (
    *("line", "global_user_id", "member_id", "email", "phone", "phone_region", "phone_confirmed"),
    *("country", "language", "preferences", "registered_at", "changed_at", "tags", "shared_email"),
)
_NO_DATE = pl.datetime(1, 1, 1, time_zone="UTC")
REJECTED: tuple[str, ...] = ("line", "global_user_id", "reason", "raw", *FOUND_BY)


@dataclass(frozen=True)
class RegistrationRules:
    """What registrations are judged by: rules of contacts, the campaign's markets and window, and
    who was erased.
    """

    contacts: Rules
    market_ids: list[str]
    opens: datetime | None
    closes: datetime | None
    erased: Erased = NOBODY_ERASED


@dataclass(frozen=True)
class Judged:
    """Rows of a file in order: acceptable ones as they are staged (STAGED) and as they were written
    (kept_lines.COLUMNS), rejected ones (REJECTED), and all of the file's columns.
    """

    acceptable: pl.DataFrame
    written: pl.DataFrame
    rejected: pl.DataFrame
    columns: tuple[str, ...]

    @property
    def rows(self) -> int:
        return self.acceptable.height + self.rejected.height


def judge(chunk: Registrations, judge_by: RegistrationRules) -> Judged:
    """Every row's outcome, as far as it is known without the others. [C-2, C-4]"""
    rows = chunk.rows.with_columns(
        pl.col("country_code").str.to_uppercase().alias("country"),
        is_yes(pl.col("phone_confirmed")).alias("confirmed"),
        pl.lit(None, dtype=pl.String).alias("known_phone"),
        instants_of(chunk.rows["registered_at"]),
        instants_of(chunk.rows["date_created"]).alias("changed_at"),
        _wanted().alias("wanted"),
    )
    dates = rows.select(pl.coalesce("changed_at", "registered_at", _NO_DATE)).to_series()
    erased = judge_by.erased.since(rows["global_user_id"], dates)
    rows = rows.with_columns(erased)
    judged = _check_languages(check_contacts(rows, judge_by.contacts))
    reasons = judged.select(_reason(judge_by).alias("reason")).to_series()
    is_acceptable = reasons.is_null()
    malformed = chunk.malformed.with_columns(reason=pl.lit(Reason.MALFORMED_ROW.value))
    rejected = as_rejected(chunk.rows.with_columns(reasons, erased).filter(~is_acceptable))
    return Judged(
        _staged(judged.filter(is_acceptable), judge_by.contacts.max_fans_per_contact),
        chunk.rows.select(kept_lines.COLUMNS).filter(is_acceptable),
        pl.concat([rejected, malformed], how="diagonal").sort("line"),
        chunk.columns,
    )


def as_rejected(written: pl.DataFrame) -> pl.DataFrame:
    """Rows (kept_lines.COLUMNS and `reason`) as REJECTED: their contacts in the form in which they
    are found. [X-1] Of those of erased fans only line and reason are kept. [X-11]
    """
    found = written.select("line", "global_user_id", "reason", "raw", *search_forms(*FOUND_BY))
    # a row of theirs without a date is rejected for that; nothing says that it is newer
    undated = written["erased"] if "erased" in written.columns else pl.lit(value=False)
    is_erased = undated | (pl.col("reason") == Reason.ERASED.value)
    kept = pl.exclude("line", "reason")
    return found.with_columns(pl.when(is_erased).then(pl.lit("")).otherwise(kept).name.keep())


def _wanted() -> pl.Expr:
    """Market ids in their order, each once."""
    ids = pl.col("market_preferences").str.split("|").list.eval(trimmed(pl.element()))
    return ids.list.filter(pl.element() != "").list.unique(maintain_order=True)


def _reason(judge_by: RegistrationRules) -> pl.Expr:
    bad_date = pl.col("registered_at").is_null() | (
        pl.col("changed_at").is_null() & (pl.col("date_created") != "")
    )
    unknown = pl.col("wanted").list.eval(~pl.element().is_in(judge_by.market_ids)).list.any()
    return pl.coalesce(
        pl.when(bad_date).then(pl.lit(Reason.MALFORMED_ROW.value)),
        pl.when(pl.col("global_user_id") == "").then(pl.lit(Reason.MISSING_USER_ID.value)),
        pl.when("erased").then(pl.lit(Reason.ERASED.value)),
        pl.col("contact_reason"),
        pl.when(_is_outside(judge_by)).then(pl.lit(Reason.OUTSIDE_WINDOW.value)),
        pl.when(unknown).then(pl.lit(Reason.UNKNOWN_MARKET.value)),
    )


def _staged(judged: pl.DataFrame, most_fans_per_contact: int) -> pl.DataFrame:
    """Acceptable rows as STAGED; addresses by which fans are counted only where they are."""
    shared = canonical_email(judged["email"]).fill_null("") if most_fans_per_contact else pl.lit("")
    return judged.select(
        "line",
        "global_user_id",
        "member_id",
        pl.col("email", "phone", "phone_region").fill_null(""),
        pl.col("confirmed").alias("phone_confirmed"),
        pl.when(pl.col("country").str.len_chars() == 2)
        .then("country")
        .otherwise(pl.lit(""))
        .alias("country"),
        "language",
        array_literal(pl.col("wanted")).alias("preferences"),
        pl.col("registered_at").dt.to_string("%+"),
        pl.coalesce("changed_at", "registered_at").dt.to_string("%+").alias("changed_at"),
        pl.col("tags").list.join("|"),
        shared.alias("shared_email"),
    )


def array_literal(texts: pl.Expr) -> pl.Expr:
    """Market ids as PostgreSQL writes arrays; quoted, because a bare null would be none."""
    quoted = pl.concat_str(pl.lit('{"'), texts.list.join('","'), pl.lit('"}'))
    return pl.when(texts.list.len() > 0).then(quoted).otherwise(pl.lit("{}"))


def _check_languages(rows: pl.DataFrame) -> pl.DataFrame:
    """`language` as it is stored, empty where it is none: such a row has a tag more. [C-4]"""
    written = rows["language"]
    stored = {each: canonical(each) for each in written.unique()}
    odd = [each for each, kept in stored.items() if each and not kept]
    return rows.with_columns(
        written.replace_strict(stored, return_dtype=pl.String),
        pl.when(written.is_in(odd))
        .then(pl.col("tags").list.concat(pl.lit([Tag.INVALID_LANGUAGE.value])))
        .otherwise("tags")
        .alias("tags"),
    )


def _is_outside(judge_by: RegistrationRules) -> pl.Expr:
    """Whether a registration came before the window opened or after it closed; an end that is not
    set bounds nothing. [C-2]
    """
    opens, closes, at = judge_by.opens, judge_by.closes, pl.col("registered_at")
    too_early = pl.lit(value=False) if opens is None else at < opens
    return too_early if closes is None else too_early | (at > closes)
