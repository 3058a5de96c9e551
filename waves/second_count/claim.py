"""What a wave says of itself: its members and its numbers as they are stored, for the second count
to be compared with. [X-14]
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import transaction

from campaigns.opening import draw_of
from operations.database.statements import rows
from waves.digest import content_digest
from waves.locks import lock_wave
from waves.models import Wave, WaveMarket
from waves.second_count.sealed_record import (
    json_of,
    microseconds,
    references,
    sha256_of,
    write_entry,
)

_MEMBERS = """
SELECT member.place, member.global_user_id, market.market_id, member.band_score::text
FROM waves_member AS member JOIN campaigns_market AS market ON market.id = member.market_id
WHERE member.wave_id = %(wave)s ORDER BY member.place, member.id
"""


@dataclass(frozen=True)
class Claim:
    """A written claim: the digest of the content that the wave had, whether its rows are still that
    content, the facts that it was sealed with, and the file's SHA-256; digests in hex.
    """

    content_digest: str
    unchanged: bool
    facts_digest: str
    sha256: str


@transaction.atomic
def write_claim(wave: Wave, target: Path) -> Claim:
    """Write what the wave says of itself at this moment."""
    locked = lock_wave(wave.pk)
    found = rows(_MEMBERS, wave=wave.pk)
    refs = references(draw_of(locked.campaign).salt, [fan for _, fan, _, _ in found])
    lines = [
        f"{place}\t{ref}\t{market}\t{band_score}\n"
        for (place, _, market, band_score), ref in zip(found, refs, strict=True)
    ]
    with zipfile.ZipFile(target, "w") as archive:
        write_entry(archive, "wave.json", [json_of(_numbers_of(locked))])
        write_entry(archive, "members.tsv", ["".join(lines).encode()])
    unchanged = content_digest(locked) == locked.content_digest
    return Claim(locked.content_digest, unchanged, locked.facts_digest, sha256_of(target))


def _numbers_of(wave: Wave) -> dict[str, Any]:
    markets = WaveMarket.objects.filter(wave=wave).select_related("market")
    return {
        "campaign_id": wave.campaign.campaign_id,
        "date_key": wave.date_key,
        "attempt": wave.score_file.attempt if wave.score_file else None,
        "least_score": wave.least_score,
        "candidates": wave.candidates,
        "selected": wave.selected,
        "waitlist": wave.waitlist,
        "excluded": wave.excluded,
        "markets": [
            {
                "market_id": market.market.market_id,
                "selection_us": microseconds(market.selection_time),
                **{
                    name: getattr(market, name)
                    for name in (
                        *("position", "capacity", "own_capacity", "given", "room"),
                        *("selected", "wanted", "cutoff"),
                    )
                },
            }
            for market in markets.order_by("position", "market__market_id")
        ],
    }
