"""What a wave says of itself: its members and its numbers as they are stored, for the second count
to be compared with. [X-14]
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from campaigns.opening import draw_of
from operations.database.snapshots import one_snapshot
from operations.database.statements import rows
from waves.digest import content_digest
from waves.models import Wave, WaveMarket
from waves.second_count.sealed_record import microseconds, references
from waves.second_count.zip_files import json_of, sha256_of, write_entry

_MEMBERS = """
SELECT member.place, member.global_user_id, coalesce(market.market_id, ''), member.band_score::text
FROM waves_member AS member LEFT JOIN campaigns_market AS market ON market.id = member.market_id
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


def write_claim(wave: Wave, target: Path) -> Claim:
    """Write what the wave says of itself at this moment; nobody waits for it meanwhile."""
    with one_snapshot(), zipfile.ZipFile(target, "w") as archive:
        stored = Wave.objects.select_related("campaign", "score_file").get(pk=wave.pk)
        write_entry(archive, "wave.json", [json_of(_numbers_of(stored))])
        write_entry(archive, "members.tsv", _members_of(stored))
        unchanged = content_digest(stored) == stored.content_digest
    return Claim(stored.content_digest, unchanged, stored.facts_digest, sha256_of(target))


def _members_of(wave: Wave) -> Iterator[bytes]:
    found = rows(_MEMBERS, wave=wave.pk)
    refs = references(draw_of(wave.campaign).salt, [fan for _, fan, _, _ in found])
    for (place, _, market, band_score), ref in zip(found, refs, strict=True):
        yield f"{place}\t{ref}\t{market}\t{band_score}\n".encode()


def _numbers_of(wave: Wave) -> dict[str, Any]:
    markets = WaveMarket.objects.filter(wave=wave).select_related("market")
    return {
        "campaign_id": wave.campaign.campaign_id,
        "date_key": wave.date_key,
        "kind": wave.kind,
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
