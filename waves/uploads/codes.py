"""The codes of an uploaded wave: those its list gives are reserved for their fans, and each row
without one gets one where the wave says so. [W-3, K-1, K-3, K-5]

Reservations are committed before the members are written, as those of any preparation: an attempt
that dies leaves them, and the next one finds the same codes. [W-9]
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import polars as pl
from django.db import transaction

from campaigns.choices import CodeSource
from operations.database.retries import retried
from operations.database.statements import rows as found_rows
from operations.database.statements import run
from waves.choices import CodeCall, RowReason
from waves.codes import (
    imported_codes,
    partner_calls,
    partner_codes,
    partner_service,
    pool,
    reservations,
)
from waves.codes.partner_answers import PLACEHOLDER
from waves.codes.partner_generation import Generated
from waves.models import CodeServiceCall, Wave
from waves.naming import code_validity

BATCH: Final = 25_000
UPLOAD: Final = "upload"  # the origin of codes that a list brought
REASONS_LOGGED: Final = 5
logger = logging.getLogger(__name__)
Fence = Callable[[], object]

# What an earlier attempt reserved is not what the list says any more: the fan has another code, or
# the code another fan.
_STALE = """
SELECT waves_code.code
FROM waves_code JOIN unnest(%(fans)s::text[], %(codes)s::text[]) AS given (fan, code) ON """
_OF_ANOTHER_FAN = "upper(waves_code.code) = upper(given.code) AND global_user_id <> given.fan"
_ANOTHER_CODE = "global_user_id = given.fan AND upper(waves_code.code) <> upper(given.code)"
_OF_THE_WAVE = " WHERE waves_code.wave_id = %(wave)s AND state = 'reserved'"
_RESERVE = """
UPDATE waves_code SET state = 'reserved', wave_id = %(wave)s, global_user_id = given.fan,
    market_id = given.market, begins_at = %(begins)s, ends_at = %(ends)s, reserved_at = %(now)s
FROM unnest(%(fans)s::text[], %(markets)s::bigint[], %(codes)s::text[])
    AS given (fan, market, code)
WHERE upper(waves_code.code) = upper(given.code) AND waves_code.campaign_id = %(campaign)s
    AND (state = 'available' OR state = 'reserved' AND wave_id = %(wave)s)
"""
_INSERT = """
INSERT INTO waves_code (campaign_id, code, source, origin, state, wave_id, global_user_id,
    market_id, begins_at, ends_at, created_at, reserved_at)
SELECT %(campaign)s, code, 'partner', %(origin)s, 'reserved', %(wave)s, fan, market, %(begins)s,
    %(ends)s, %(now)s, %(now)s
FROM unnest(%(fans)s::text[], %(markets)s::bigint[], %(codes)s::text[])
    AS given (fan, market, code)
ON CONFLICT DO NOTHING
"""
_MADE = {"global_user_id": pl.String, "made": pl.String}
_NOTHING_MADE = pl.DataFrame(schema=_MADE)


@dataclass(frozen=True)
class CodedRows:
    """`rows` with their codes and, where a code could not be had, the `reason`; codes that were
    `generated` now; codes of the wave that are nobody's of the rows any more.
    """

    rows: pl.DataFrame
    generated: int
    unused: list[str]


def give_codes(
    wave: Wave, rows: pl.DataFrame, *, generate: bool, now: datetime, fence: Fence
) -> CodedRows:
    """A code for each of the rows, committed at once. `rows`: `global_user_id`, `market_id`,
    `market` (its key), `code_source`, `code` and `reason` (null). `fence`: see
    `pool.reserve_what_there_is`.

    Raises what `pool.reserve_what_there_is` and `partner_service.generate_many` raise.
    """
    given = rows.filter(~pl.col("code").is_in(["", PLACEHOLDER]))
    for batch in given.iter_slices(BATCH):
        _reserve_given(wave, batch, now, fence)
    generated = 0
    if generate:
        rows, generated = _generate(wave, rows, now, fence)
    held = reservations.held_by(wave).rename({"code": "held"})
    coded = rows.join(held, on="global_user_id", how="left", maintain_order="left")
    has_code = ~pl.col("code").is_in(["", PLACEHOLDER])
    lost = has_code & (
        pl.col("held").str.to_uppercase() != pl.col("code").str.to_uppercase()
    ).fill_null(value=True)
    coded = coded.with_columns(
        pl.when(has_code).then(pl.coalesce("held", "code")).otherwise("code").alias("code"),
        pl.coalesce("reason", pl.when(lost).then(pl.lit(RowReason.CODE_TAKEN.value))).alias(
            "reason"
        ),
    )
    in_use = coded.filter(pl.col("reason").is_null() & has_code).select("global_user_id")
    unused = held.join(in_use, on="global_user_id", how="anti")["held"].to_list()
    return CodedRows(coded.drop("held"), generated, unused)


@retried
@transaction.atomic
def _reserve_given(wave: Wave, batch: pl.DataFrame, now: datetime, fence: Fence) -> None:
    """The constraint judges whose a code is: one that is somebody's stays theirs. [K-1]"""
    begins, ends = code_validity(wave.notify_date, wave.campaign.time_zone)
    columns = {"fans": "global_user_id", "markets": "market", "codes": "code"}
    lists = {name: batch[column].to_list() for name, column in columns.items()}
    common = {"campaign": wave.campaign_id, "wave": wave.pk, "now": now} | lists
    fence()
    about = {"wave": wave.pk, "fans": lists["fans"], "codes": lists["codes"]}
    stale = [
        code
        for which in (_OF_ANOTHER_FAN, _ANOTHER_CODE)
        for (code,) in found_rows(f"{_STALE}{which}{_OF_THE_WAVE}", **about)
    ]
    reservations.release_codes(wave, stale)
    run(_RESERVE, begins=begins, ends=ends, **common)
    run(_INSERT, begins=begins, ends=ends, origin=UPLOAD, **common)


