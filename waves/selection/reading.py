"""What a selection reads of each fan of a score file, in one pass. [W-5, W-6, N-8, X-8, X-11]

Each join and each column costs with every fan, so those that can find nobody are left out: where no
wave has a member and nobody holds a code, where nothing is suppressed, where nobody was erased.
Measured: a third of PostgreSQL's instructions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from campaigns.models import ScoreFile
from operations.database.copying import nullable_frames_of
from operations.database.statements import first_row
from waves.suppression.contacts import FANS_CONTACT
from waves.suppression.hashing import hashed_if_sieved

_YES: Final = "t"  # as PostgreSQL writes it
# PostgreSQL sends an instant as microseconds since 2000. As a number since 1970 it would compute
# with decimal digits, a tenth of the whole reading.
_FROM_1970_TO_2000_US: Final = 946_684_800_000_000

_TAKEN = """SELECT EXISTS (SELECT FROM waves_member WHERE campaign_id = %(campaign)s)
    OR EXISTS (SELECT FROM waves_assignment WHERE campaign_id = %(campaign)s)"""
_IS_LISTED = "lifted_at IS NULL AND (campaign_id IS NULL OR campaign_id = %(campaign)s)"
_LISTED = "".join(("SELECT EXISTS (SELECT FROM waves_suppression WHERE ", _IS_LISTED, ")"))

# The preferences are those of the roster; who registered only after it brings their own. [S-10]
_OF_FANS = {
    "global_user_id": "score.global_user_id",
    "raw_score": "score.raw_score",
    "band_score": "score.band_score",
    "luck": "score.luck",
    "email": "its.email",
    "phone": "its.phone",
    "confirmed": "its.confirmed",
    "preferences": "COALESCE(score.preferences, array_to_string(fan.preferences, '|'))",
    "unrostered": "score.preferences IS NULL AND fan.id IS NOT NULL",
    "registered_us": "timestamptz_send(fan.registered_at)",
}
_FROM_FANS = f"""
FROM campaigns_fanscore AS score
LEFT JOIN campaigns_registrant AS fan
    ON fan.campaign_id = %(campaign)s AND fan.global_user_id = score.global_user_id COLLATE
        "default"
{FANS_CONTACT}
"""
_OF_TAKEN = {"in_wave": "taken.in_wave IS TRUE", "holds_code": "taken.holds_code IS TRUE"}
# one join for all that: each costs as much as a further reading of the fans
_FROM_TAKEN = """
LEFT JOIN (
    SELECT global_user_id, bool_or(in_wave) AS in_wave, bool_or(holds_code) AS holds_code FROM (
        SELECT global_user_id, true AS in_wave, false AS holds_code FROM waves_member
        WHERE campaign_id = %(campaign)s AND wave_live AND wave_id IS DISTINCT FROM %(wave)s
            AND reassigned_id IS NULL
        UNION ALL SELECT global_user_id, true, false FROM waves_member
        WHERE wave_id = ANY(%(told)s)
        UNION ALL SELECT global_user_id, false, true FROM waves_assignment
        WHERE campaign_id = %(campaign)s
    ) AS each GROUP BY global_user_id
) AS taken ON taken.global_user_id = score.global_user_id COLLATE "default"
"""
# The list is read once for all fans.
_SELECT_SUPPRESSED = """
WITH suppressed AS (
    SELECT uuid_send(contact) AS contact, min(sieve) AS sieve FROM waves_suppression WHERE
"""
_WITH_SUPPRESSED = f"{_SELECT_SUPPRESSED} {_IS_LISTED} GROUP BY waves_suppression.contact)"
_OF_SUPPRESSED = {
    "email_suppressed": "no_email.contact IS NOT NULL",
    "phone_suppressed": "no_sms.contact IS NOT NULL",
}
_SIEVES: Final = "SELECT sieve FROM suppressed"
_FROM_SUPPRESSED = f"""
LEFT JOIN suppressed AS no_email
    ON no_email.contact = {hashed_if_sieved("'email'", "its.email", _SIEVES)}
LEFT JOIN suppressed AS no_sms
    ON no_sms.contact = {hashed_if_sieved("'sms'", "its.phone", _SIEVES)}
"""
_OF_ERASED = {"changed_us": "timestamptz_send(fan.changed_at)"}
_INSTANTS = ("registered_us", "changed_us")
_KINDS: Final[dict[str, Any]] = {
    "raw_score": pl.Float64,
    "band_score": pl.Float64,
    "luck": pl.Int64,
}
SCHEMA: Final[dict[str, Any]] = {
    **{name: _KINDS.get(name, pl.String) for name in _OF_FANS},
    **dict.fromkeys(
        ("confirmed", "unrostered", *_OF_TAKEN, *_OF_SUPPRESSED),
        pl.Boolean,
    ),
    **dict.fromkeys(_INSTANTS, pl.Int64),
}


@dataclass(frozen=True)
class Reading:
    """The reading of one score file: `frames` has its rows as PostgreSQL writes them, and
    `columns_of` makes SCHEMA of them, in another thread if wanted.
    """

    query: str
    names: tuple[str, ...]
    values: dict[str, Any]

    @classmethod
    def of(
        cls,
        score_file: ScoreFile,
        *,
        wave_id: int | None,
        told: Sequence[int] = (),
        anybody_erased: bool = False,
    ) -> Reading:
        """Of all fans of the file. Members of the wave `wave_id` itself (its earlier preparation)
        are not taken; those of the cancelled waves `told` are. Call it in the snapshot in which it
        is read. [W-5, X-8]
        """
        values: dict[str, Any] = {
            "campaign": score_file.campaign_id,
            "score_file": score_file.pk,
        }
        columns, joins, before = dict(_OF_FANS), [_FROM_FANS], ""
        if told or _found(_TAKEN, values):
            columns, joins = columns | _OF_TAKEN, [*joins, _FROM_TAKEN]
            values |= {"wave": wave_id, "told": list(told)}
        if _found(_LISTED, values):
            columns, joins = columns | _OF_SUPPRESSED, [*joins, _FROM_SUPPRESSED]
            before = _WITH_SUPPRESSED
        if anybody_erased:
            columns |= _OF_ERASED
        selected = ", ".join(columns.values())
        where = "WHERE score.score_file_id = %(score_file)s"
        query = " ".join((before, "SELECT", selected, *joins, where))
        return cls(query, tuple(columns), values)

    def frames(self) -> Iterator[pl.DataFrame]:
        """Some ten thousand rows at a time, over the current connection."""
        schema = {name: _KINDS.get(name, pl.String) for name in self.names}
        return nullable_frames_of(self.query, schema, **self.values)

    def columns_of(self, frame: pl.DataFrame) -> pl.DataFrame:
        """SCHEMA, of one of the frames; false or null in columns that were not read."""
        return frame.select(
            _as_read(name, kind) if name in self.names else _not_read(name, kind)
            for name, kind in SCHEMA.items()
        )


def _found(query: str, values: dict[str, Any]) -> bool:
    (found,) = first_row(query, campaign=values["campaign"]) or (False,)
    return bool(found)


def _as_read(name: str, kind: Any) -> pl.Expr:
    column = pl.col(name)
    if name in _INSTANTS:
        bits = column.str.strip_prefix("\\x").str.to_integer(base=16, dtype=pl.UInt64)
        return bits.reinterpret(signed=True) + _FROM_1970_TO_2000_US
    return column == _YES if kind == pl.Boolean else column


def _not_read(name: str, kind: Any) -> pl.Expr:
    return pl.lit(False if kind == pl.Boolean else None, kind).alias(name)
