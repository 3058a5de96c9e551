"""The members of a wave as rows: the selected, each with contact, market and code. [W-5, W-6]"""

from __future__ import annotations

import polars as pl

from operations.database.copying import copy_nullable, nullable_frame_of
from waves.models import Wave
from waves.selection.contacts import contacts_of
from waves.selection.planned_selection import PlannedSelection

LANGUAGES = """
SELECT global_user_id, language FROM campaigns_registrant
WHERE campaign_id = %(campaign)s AND language <> '' AND global_user_id = ANY(%(fans)s)
"""


def selected_members(planned: PlannedSelection) -> pl.DataFrame:
    """The selected with contact and language, and with key and code source of their market, in the
    order of the draw; who was not selected has no market [X-8]. Reads their contacts: in the
    snapshot that they were selected from.
    """
    markets = pl.DataFrame(
        [
            (seat.market_id, planned.plan.markets[seat.market_id].pk, seat.code_source)
            for seat in planned.plan.seats
        ],
        schema={"market_id": pl.String, "market": pl.Int64, "code_source": pl.String},
        orient="row",
    )
    members = planned.selection.members
    contacts = contacts_of(planned.plan.score_file, planned.rules, members["global_user_id"])
    held = planned.candidates.returning.select("global_user_id", "held_code", "reassigned")
    for frame, key in (
        (contacts, "global_user_id"),
        (held, "global_user_id"),
        (markets, "market_id"),
    ):
        members = members.join(frame, on=key, how="left", maintain_order="left")
    return members


def with_languages(campaign_pk: int, members: pl.DataFrame) -> pl.DataFrame:
    """The members with the `language` that each fan registered with last; empty where none is
    known. [N-1]
    """
    known = nullable_frame_of(
        LANGUAGES,
        {"global_user_id": pl.String, "language": pl.String},
        campaign=campaign_pk,
        fans=members["global_user_id"].to_list(),
    )
    found = members.join(known, on="global_user_id", how="left", maintain_order="left")
    return found.with_columns(pl.col("language").fill_null(""))


def write_members(wave: Wave, members: pl.DataFrame) -> None:
    """The wave's members and their codes; it has none yet. Call it in the transaction that makes
    them count.
    """
    copy_nullable("waves_member", _rows(wave, members))


def _rows(wave: Wave, members: pl.DataFrame) -> pl.DataFrame:
    return members.select(
        pl.lit(wave.pk).alias("wave_id"),
        pl.lit(wave.campaign_id).alias("campaign_id"),
        pl.col("market").alias("market_id"),
        "global_user_id",
        "member_id",
        "email",
        "phone",
        "code",
        "language",
        "place",
        "band_score",
        pl.lit(value=True).alias("wave_live"),
        pl.lit(wave.selects).alias("wave_selects"),
        pl.col("reassigned").alias("reassigned_id"),
    )
