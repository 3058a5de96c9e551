"""What the proof of a draw is made of, read out of the database: fans in chunks, waves, and who was
a candidate. [S-10]
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO

import polars as pl

from campaigns.draw import fan_refs
from campaigns.models import ScoreFile
from datalake.errors import NoSuchObject
from datalake.storage import buckets
from operations.database.copying import nullable_frame_of
from operations.errors import Refusal
from waves.models import Wave

CHUNK_ROWS = 100_000

_FANS = """
SELECT global_user_id, raw_text, band_score, preferences
FROM campaigns_fanscore
WHERE score_file_id = %(score_file)s AND global_user_id > %(after)s
ORDER BY global_user_id LIMIT %(limit)s
"""
_FANS_SCHEMA = {
    "global_user_id": pl.String,
    "raw_score": pl.String,
    "band_score": pl.Float64,
    "preferences": pl.String,
}
_MEMBERS = """
SELECT member.global_user_id, market.market_id, member.place, member.band_score
FROM waves_member AS member JOIN campaigns_market AS market ON market.id = member.market_id
WHERE member.wave_id = %(wave)s AND member.place > 0 ORDER BY member.place
"""
_MEMBERS_SCHEMA = {
    "global_user_id": pl.String,
    "market_id": pl.String,
    "place": pl.Int64,
    "band_score": pl.Float64,
}


class RecordMissing(Refusal):
    """The record that a preparation kept of a wave's candidates is away or not whole. [S-10]"""


def members_of(wave: Wave, salt: bytes) -> pl.DataFrame:
    """`global_user_id, fan_ref, market_id, place, band_score` of all whom it selected, in the order
    of the draw; not of those who came back with their code (place 0). [W-6]
    """
    members = nullable_frame_of(_MEMBERS, _MEMBERS_SCHEMA, wave=wave.pk)
    return members.with_columns(fan_refs(salt, members["global_user_id"]))


def cells_of(wave: Wave) -> pl.DataFrame:
    """`global_user_id` and `cell` (as `waves.selection.eligibility` writes them) of every fan of
    the wave's score file, sorted by id, from the record that its preparation kept. Raises
    RecordMissing.
    """
    try:
        with buckets.scoring().open(wave.candidates_key) as file:
            return pl.read_parquet(BytesIO(file.read())).sort("global_user_id")
    except NoSuchObject as error:
        raise RecordMissing(
            f"Wave {wave.name}: the record of its candidates ({wave.candidates_key}) is not in the"
            " scoring bucket, so its selection cannot be proved. Restore it from a backup, then"
            " create the proof again."
        ) from error


def fans_of(
    score_file: ScoreFile, salt: bytes, cells: Mapping[str, pl.DataFrame]
) -> Iterator[pl.DataFrame]:
    """The score file's fans in chunks, as `bundle.ProvenRoster.fans`; `cells`: what `cells_of`
    gives, by date key. Raises RecordMissing.
    """
    after = ""
    while True:
        fans = nullable_frame_of(
            _FANS, _FANS_SCHEMA, score_file=score_file.pk, after=after, limit=CHUNK_ROWS
        )
        if fans.is_empty():
            return
        first, after = fans["global_user_id"][0], str(fans["global_user_id"][-1])
        chunk = fans.with_columns(
            fan_refs(salt, fans["global_user_id"]), pl.col("preferences").fill_null("")
        )
        for date_key, of_wave in cells.items():
            near = of_wave.filter(pl.col("global_user_id").is_between(pl.lit(first), pl.lit(after)))
            chunk = chunk.join(near, on="global_user_id", how="left", maintain_order="left")
            _require_whole(chunk["cell"], date_key)
            chunk = chunk.with_columns(pl.col("cell").cast(pl.String)).rename({"cell": date_key})
        yield chunk


def proven_files(score_files: Sequence[ScoreFile], waves: Sequence[Wave]) -> list[ScoreFile]:
    """Those that a wave was drawn from, and the active one, whose fans may ask too. [S-10]"""
    drawn = {wave.score_file_id for wave in waves}
    return [
        file
        for file in score_files
        if file.pk in drawn or file.pk == file.campaign.active_score_file_id
    ]


def _require_whole(cells: pl.Series, date_key: str) -> None:
    if cells.null_count():
        raise RecordMissing(
            f"Wave {date_key}: the record of its candidates does not list every fan of the score"
            " file. Restore it from a backup, then create the proof again."
        )
