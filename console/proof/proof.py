"""The proof of a draw: what the public may see of it at any time, and the bundle once the campaign
is closed. [X-2, S-10]
"""

from __future__ import annotations

import logging
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from campaigns.choices import CampaignStatus, ScoreFileState
from campaigns.draw import BANDS
from campaigns.entropy.public import public_source
from campaigns.errors import WrongStatus
from campaigns.late_changes import public_lateness
from campaigns.models import Campaign, RuleChange, ScoreFile
from campaigns.opening import campaign_of, draw_of
from console.proof import data
from console.proof.bundle import ProvenRoster, ProvenWave, WrittenBundle, write_bundle
from console.proof.public_waves import public_waves
from console.proof.shards import publish
from datalake.errors import NoSuchObject
from datalake.storage import buckets
from operations.database.locks import exclusive
from operations.instants import iso
from waves.choices import WaveKind
from waves.models import Wave

logger = logging.getLogger(__name__)
REVEALED = (CampaignStatus.CLOSED, CampaignStatus.ARCHIVED)
# What `public_attempt` reads: a stranger's request must not load the lists of each attempt.
PUBLIC_OF_FILES = (
    *("attempt", "created_at", "late", "state", "sha256", "rules_digest", "roster_digest"),
    *("rows_in", "accepted", "rejected", "bands", "min_score"),
    *("campaign", "supplement_of__attempt"),
)


def bundle_key(campaign_id: str) -> str:
    """The bundle's key in the scoring bucket."""
    return f"proofs/{campaign_id}.zip"


@dataclass(frozen=True)
class PublishedBundle:
    """The SHA-256 of a campaign's bundle as it was made, empty while there is none; the root of its
    shards; and whether the bucket could be asked.
    """

    sha256: str = ""
    shards_root: str = ""
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
            sha256, _, root = file.read().decode().strip().partition("\n")
        return PublishedBundle(sha256, root)
    except NoSuchObject:
        return PublishedBundle()
    except OSError as error:
        logger.warning("bundle out of reach", extra={"error": type(error).__name__})
        return PublishedBundle(in_reach=False)


def public_draw(campaign: Campaign) -> dict[str, Any]:
    """All that is public of a draw: commitments, public source, every attempt, what was late, waves
    from their trigger on; seed and every wave once it is revealed. [S-8, S-10]

    It names no fan. Raises WrongStatus while the campaign is a draft, for then there is no draw.
    """
    if campaign.status == CampaignStatus.DRAFT:
        raise WrongStatus(
            f"Campaign {campaign.campaign_id} is a draft: its draw is locked when it opens."
        )
    revealed = campaign.status in REVEALED
    return {
        "scheme": campaign.draw_scheme,
        "campaign_id": campaign.campaign_id,
        "name": campaign.name,
        "artist": campaign.artist,
        "status": campaign.status,
        "opened_at": iso(campaign.opened_at),
        "closed_at": iso(campaign.closed_at),
        "commitment": campaign.commitment,
        "salt_commitment": campaign.salt_commitment,
        "draw_supplied": campaign.draw_supplied,
        "entropy": public_source(campaign),
        "seed": bytes(campaign.seed or b"").hex() if revealed else None,
        "attempts": [public_attempt(file) for file in _score_files(campaign)],
        "rule_changes": [
            _public_change(change)
            for change in campaign.rule_changes.filter(judges=True).order_by("at", "id")
        ],
        **public_lateness(campaign),
        "waves": [wave for _, wave in public_waves(campaign.pk, revealed=revealed)],
        "proof": None,
    }


def published_page(campaign: Campaign, bundle: PublishedBundle) -> dict[str, Any]:
    """`public_draw`, and which bundle proves it, once it is made. [S-10]"""
    proof = {"sha256": bundle.sha256, "shards_root": bundle.shards_root or None}
    return public_draw(campaign) | {"proof": proof if bundle.sha256 else None}


def page_at_close(campaign: Campaign) -> dict[str, Any]:
    """The page as the bundle keeps it: the same whenever the bundle is made. [S-10]"""
    return public_draw(campaign) | {"status": CampaignStatus.CLOSED.value}


def _public_change(change: RuleChange) -> dict[str, Any]:
    """A rule that was changed while the campaign was open; who did it is not public. [S-16]"""
    return {
        "at": iso(change.at),
        "market_id": change.market_id or None,
        "rule": change.option,
        "before": change.before,
        "after": change.after,
        "reason": change.reason,
    }


