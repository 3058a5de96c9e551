"""The proof of a draw: what the public may see of it at any time, and the bundle once the campaign
is closed. [X-2, S-10]
"""

from __future__ import annotations

import logging
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from campaigns.choices import CampaignStatus
from campaigns.draw import BANDS, LOW
from campaigns.entropy.public import public_source
from campaigns.errors import WrongStatus
from campaigns.models import Campaign, RuleChange, ScoreFile
from campaigns.opening import campaign_of, draw_of
from console.proof import data
from console.proof.bundle import ProvenAttempt, ProvenWave, write_bundle
from datalake.errors import NoSuchObject
from datalake.storage import buckets
from waves.models import Wave

logger = logging.getLogger(__name__)
REVEALED = (CampaignStatus.CLOSED, CampaignStatus.ARCHIVED)
# What `public_attempt` reads: a stranger's request must not load the lists of each attempt.
PUBLIC_OF_FILES = (
    *("attempt", "created_at", "state", "sha256", "rules_digest", "roster_digest", "rows_in"),
    *("accepted", "rejected", "bands", "campaign", "supplement_of__attempt"),
)


def bundle_key(campaign_id: str) -> str:
    """The bundle's key in the scoring bucket."""
    return f"proofs/{campaign_id}.zip"


@dataclass(frozen=True)
class PublishedBundle:
    """The SHA-256 of a campaign's bundle as it was made, empty while there is none; and whether the
    bucket could be asked.
    """

    sha256: str = ""
    in_reach: bool = True


def published_bundle(campaign: Campaign) -> PublishedBundle:
    """What a page can say of the campaign's bundle now; before the draw is revealed there is
    none. [S-10]
    """
    if campaign.status not in REVEALED:
        return PublishedBundle()
    key, bucket = f"{bundle_key(campaign.campaign_id)}.sha256", buckets.scoring()
    try:
        with bucket.open(key) as file:
            return PublishedBundle(file.read().decode().strip())
    except NoSuchObject:
        return PublishedBundle()
    except OSError as error:
        logger.warning("bundle out of reach", extra={"error": type(error).__name__})
        return PublishedBundle(in_reach=False)


def public_draw(campaign: Campaign) -> dict[str, Any]:
    """All that is public of a draw: commitment, public source, every attempt; seed and waves once
    it is revealed. [S-8, S-10]

    It names no fan. Raises WrongStatus while the campaign is a draft, for then there is no draw.
    """
    if campaign.status == CampaignStatus.DRAFT:
        raise WrongStatus(
            f"Campaign {campaign.campaign_id} is a draft: its draw is locked when it opens."
        )
    revealed = campaign.status in REVEALED
    files = campaign.score_files.select_related("supplement_of").only(*PUBLIC_OF_FILES)
    return {
        "campaign_id": campaign.campaign_id,
        "name": campaign.name,
        "artist": campaign.artist,
        "status": campaign.status,
        "commitment": campaign.commitment,
        "salt_commitment": campaign.salt_commitment,
        "opened_at": _iso(campaign.opened_at),
        "closed_at": _iso(campaign.closed_at),
        "entropy_source": campaign.entropy_source,
        "entropy_value": campaign.entropy_value,
        "entropy": public_source(campaign),
        "draw_supplied": campaign.draw_supplied,
        "seed": bytes(campaign.seed or b"").hex() if revealed else None,
        "attempts": [
            public_attempt(file, campaign.active_score_file_id)
            for file in files.order_by("attempt")
        ],
        "rule_changes": [
            _public_change(change) for change in campaign.rule_changes.filter(judges=True)
        ],
        "waves": (
            [_public_wave(wave) for wave in data.proven_waves(campaign.pk)] if revealed else []
        ),
    }


def _public_change(change: RuleChange) -> dict[str, Any]:
    """A rule that was changed while the campaign was open; who did it is not public. [S-16]"""
    return {
        "at": _iso(change.at),
        "market_id": change.market_id or None,
        "rule": change.option,
        "before": change.before,
        "after": change.after,
        "reason": change.reason,
    }


