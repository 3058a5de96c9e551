"""The sealed record of an uploaded wave: its rows as they were accepted, by reference, what is
known of their fans, and the seats, for the checker to count the members against. [X-14, W-3]

As in the record of a drawn wave, who is in another wave or holds a code and the seats given are
asked by other queries than the upload's own. Who was erased, and has not registered again, is not
registered. [X-11] It holds no personal data.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

import polars as pl
from django.db import transaction

from campaigns.opening import draw_of
from datalake.erased.fans import known
from operations.database.copying import copy_nullable
from operations.database.statements import rows, run
from waves.choices import WaveKind
from waves.models import Wave
from waves.second_count.sealed_record import (
    EARLIER,
    FORMAT,
    VERSION,
    erased_holders,
    markets_of,
    references,
)
from waves.second_count.zip_files import json_of, sha256_of, write_entry

COLUMNS = ("fan_ref", "market_id", "in_wave", "holds_code", "registered")
_KNOWN = dict.fromkeys(("in_wave", "holds_code", "registered", "changed_us"), pl.Int64)
_STAGE = """
CREATE TEMPORARY TABLE accepted_row (fan text, market text, place bigint) ON COMMIT DROP
"""
_ROWS = f"""{EARLIER}
SELECT accepted.fan, accepted.market,
    (accepted.fan IN (SELECT global_user_id FROM taken))::int,
    (accepted.fan IN (SELECT global_user_id FROM coded))::int,
    (fan.id IS NOT NULL)::int, (extract(epoch FROM fan.changed_at) * 1000000)::bigint
FROM accepted_row AS accepted LEFT JOIN campaigns_registrant AS fan
    ON fan.campaign_id = %(campaign)s AND fan.global_user_id = accepted.fan
ORDER BY accepted.place
"""  # noqa: S608 of texts that stand here
_ERASED = f"""{EARLIER}
SELECT left(split_part(global_user_id, ':', 2), 64), FALSE FROM taken
WHERE global_user_id LIKE 'erased:%%'
UNION SELECT left(split_part(global_user_id, ':', 2), 64), TRUE FROM coded
WHERE global_user_id LIKE 'erased:%%'
"""  # noqa: S608 of texts that stand here


def write_upload_facts(wave: Wave, accepted: pl.DataFrame, target: Path) -> str:
    """Write the facts of an uploaded wave; returns their SHA-256 in hex. `accepted`:
    `global_user_id`, `market_id`, `place`. The caller holds the campaign's selection.
    """
    with zipfile.ZipFile(target, "w") as archive:
        facts = {
            "format": FORMAT,
            "version": VERSION,
            "kind": str(WaveKind.UPLOADED),
            "campaign_id": wave.campaign.campaign_id,
            "date_key": wave.date_key,
            "rows": accepted.height,
            "markets": markets_of(wave, wave.campaign, None),
        }
        write_entry(archive, "facts.json", [json_of(facts)])
        write_entry(archive, "rows.tsv", _lines(wave, accepted))
    return sha256_of(target)


@transaction.atomic
def _lines(wave: Wave, accepted: pl.DataFrame) -> Iterator[bytes]:
    run(_STAGE)
    copy_nullable(
        "accepted_row",
        accepted.select(
            pl.col("global_user_id").alias("fan"), pl.col("market_id").alias("market"), "place"
        ),
    )
    run("ANALYZE accepted_row")
    values = {"campaign": wave.campaign_id, "wave": wave.pk}
    schema = {"fan": pl.String, "market_id": pl.String, **_KNOWN}
    found = pl.DataFrame(rows(_ROWS, **values), schema=schema, orient="row")
    run("DROP TABLE accepted_row")
    dates = pl.from_epoch(found["changed_us"].fill_null(0), time_unit="us")
    gone = known().since(found["fan"], dates.dt.replace_time_zone("UTC"))
    in_wave, holds_code = erased_holders(_ERASED, **values)
    refs = references(draw_of(wave.campaign).salt, found["fan"])
    facts = found.with_columns(refs).with_columns(
        _set("in_wave", pl.col("fan_ref").is_in(in_wave), 1),
        _set("holds_code", pl.col("fan_ref").is_in(holds_code), 1),
        _set("registered", pl.lit(gone), 0),
    )
    lines = [
        "\t".join(COLUMNS),
        *("\t".join(map(str, row)) for row in facts.select(COLUMNS).rows()),
    ]
    return iter([f"{line}\n".encode() for line in lines])


def _set(column: str, where: pl.Expr, value: int) -> pl.Expr:
    return pl.when(where).then(pl.lit(value, pl.Int64)).otherwise(column).alias(column)