def _generate(
    wave: Wave, rows: pl.DataFrame, now: datetime, fence: Fence
) -> tuple[pl.DataFrame, int]:
    """The rows with a code for each that has none: of the first source of its market that gives it
    one. [K-4]
    """
    left = rows.filter(pl.col("code") == "").with_columns(
        pl.col("code_source").str.split("|").alias("sources")
    )
    made, generated = [_NOTHING_MADE], 0
    while left.height:
        of_source = left.with_columns(pl.col("sources").list.first().alias("code_source"))
        for (source,), wanted in of_source.partition_by("code_source", as_dict=True).items():
            given, count = _of_source(CodeSource(str(source)), wave, wanted, now, fence)
            made.append(given)
            generated += count
        left = left.join(pl.concat(made), on="global_user_id", how="anti").with_columns(
            pl.col("sources").list.slice(1)
        )
        left = left.filter(pl.col("sources").list.len() > 0)
    coded = rows.join(pl.concat(made), on="global_user_id", how="left", maintain_order="left")
    coded = coded.with_columns(
        pl.when(pl.col("code") == "").then("made").otherwise("code").alias("code")
    )
    failed = pl.when(pl.col("code").is_null()).then(pl.lit(RowReason.CODE_FAILED.value))
    coded = coded.with_columns(pl.coalesce("reason", failed).alias("reason"))
    return coded.with_columns(pl.col("code").fill_null("")).drop("made"), generated


def _of_source(
    source: CodeSource, wave: Wave, wanted: pl.DataFrame, now: datetime, fence: Fence
) -> tuple[pl.DataFrame, int]:
    """`global_user_id` and `made` of those who get a code of this source, and how many are new."""
    if source == CodeSource.PARTNER and partner_service.chosen() is not None:
        return _of_service(wave, wanted, now, fence)
    # with the sources that follow: a code that one of them gave an earlier attempt is kept
    members = wanted.select(
        "global_user_id",
        "market",
        pl.col("sources").list.join("|").alias("code_source"),
        pl.lit(None, pl.String).alias("held_code"),
    )
    reserved = pool.reserve_what_there_is(wave, members, now=now, fence=fence)
    made = reserved.members.select("global_user_id", pl.col("code").alias("made"))
    return made.drop_nulls(), reserved.generated


def _of_service(
    wave: Wave, wanted: pl.DataFrame, now: datetime, fence: Fence
) -> tuple[pl.DataFrame, int]:
    """An imported code, or one of the partner's service, for each fan who has none of an earlier
    attempt. What comes is kept while the others are asked for.
    """
    held = reservations.usable(wave, wanted.select("global_user_id", "market", "sources"), fence)
    without = wanted.join(held, on="global_user_id", how="anti", maintain_order="left")
    if sum(
        imported for _, _, imported in imported_codes.reserve(wave, without, now=now, fence=fence)
    ):
        held = reservations.held_by(wave)
    held = held.rename({"code": "made"})
    has_one = wanted.join(held, on="global_user_id", how="inner").select("global_user_id", "made")
    missing = wanted.join(held, on="global_user_id", how="anti", maintain_order="left")
    markets = dict(missing.select("global_user_id", "market").iter_rows())
    pairs = list(missing.select("global_user_id", "market_id").iter_rows())
    if not pairs:
        return has_one, 0
    call = _noted(wave, pairs, now, fence)
    came, reasons = [has_one], Counter[str]()
    for outcomes in partner_service.generate_many(pairs, wave=wave.name, number=call.number):
        good = [outcome for outcome in outcomes if outcome.code]
        reasons.update(outcome.reason for outcome in outcomes if not outcome.code)
        kept = _keep_made(wave, good, markets, now, fence)
        came.append(pl.DataFrame(kept, schema=_MADE, orient="row"))
    # whom an attempt before asked for and this one does not: their codes may be waiting there
    others = {(fan, market_id) for fan, market_id in call.pairs}.difference(pairs)
    partner_codes.give_back_generated(call, sorted(others), fence=fence)
    for reason, count in reasons.most_common(REASONS_LOGGED):
        logger.warning("no code", extra={"wave": wave.name, "rows": count, "why": reason})
    made = pl.concat(came)
    generated = made.height - has_one.height
    _mark_answered(call, fence, now=now, quantity=len(pairs), valid=generated)
    return made, generated


@retried
@transaction.atomic
def _noted(
    wave: Wave, pairs: Sequence[tuple[str, str]], now: datetime, fence: Fence
) -> CodeServiceCall:
    fence()
    return partner_calls.noted(wave, CodeCall.GENERATE, len(pairs), now=now, pairs=pairs)


@retried
@transaction.atomic
def _mark_answered(call: CodeServiceCall, fence: Fence, *, now: datetime, **counts: int) -> None:
    fence()
    partner_calls.mark_answered(call, now=now, **counts)


@retried
@transaction.atomic
def _keep_made(
    wave: Wave,
    outcomes: Sequence[Generated],
    markets: Mapping[str, int],
    now: datetime,
    fence: Fence,
) -> list[tuple[str, str]]:
    """(fan, code) of those that could be kept: a code that somebody has already is not used."""
    made = {each.global_user_id: each.code for each in outcomes}
    fence()
    kept = partner_codes.bind(
        wave, list(made.values()), list(made), [markets[fan] for fan in made], now=now
    )
    return [(fan, made[fan]) for fan in kept]
