"""Rows → the same rows, each with its one outcome: accepted, or the first reason that applies; and
its tags. [S-3 … S-7]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from campaigns import draw
from campaigns.choices import Reason, Tag
from campaigns.contacts import emails, phones
from operations.entry.trimming import trimmed

NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
YES = ("true", "1", "yes")
LOWEST_SCORE = draw.LOW.low


@dataclass(frozen=True)
class Rules:
    """What rows are judged by; kept with the score file as it was when processing began. [S-2]"""

    email_rules: emails.EmailRules
    home_countries: tuple[str, ...]
    allow_intl_phones: bool
    require_confirmed_phone: bool
    min_score: float
    max_fans_per_contact: int

    @property
    def lowest_score(self) -> float:
        return max(LOWEST_SCORE, self.min_score)


def check_contacts(rows: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    """`judge_contacts`, and `tags` (List[String]). [S-4, S-5]"""
    judged = judge_contacts(rows, rules)
    joined = judged.select(_joined_tags()).to_series()
    return judged.with_columns(tag_lists(joined)).drop("_email_tag", "_phone_tag", "_abroad")


def judge_contacts(rows: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    """Judge the e-mails and phones of rows with `email`, `phone`, `country` (String) and
    `confirmed` (Boolean). [S-4, S-5]

    `known_phone` (String) is the phone in E.164 that `confirmed` refers to, null where it refers to
    the row's own. Replaces `email` and `phone` by their stored forms (String or null) and adds
    `phone_region`, `confirmed` (false without a phone), `contact_reason` (the first reason that
    applies, or null) and `usable_phone` (Boolean: an SMS can be sent to it). What tags are made of
    stays under `_…`; they are made apart, because candidates of a wave need none.
    """
    mails = emails.check_emails(rows["email"], rules.email_rules)
    numbers = phones.check_phones(
        rows["phone"], rows["country"], default_region=rules.home_countries[0]
    )
    has_phone = pl.col("phone").is_not_null()
    abroad = has_phone & ~pl.col("phone_region").is_in(list(rules.home_countries)).fill_null(
        value=False
    )
    speaks_of_it = pl.col("known_phone").is_null() | (pl.col("known_phone") == pl.col("phone"))
    confirmed = has_phone & pl.col("confirmed") & speaks_of_it.fill_null(value=False)
    judged = rows.drop("email", "phone").with_columns(
        mails["email"],
        mails["tag"].alias("_email_tag"),
        mails["reason"].alias("_email_reason"),
        numbers["phone"],
        numbers["region"].alias("phone_region"),
        numbers["tag"].alias("_phone_tag"),
    )
    judged = judged.with_columns(confirmed.alias("confirmed"), abroad.alias("_abroad")).drop(
        "known_phone"
    )
    takes_sms = has_phone & pl.col("_phone_tag").is_null()
    usable = takes_sms & (pl.col("confirmed") | (not rules.require_confirmed_phone))
    judged = judged.with_columns(usable.alias("usable_phone"))
    no_contact = pl.col("email").is_null() & ~pl.col("usable_phone")
    return judged.with_columns(
        pl.coalesce(
            pl.col("_email_reason"),
            pl.when(pl.col("_abroad") & (not rules.allow_intl_phones)).then(
                pl.lit(Reason.INTL_PHONE.value)
            ),
            pl.when(no_contact).then(pl.lit(Reason.NO_CONTACT.value)),
        ).alias("contact_reason")
    ).drop("_email_reason")


def tag_lists(joined: pl.Series) -> pl.Series:
    """Tags joined by | → lists of them. There are few different ones, so each is cut once: 6 times
    as fast as each row.
    """
    each = joined.alias("joined").to_frame()
    lists = each.unique().with_columns(
        pl.col("joined").str.split("|").list.filter(pl.element() != "").alias("tags")
    )
    return each.join(lists, on="joined", how="left", maintain_order="left")["tags"]


def _joined_tags() -> pl.Expr:
    abroad = pl.when("_abroad").then(pl.lit(Tag.INTL_PHONE.value))
    unconfirmed = pl.when(pl.col("phone").is_not_null() & ~pl.col("confirmed")).then(
        pl.lit(Tag.UNCONFIRMED_PHONE.value)
    )
    return pl.concat_str(
        "_email_tag", "_phone_tag", abroad, unconfirmed, separator="|", ignore_nulls=True
    ).alias("tags")


def judge_scores(
    rows: pl.DataFrame,
    rules: Rules,
    *,
    duplicates: pl.Series,
    erased: pl.Series,
    ranks: ContactRanks | None,
) -> pl.DataFrame:
    """Give every well-formed row of a score file its outcome. [S-3]

    `rows`: `line`, the used columns of the file (trimmed), `confirmed` and `known_phone`.
    `duplicates`: Boolean, the fan id appears earlier in the file. `erased`: Boolean, the fan was
    erased and has not registered again [X-11]. `ranks` counts fans per contact
    over the chunks of a file and is None where there is no limit. Adds to `check_contacts`' columns
    `raw_score` (Float64 or null) and `reason` (null = accepted).
    """
    named = rows.rename(
        {
            "tmemail": "email",
            "sms": "phone",
            "country_code": "country",
            "raw_local_fanscore": "raw_text",
        }
    )
    judged = check_contacts(named.with_columns(pl.col("country").str.to_uppercase()), rules)
    judged = judged.with_columns(
        duplicates.alias("_duplicate"),
        erased.alias("_erased"),
        score_of(judged["raw_text"]).alias("raw_score"),
    )
    judged = judged.with_columns(
        pl.coalesce(
            pl.when(pl.col("global_user_id") == "").then(pl.lit(Reason.MISSING_USER_ID.value)),
            pl.when("_duplicate").then(pl.lit(Reason.DUPLICATE.value)),
            pl.when("_erased").then(pl.lit(Reason.ERASED.value)),
            pl.when(pl.col("raw_score").is_null()).then(pl.lit(Reason.INVALID_SCORE.value)),
            pl.col("contact_reason"),
        ).alias("reason")
    )
    if ranks is not None:
        judged = ranks.reject_shared(judged)
    too_low = pl.when(pl.col("raw_score") < rules.lowest_score).then(
        pl.lit(Reason.BELOW_MINIMUM_SCORE.value)
    )
    return judged.with_columns(pl.coalesce("reason", too_low)).drop(
        "_duplicate", "_erased", "contact_reason", "usable_phone"
    )


def score_of(texts: pl.Series) -> pl.Series:
    """Scores as written → Float64, null where the text is no number of S-3's form or outside [0,
    1]. [S-3]
    """
    form = texts.str.contains(NUMBER).fill_null(value=False)
    frame = pl.DataFrame({"text": texts}).select(
        pl.when(form).then("text").cast(pl.Float64, strict=False).alias("score")
    )
    # Python and polars both round correctly; but polars reads no "1." and no "+.5"
    unread = form & frame["score"].is_null()
    if unread.any():
        whole = (
            texts.str.strip_prefix("+")
            .str.replace(r"^(-?)\.", "${1}0.")
            .str.replace(r"\.([eE]|$)", ".0${1}")
        )
        completed = pl.select(
            pl.when(unread).then(whole).cast(pl.Float64, strict=False)
        ).to_series()
        frame = frame.with_columns(
            pl.coalesce("score", completed.alias("completed")).alias("score")
        )
    return frame.select(pl.when(pl.col("score").is_between(0, 1)).then(pl.col("score"))).to_series()


def is_yes(column: pl.Expr) -> pl.Expr:
    """true, 1, yes in any case; anything else is no. [S-1]"""
    return trimmed(column).str.to_lowercase().is_in(YES)


class ContactRanks:
    """How many fans of a file so far share each e-mail or phone: the first `limit` stay. [S-6]

    Holds 12 bytes for each different contact (a 64-bit hash and a count), so that ten million fans
    fit; two different contacts share a hash once in 300,000 files of ten million rows.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._seen = {
            name: pl.DataFrame(schema={"hash": pl.UInt64, "count": pl.UInt32})
            for name in ("email", "phone")
        }

    def reject_shared(self, judged: pl.DataFrame) -> pl.DataFrame:
        """Set `reason` where more fans than the limit came before with the same contact; counts
        rows without a reason.
        """
        reached = judged.select(
            "reason", "phone", emails.canonical_email(judged["email"]).alias("email")
        )
        ranks = [self._rank(name, reached) for name in ("email", "phone")]
        shared = pl.Series((ranks[0] > self.limit) | (ranks[1] > self.limit))
        reason = pl.when(shared & pl.col("reason").is_null()).then(
            pl.lit(Reason.SHARED_CONTACT.value)
        )
        return judged.with_columns(pl.coalesce("reason", reason))

    def _rank(self, name: str, reached: pl.DataFrame) -> pl.Series:
        """From 1: the place of each row among those with its contact; 0 where the row does not
        count.
        """
        hashes = reached.select(
            pl.when(pl.col("reason").is_null()).then(pl.col(name)).alias("contact")
        )
        frame = hashes.select(
            pl.when(pl.col("contact").is_not_null()).then(pl.col("contact").hash()).alias("hash")
        )
        earlier = frame.join(self._seen[name], on="hash", how="left", maintain_order="left")[
            "count"
        ].fill_null(0)
        here = frame.select(pl.int_range(1, pl.len() + 1, dtype=pl.UInt32).over("hash")).to_series()
        now = frame.drop_nulls().group_by("hash").len("count")
        self._seen[name] = (
            pl.concat([self._seen[name], now.cast({"count": pl.UInt32})]).group_by("hash").sum()
        )
        return pl.select(
            pl.when(frame["hash"].is_not_null()).then(earlier + here).otherwise(0)
        ).to_series()


def tally(values: pl.Series) -> dict[str, int]:
    """How often each value occurs in a column, by name; nulls aside."""
    counts = values.drop_nulls().value_counts(sort=False)
    return {str(value): int(count) for value, count in sorted(counts.iter_rows())}


def add_tallies(tallies: Sequence[dict[str, int]]) -> dict[str, int]:
    """The tallies of several chunks, added up, by name."""
    total: dict[str, int] = {}
    for counts in tallies:
        for name, count in counts.items():
            total[name] = total.get(name, 0) + count
    return dict(sorted(total.items()))