def _score_files(campaign: Campaign) -> list[ScoreFile]:
    files = campaign.score_files.select_related("supplement_of").only(*PUBLIC_OF_FILES)
    return list(files.order_by("attempt"))


def public_attempt(file: ScoreFile) -> dict[str, Any]:
    """A score file as the public sees it: its number, digests and counts, whatever its state.
    [S-10]
    """
    return {
        "attempt": file.attempt,
        "received_at": iso(file.created_at),
        # whether it is in the lake yet says nothing of the draw
        "state": (ScoreFileState.STREAMED if file.is_drawn else ScoreFileState(file.state)).value,
        "active": file.pk == file.campaign.active_score_file_id,
        "late": file.late,
        "supplement_of": file.supplement_of.attempt if file.supplement_of else None,
        "sha256": file.sha256,
        "rules_digest": file.rules_digest,
        "roster_digest": file.roster_digest,
        "rows_in": file.rows_in,
        "accepted": file.accepted,
        "rejected": file.rejected,
        "bands": {band.name: file.bands.get(band.name, 0) for band in BANDS},
        "min_score": file.min_score,
    }


def proof_bundle(campaign_id: str) -> dict[str, Any]:
    """Make the bundle of a closed campaign and put it into the scoring bucket; the result object of
    the command. That of an archived one stays as it was checked: its rows go. [S-10, O-10]

    The same state of the campaign gives the same bytes. Raises UnknownCampaign, and WrongStatus
    unless closed.
    """
    with exclusive(making(campaign_id)):
        campaign = campaign_of(campaign_id)
        if campaign.status not in REVEALED:
            raise WrongStatus(
                f"Campaign {campaign_id} is {campaign.status}: its seed stays secret until"
                " close_campaign closed it."
            )
        waves = public_waves(campaign.pk, revealed=True)
        if campaign.status == CampaignStatus.ARCHIVED:
            sha256 = _stored(campaign)
        else:
            sha256 = _make(campaign, waves)
    key, about = bundle_key(campaign_id), {"sha256": sha256, "waves": len(waves)}
    return {"bundle": buckets.scoring().url_or_path(key), "key": key, **about}


def making(campaign_id: str) -> str:
    """The lock of who makes a campaign's bundle, or deletes the rows that it is made of."""
    return f"proof of campaign {campaign_id}"


def _stored(campaign: Campaign) -> str:
    """The SHA-256 of an archived campaign's bundle. Raises WrongStatus where there is none."""
    found = published_bundle(campaign)
    if not found.sha256:
        raise WrongStatus(
            f"Campaign {campaign.campaign_id} is archived, and its proof cannot be read. Restore"
            f" {bundle_key(campaign.campaign_id)} from a backup: the rows it was made of are gone."
        )
    return found.sha256


def _make(campaign: Campaign, waves: list[tuple[Wave, dict[str, Any]]]) -> str:
    """Write and publish the bundle and its shards; its SHA-256."""
    campaign_id = campaign.campaign_id
    key, bucket = bundle_key(campaign_id), buckets.scoring()
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "bundle.zip"
        made = _write(target, campaign, [wave for wave, shown in waves if _is_proven(shown)])
        publish(made.shards, campaign_id, bucket)
        with target.open("rb") as file:
            bucket.put(key, file)
    bucket.put(f"{key}.sha256", f"{made.sha256}\n{made.shards.root}\n".encode())
    about = {"sha256": made.sha256, "waves": len(waves)}
    logger.info("proof bundle made", extra={"campaign": campaign_id, **about})
    return made.sha256


def _is_proven(wave: dict[str, Any]) -> bool:
    """Whether its fans follow from the order of the draw."""
    return wave["kind"] in (WaveKind.DRAWN, WaveKind.NOT_SELECTED)


def _write(target: Path, campaign: Campaign, waves: list[Wave]) -> WrittenBundle:
    salt = draw_of(campaign).salt
    return write_bundle(
        target,
        page_at_close(campaign),
        [
            _roster(file, salt, [wave for wave in waves if wave.score_file_id == file.pk])
            for file in data.proven_files(_score_files(campaign), waves)
        ],
        [ProvenWave(wave.date_key, data.members_of(wave, salt), wave.selects) for wave in waves],
    )


def _roster(file: ScoreFile, salt: bytes, waves: list[Wave]) -> ProvenRoster:
    cells = {wave.date_key: data.cells_of(wave) for wave in waves}
    return ProvenRoster(file.attempt, list(cells), data.fans_of(file, salt, cells))
