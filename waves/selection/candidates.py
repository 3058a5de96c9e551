"""Which fans of the active score file may be selected, given registrations and waves, and why the
others may not. [W-5]
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import polars as pl

from campaigns.models import ScoreFile
from campaigns.scoring.outcomes import Rules
from datalake.erased.fans import NOBODY_ERASED, Erased, known
from operations.threads import helper_thread, in_order
from waves.choices import Exclusion
from waves.holds import HELD, NOBODY_RETURNS
from waves.selection.contacts import judged_as_stored
from waves.selection.past_holders import NOBODY_HELD, PastHolders, past_holders
from waves.selection.reading import SCHEMA, Reading

_REASONS = pl.Enum(Exclusion.values)
AT_ONCE = 3  # frames that are read and not judged yet


@dataclass(frozen=True)
class Candidates:
    """`frame`: what `selection.select` takes. `returning`: the same of fans who come with a code
    that they hold, and HELD; they are not selected from. [W-6] `left_out`: the others, with their
    reason. Contacts are judged and not kept: `contacts.py` reads those of the selected.

    All have `unrostered` (Boolean): registered only after the rows of the file were judged, so that
    the roster does not hold their preferences. [S-10]
    """

    frame: pl.DataFrame
    returning: pl.DataFrame
    left_out: pl.DataFrame

    @property
    def excluded(self) -> Mapping[Exclusion, int]:
        counts = self.left_out["reason"].value_counts().iter_rows()
        return {Exclusion(reason): count for reason, count in counts}


@dataclass(frozen=True)
class Terms:
    """By what one selection judges the fans: the least raw score, and who comes with a code that
    they hold (`global_user_id` and HELD). [W-5, W-6]
    """

    min_score: float
    returning: pl.DataFrame


def gather(
    score_file: ScoreFile,
    rules: Rules,
    terms: Sequence[Terms],
    *,
    market_ids: Iterable[str],
    wave_id: int | None,
    told: Sequence[int] = (),
) -> list[Candidates]:
    """The fans of the score file who may be selected, by the lists and options of `rules`, and by
    each of the terms; read once. `market_ids`: of the campaign. [W-5, X-4]

    Members of the wave `wave_id` itself (its earlier preparation) are not counted as taken; those
    of the cancelled waves `told` are. [X-8]
    """
    erased = known()
    reading = Reading.of(
        score_file, wave_id=wave_id, told=told, anybody_erased=not erased.fans.is_empty()
    )
    markets = pl.Enum(list(market_ids))
    past = past_holders(score_file.campaign, erased, wave_id=wave_id, told=told)
    judge = partial(
        _split_each, rules=rules, terms=terms, markets=markets, erased=erased, past=past
    )
    # PostgreSQL, the reading and the judging keep two cores busy
    with helper_thread("candidates") as helper:
        read_and_judged = in_order(
            helper,
            lambda frame: judge(reading.columns_of(frame)),
            reading.frames(),
            at_once=AT_ONCE,
        )
        parts = list(read_and_judged)
    nobody = judge(pl.DataFrame(schema=SCHEMA))
    return [
        Candidates(
            _joined([part.frame for part in (none, *found)]),
            _joined([part.returning for part in (none, *found)]),
            _joined([part.left_out for part in (none, *found)]),
        )
        for none, *found in zip(nobody, *parts, strict=True)
    ]


def _joined(parts: list[pl.DataFrame]) -> pl.DataFrame:
    """The parts under each other, each column but texts in one piece. `parts` is empty afterwards:
    a column is given up as it is joined, so that never more than one is there twice. The ids of
    millions of fans are the half of everything: they stay where they are.
    """
    columns = [frame.get_columns() for frame in parts]
    parts.clear()
    joined = []
    while columns[0]:
        pieces = [of_part.pop() for of_part in columns]
        joined.append(pl.concat(pieces, rechunk=pieces[0].dtype != pl.String))
    return pl.DataFrame(joined[::-1])


def _split_each(
    fans: pl.DataFrame,
    rules: Rules,
    terms: Sequence[Terms],
    markets: pl.Enum,
    erased: Erased,
    past: PastHolders,
) -> list[Candidates]:
    return [
        split_fans(
            fans,
            rules,
            markets=markets,
            min_score=max(each.min_score, rules.lowest_score),
            returning=each.returning,
            erased=erased,
            past=past,
        )
        for each in terms
    ]


def split_fans(
    fans: pl.DataFrame,
    rules: Rules,
    *,
    markets: pl.Enum,
    min_score: float,
    returning: pl.DataFrame = NOBODY_RETURNS,
    erased: Erased = NOBODY_ERASED,
    past: PastHolders = NOBODY_HELD,
) -> Candidates:
    """Split fans (columns of `reading.SCHEMA`) into candidates, those who come with their code, and
    excluded, these under the first reason that applies. Of the preferences, those that are none of
    the `markets` become null. Who had a seat or a code before they were erased has them still.
    [W-5, W-6, X-11]
    """
    # nearly always nobody comes back: then neither a join nor a copy of each part is needed
    fans = (
        fans.with_columns(pl.lit(None, kind).alias(name) for name, kind in HELD.items())
        if returning.is_empty()
        else fans.join(returning, on="global_user_id", how="left", maintain_order="left")
    )
    fans = past.counted(fans)
    refused = pl.coalesce(
        _reason(pl.col("registered_us").is_null(), Exclusion.NOT_REGISTERED),
        _reason(pl.col("raw_score") < min_score, Exclusion.BELOW_MINIMUM_SCORE),
        _reason(pl.col("in_wave") & pl.col("reassigned").is_null(), Exclusion.ALREADY_IN_WAVE),
        _reason(pl.col("holds_code") & pl.col("held_code").is_null(), Exclusion.HOLDS_CODE),
    )
    fans = fans.with_columns(refused.alias("reason"))
    early = fans.filter(pl.col("reason").is_not_null())
    judged = judged_as_stored(fans.filter(pl.col("reason").is_null()), rules)
    judged = _with_erased(judged, erased)
    asked = pl.List(markets)
    kept = judged.filter(pl.col("contact_reason").is_null()).select(
        "global_user_id",
        "band_score",
        "luck",
        pl.when(pl.col("preferences") == "")
        .then(pl.lit([], asked))
        .otherwise(pl.col("preferences").str.split("|").cast(asked, strict=False))
        .alias("preferences"),
        pl.col("registered_us").cast(pl.Datetime("us", "UTC")).alias("registered_at"),
        *HELD,
        "unrostered",
    )
    back, frame = kept.clear(), kept
    if returning.height:
        comes_back = pl.col("held_code").is_not_null()
        back, frame = kept.filter(comes_back), kept.filter(~comes_back)
    refused_contact = judged.filter(pl.col("contact_reason").is_not_null())
    return Candidates(
        frame.drop(HELD),
        back,
        pl.concat([_left_out(early, "reason"), _left_out(refused_contact, "contact_reason")]),
    )


def _with_erased(judged: pl.DataFrame, erased: Erased) -> pl.DataFrame:
    """Who was erased since their newest registration has that reason, whatever their contact.
    [X-11]
    """
    changed = pl.from_epoch("changed_us", time_unit="us").dt.replace_time_zone("UTC")
    gone = erased.since(judged["global_user_id"], judged.select(changed).to_series())
    reason = _reason(pl.lit(gone), Exclusion.ERASED)
    return judged.with_columns(pl.coalesce(reason, "contact_reason").alias("contact_reason"))


def _reason(applies: pl.Expr, exclusion: Exclusion) -> pl.Expr:
    return pl.when(applies).then(pl.lit(exclusion.value))


def _left_out(fans: pl.DataFrame, reason: str) -> pl.DataFrame:
    return fans.select(
        "global_user_id", "unrostered", pl.col(reason).cast(_REASONS).alias("reason")
    )
