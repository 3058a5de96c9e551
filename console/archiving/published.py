"""The published proof of a campaign, looked at as a stranger would: the bundle by the stand-alone
checker, and the small files that browsers read, each by its hash. [S-10, X-2]
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from campaigns.models import Campaign
from console.proof import shards, verify_draw
from console.proof.bundle import page_json
from console.proof.proof import PublishedBundle, bundle_key, published_bundle, published_page
from datalake.errors import NoSuchObject
from datalake.storage import buckets

AT_ONCE = 16
OUT_OF_REACH = "The scoring bucket can't be reached right now."


class Missing(Exception):
    """A file that the proof names is away, or is another one."""


def problem_of(campaign: Campaign, *, on_step: Callable[[int, int], object]) -> str:
    """What is wrong with the proof, in one sentence; empty if nothing is. `on_step` gets how many
    of the small files were read, of how many. Raises OSError while the bucket is away.
    """
    bundle = published_bundle(campaign)
    if not bundle.in_reach:
        raise OSError(OUT_OF_REACH)
    if not bundle.sha256 or not bundle.shards_root:
        return "It was not created yet."
    try:
        _require_bundle(campaign, bundle)
        _require_shards(campaign.campaign_id, bundle.shards_root, on_step)
        _require_rosters(campaign)
    except Missing as missing:
        return str(missing)
    return ""


def _require_bundle(campaign: Campaign, bundle: PublishedBundle) -> None:
    """Raises Missing unless the checker accepts the stored bundle beside the page of now."""
    with tempfile.TemporaryDirectory() as folder:
        stored, page = Path(folder) / "proof.zip", Path(folder) / "draw.json"
        page.write_bytes(page_json(published_page(campaign, bundle)))
        try:
            key = bundle_key(campaign.campaign_id)
            with buckets.scoring().open(key) as source, stored.open("wb") as target:
                shutil.copyfileobj(source, target)
        except NoSuchObject as error:
            raise Missing("Its file is not in the scoring bucket.") from error
        options = verify_draw.options_of([str(stored), "--published", str(page)])
        problems = verify_draw.check(str(stored), options).problems
    if problems:
        raise Missing(f"The checker does not accept it: {problems[0]}")


def _require_rosters(campaign: Campaign) -> None:
    """Raises Missing unless the roster of every attempt is stored as its digest says: fans are
    given their receipts by it once the rows have gone. [S-8, O-10]
    """
    for file in campaign.score_files.exclude(roster_digest="").order_by("attempt"):
        try:
            digest = buckets.scoring().sha256(file.roster_key)
        except NoSuchObject as error:
            raise Missing(f"{file.roster_key} is not in the scoring bucket.") from error
        if digest != file.roster_digest:
            raise Missing(f"{file.roster_key} is not as it was made.")


def _require_shards(campaign_id: str, root: str, on_step: Callable[[int, int], object]) -> None:
    """Raises Missing unless every file below the root is stored as the root says."""

    def read(name: str, digest: str) -> bytes:
        key = shards.key_of(campaign_id, f"{root[: shards.PREFIX_DIGITS]}/{name}")
        try:
            with buckets.scoring().open(key) as file:
                content = file.read()
        except NoSuchObject as error:
            raise Missing(f"{key} is not in the scoring bucket.") from error
        if hashlib.sha256(content).hexdigest() != digest:
            raise Missing(f"{key} is not as it was made.")
        return content

    def look(name: str, digest: str) -> None:
        read(name, digest)  # and keep none of thousands

    index = json.loads(read(shards.INDEX, root))
    wanted = {"draw.json": index["draw"]}
    for section in index["sections"]:
        name, digests = section["name"], list[str]()
        for number, digest in enumerate(section["indexes"]):
            digests += read(f"{name}/index-{number}.tsv", digest).decode().split()
        wanted |= {f"{name}/{number}.tsv": digest for number, digest in enumerate(digests)}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for number, _ in enumerate(pool.map(look, wanted, wanted.values()), start=1):
            on_step(number, len(wanted))