def public_attempt(file: ScoreFile, active: int | None) -> dict[str, Any]:
    """A score file as the public sees it: its number, digests and counts, whatever its state.
    [S-10]
    """
    return {
        "attempt": file.attempt,
        "received_at": _iso(file.created_at),
        "state": file.state,
        "active": file.pk == active,
        "supplement_of": file.supplement_of.attempt if file.supplement_of else None,
        "sha256": file.sha256,
        "rules_digest": file.rules_digest,
        "roster_digest": file.roster_digest,
        "rows_in": file.rows_in,
        "accepted": file.accepted,
        "rejected": file.rejected,
        "bands": {band.name: file.bands.get(band.name, 0) for band in BANDS},
    }


def proof_bundle(campaign_id: str) -> dict[str, Any]:
    """Make the bundle of a closed campaign and put it into the scoring bucket; the result object of
    the command. [S-10]

    The same state of the campaign gives the same bytes. Raises UnknownCampaign, and WrongStatus
    unless closed.
    """
    campaign = campaign_of(campaign_id)
    if campaign.status not in REVEALED:
        raise WrongStatus(
            f"Campaign {campaign_id} is {campaign.status}: its seed stays secret until"
            " close_campaign closed it."
        )
    waves, key, bucket = (
        data.proven_waves(campaign.pk),
        bundle_key(campaign_id),
        buckets.scoring(),
    )
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "bundle.zip"
        sha256 = _write(target, campaign, waves)
        with target.open("rb") as file:
            bucket.put(key, file)
    bucket.put(f"{key}.sha256", f"{sha256}\n".encode())
    logger.info(
        "proof bundle made", extra={"campaign": campaign_id, "sha256": sha256, "waves": len(waves)}
    )
    return {"bundle": bucket.url_or_path(key), "key": key, "sha256": sha256, "waves": len(waves)}


def _write(target: Path, campaign: Campaign, waves: list[Wave]) -> str:
    draw = draw_of(campaign)
    members = data.members_of(waves, draw.salt)
    attempts = []
    for file in campaign.score_files.select_related("supplement_of").order_by("attempt"):
        of_file = [wave for wave in waves if wave.score_file_id == file.pk]
        about = public_attempt(file, campaign.active_score_file_id) | {
            "min_score": _file_min_score(file)
        }
        cells = {
            wave.date_key: data.eligible(wave, waves[waves.index(wave) + 1 :]) for wave in of_file
        }
        fans = data.fans_of(file, draw, cells, of_file) if file.is_drawn else None
        attempts.append(ProvenAttempt(about, [wave.date_key for wave in of_file], fans))
    about = {
        "name": campaign.name,
        "entropy_source": campaign.entropy_source,
        "draw_supplied": campaign.draw_supplied,
        "opened_at": _iso(campaign.opened_at),
        "closed_at": _iso(campaign.closed_at),
    }
    proven = [
        ProvenWave(_about_wave(wave), members.filter(pl.col("wave") == wave.pk)) for wave in waves
    ]
    return write_bundle(target, draw, about, attempts, proven)


def _about_wave(wave: Wave) -> dict[str, Any]:
    attempt = wave.score_file.attempt if wave.score_file else None
    counts = {
        "candidates": wave.candidates,
        "waitlist": wave.waitlist,
        "min_score": data.least_score(wave),
    }
    return _public_wave(wave) | counts | {"attempt": attempt}


def _public_wave(wave: Wave) -> dict[str, Any]:
    return {
        "date_key": wave.date_key,
        "notify_date": _iso(wave.notify_date),
        "order": wave.order,
        "markets": [
            {
                "market_id": seat.market.market_id,
                "name": seat.name,
                "capacity": seat.room,  # of the wave, as the checker counts it [W-5]
                "selected": seat.selected,
                "cutoff": seat.cutoff,
            }
            for seat in data.wave_markets_of(wave)
        ],
    }


def _file_min_score(file: ScoreFile) -> float:
    """The minimum the file's rows were judged by: its own snapshot's. [S-2, S-7]"""
    return max(LOW.low, float(file.rules.get("options", {}).get("min_score", LOW.low)))


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
