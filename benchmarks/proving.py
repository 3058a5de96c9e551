"""The proof of a draw with one wave, and with two: made and checked by the commands that people
run, and what one fan's browser reads of it. [S-10, X-2]
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
from django.contrib.auth.models import User
from django.db.models import F
from django.utils import timezone

from benchmarks import selecting
from benchmarks.figures import Bound, Figure
from campaigns.choices import CampaignStatus
from campaigns.draw import band_of, fan_refs
from campaigns.models import Campaign, Market, ScoreFile
from campaigns.opening import close_campaign
from console.proof import proof, shards
from datalake.storage import buckets
from fairwave import env
from operations.database.copying import nullable_frame_of
from waves.models import Wave
from waves.preparation import prepare
from waves.selection.request import WaveRequest

ROWS = 2_000_000
MAKING_SECONDS, CHECKING_SECONDS, FURTHER_SECONDS = 60, 120, 20  # for so many
HEADER = b"marketId,marketName,capacity,selectionTime\n"
MOST_MEMORY_MIB, MOST_DOWNLOAD_KB = 1024, 300
ROSTER = "SELECT global_user_id, raw_text, preferences FROM campaigns_fanscore"
# by /proc: for getrusage the peak is at least that of the process that started this one
CHILD = """
import json, pathlib, sys, time
import django; django.setup()
from console.proof.proof import proof_bundle
started = time.monotonic()
made = proof_bundle(sys.argv[1])
lines = pathlib.Path("/proc/self/status").read_text().splitlines()
peak = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024
print(json.dumps({"key": made["key"], "seconds": time.monotonic() - started, "mebibytes": peak}))
"""


def run(rows: int | None) -> list[Figure | Bound]:
    count = rows or ROWS
    campaign = selecting.presale(count)
    _publish_roster(campaign)
    # the first wave gets as many seats as before, by its own markets file, the second as many again
    seats = Market.objects.filter(campaign=campaign)
    half = "".join(f"{market.market_id},,{market.capacity},\n" for market in seats)
    seats.update(capacity=2 * F("capacity"))
    by = User.objects.create(username="bench")
    _send_wave(campaign, "20260121", by, market_file=HEADER + half.encode())
    made, checking = _proved(campaign)
    sizes = _downloads(campaign)
    Campaign.objects.filter(pk=campaign.pk).update(status=CampaignStatus.OPEN)
    _send_wave(campaign, "20260122", by)
    _, checking_two = _proved(campaign)
    share = count / ROWS
    goal = f"the goal, of {ROWS:,} fans"
    return [
        Figure("fans proved", count, made["seconds"], goal, MAKING_SECONDS * share, 1.0),
        Bound("memory of making a proof", made["mebibytes"], "MiB", at_most=MOST_MEMORY_MIB),
        Figure("fans checked", count, checking, goal, CHECKING_SECONDS * share, 1.0),
        Figure(
            "fans checked in a further wave",
            count,
            max(checking_two - checking, 0.001),
            goal,
            FURTHER_SECONDS * share,
            1.0,
        ),
        Bound(
            "read to check one entry",
            sum(sizes.values()) / 1000,
            "kB",
            at_most=MOST_DOWNLOAD_KB,
            note=", ".join(f"{name} {size / 1000:.1f}" for name, size in sizes.items()),
        ),
    ]


def _proved(campaign: Campaign) -> tuple[dict[str, Any], float]:
    """What making the bundle printed, and the seconds of checking it. The campaign is closed."""
    close_campaign(campaign.pk, by=None)
    campaign.refresh_from_db()
    made = _printed("-c", CHILD, campaign.campaign_id)
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "proof.zip"
        with buckets.scoring().open(made["key"]) as file:
            target.write_bytes(file.read())
        started = time.monotonic()
        _printed("-I", "console/proof/verify_draw.py", str(target), "--json")
        return made, time.monotonic() - started


def _printed(*arguments: str) -> dict[str, Any]:
    """The object that a Python process prints on its last line. Raises RuntimeError if it does not
    end with 0.
    """
    ran = subprocess.run([sys.executable, *arguments], stdout=subprocess.PIPE, text=True)
    if ran.returncode:
        raise RuntimeError(ran.stdout)
    found: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return found


def _send_wave(
    campaign: Campaign, date_key: str, by: User, market_file: bytes | None = None
) -> None:
    """A wave that is prepared, and counts as sent."""
    request = WaveRequest(
        campaign.campaign_id, date_key, notify_date=selecting.NOTIFY, market_file=market_file
    )
    wave = prepare.prepare(request, by=by, now=selecting.NOW, reason="bench").wave
    Wave.objects.filter(pk=wave.pk).update(state="completed", triggered_at=timezone.now())


def _publish_roster(campaign: Campaign) -> None:
    """The digests, counts and times that processing a score file keeps beside its rows."""
    names = ("global_user_id", "raw_text", "preferences")
    fans = nullable_frame_of(ROSTER, dict.fromkeys(names, pl.String))
    lines = fans.select(
        pl.concat_str(
            fan_refs(selecting.SALT, fans["global_user_id"]), *names[1:], separator="\t"
        ).alias("line")
    )["line"].sort()
    digest = hashlib.sha256()
    for part in lines.to_frame().iter_slices(100_000):
        digest.update("".join(f"{line}\n" for line in part["line"]).encode())
    bands = band_of(fans["raw_text"].cast(pl.Float64)).value_counts()
    counts = dict.fromkeys(("roster_size", "rows_in", "accepted", "streamed"), fans.height)
    ScoreFile.objects.filter(campaign=campaign).update(
        **counts,
        roster_digest=digest.hexdigest(),
        rules_digest="ab" * 32,
        bands=dict(bands.iter_rows()),
        min_score=0.22,
        created_at=selecting.NOW - timedelta(hours=2),
    )
    Campaign.objects.filter(pk=campaign.pk).update(
        first_drawn_at=selecting.NOW - timedelta(hours=1),
        named_score_file=campaign.active_score_file,
    )


def _downloads(campaign: Campaign) -> dict[str, int]:
    """Bytes of each file that a browser reads, the largest of its kind, as they are kept."""
    static = env.ROOT / "static" / "fairwave"
    sizes = {name: (static / name).stat().st_size for name in ("check_entry.js", "draw.css")}
    bucket, root = buckets.scoring(), proof.published_bundle(campaign).shards_root
    folder = shards.key_of(campaign.campaign_id, root[: shards.PREFIX_DIGITS])
    for key in bucket.list(f"{folder}/"):
        section, _, name = key.removeprefix(f"{folder}/").rpartition("/")
        kind = f"{section}/index-n" if name.startswith("index-") else section or name
        sizes[kind] = max(sizes.get(kind, 0), bucket.size(key))
    return sizes
