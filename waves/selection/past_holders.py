"""Fans who were erased and have registered again: a wave that they were in, and a code that they
held, still count as theirs, so that an erasure brings nobody a second seat. [X-11, W-5, K-6]

Nothing else is known of them: the name that stands for a fan holds the reference that their id has
in this campaign, whenever they register.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from campaigns import draw
from campaigns.models import Campaign
from campaigns.opening import draw_of
from datalake.erased.fans import NOBODY_ERASED, Erased
from datalake.erased.tombstones import are_tombstones, references_in
from operations.database.statements import rows

_HELD: Final = """
SELECT member.global_user_id, TRUE, FALSE FROM waves_member AS member
WHERE member.campaign_id = %(campaign)s AND starts_with(member.global_user_id, 'erased:')
    AND (member.wave_id = ANY(%(told)s) OR member.wave_live AND member.reassigned_id IS NULL
        AND member.wave_id IS DISTINCT FROM %(wave)s)
UNION ALL SELECT assignment.global_user_id, FALSE, TRUE FROM waves_assignment AS assignment
WHERE assignment.campaign_id = %(campaign)s AND starts_with(assignment.global_user_id, 'erased:')
"""
_SCHEMA: Final[dict[str, Any]] = {
    "fan_ref": pl.String,
    "was_in_wave": pl.Boolean,
    "held_a_code": pl.Boolean,
}


@dataclass(frozen=True)
class PastHolders:
    """`held`: by reference, whether an erased fan is in another live wave, and whether they hold a
    code.
    """

    erased: Erased
    salt: bytes
    held: pl.DataFrame

    def counted(self, fans: pl.DataFrame) -> pl.DataFrame:
        """The fans (`global_user_id`; `in_wave` and `holds_code`, Boolean) with what they had
        before their erasure.
        """
        if self.held.is_empty():
            return fans
        ids = fans["global_user_id"].cast(pl.String)
        back = (self.erased.erased_at(ids).is_not_null() | are_tombstones(ids)).arg_true()
        if back.is_empty():
            return fans
        refs = draw.fan_refs(self.salt, ids.gather(back)).alias("fan_ref")
        known = (
            pl.DataFrame({"row": back, "fan_ref": refs})
            .join(self.held, on="fan_ref")
            .with_columns(pl.col("row").cast(pl.UInt32))
        )
        had = pl.col("was_in_wave", "held_a_code").fill_null(value=False)
        return (
            fans.with_row_index("row")
            .join(known, on="row", how="left", maintain_order="left")
            .with_columns(had)
            .with_columns(
                pl.col("in_wave") | pl.col("was_in_wave"),
                pl.col("holds_code") | pl.col("held_a_code"),
            )
            .select(fans.columns)
        )


NOBODY_HELD: Final = PastHolders(NOBODY_ERASED, b"", pl.DataFrame(schema=_SCHEMA))


def past_holders(
    campaign: Campaign, erased: Erased, *, wave_id: int | None, told: Sequence[int] = ()
) -> PastHolders:
    """Whom waves other than `wave_id` and the cancelled ones `told` hold under the name of an
    erased fan. Nothing is asked where nobody was `erased`.
    """
    if erased.fans.is_empty():
        return NOBODY_HELD
    found = rows(_HELD, campaign=campaign.pk, wave=wave_id, told=list(told))
    names = pl.DataFrame(found, schema=_SCHEMA, orient="row")
    held = names.with_columns(references_in(names["fan_ref"])).group_by("fan_ref").max()
    return PastHolders(erased, draw_of(campaign).salt, held)
