"""The sealed record of an uploaded wave: its rows as they were accepted, by reference, what is
known of their fans, and the seats, for the checker to count the members against. [X-14, W-3]

As in the record of a drawn wave, who is in another wave or holds a code and the seats given are
asked by other queries than the upload's own. It holds no personal data.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

import polars as pl
from django.db import transaction

from campaigns.opening import draw_of
from operations.database.copying import copy_nullable
from operations.database.statements import rows, run
from waves.choices import WaveKind
from waves.models import Wave
from waves.second_count.sealed_record import (
    EARLIER,
    FORMAT,
    VERSION,
    markets_of,
    references,
)
from waves.second_count.zip_files import json_of, sha256_of, write_entry

COLUMNS = ("fan_ref", "market_id", "in_wave", "holds_code", "registered")
_STAGE = """
CREATE TEMPORARY TABLE accepted_row (fan text, market text, place bigint) ON COMMIT DROP
"""
_ROWS = f"""{EARLIER}
SELECT accepted.fan, accepted.market,
    (accepted.fan IN (SELECT global_user_id FROM taken))::int,
    (accepted.fan IN (SELECT global_user_id FROM coded))::int,
    (accepted.fan IN (SELECT global_user_id FROM campaigns_registrant
        WHERE campaign_id = %(campaign)s))::int
FROM accepted_row AS accepted ORDER BY accepted.place
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
    found = rows(_ROWS, campaign=wave.campaign_id, wave=wave.pk)
    run("DROP TABLE accepted_row")
    refs = references(draw_of(wave.campaign).salt, [fan for fan, *_ in found])
    lines = ["\t".join(COLUMNS)]
    lines += [
        "\t".join([ref, market, *map(str, known)])
        for (_, market, *known), ref in zip(found, refs, strict=True)
    ]
    return iter([f"{line}\n".encode() for line in lines])
