"""The proof bundle as a file: one zip whose bytes follow from its contents alone, for
`verify_draw.py` to check. [S-10]

It holds no personal data and no salt. docs/proof-of-the-draw.md describes every file.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import polars as pl

from campaigns.draw import BANDS, SCHEME
from console.proof.shards import Shards, ShardWriter, tsv

CHECKER = Path(__file__).with_name("verify_draw.py")
FANS_COLUMNS = ("fan_ref", "raw_score", "band_score", "preferences")
MEMBERS_COLUMNS = ("place", "fan_ref", "market_id", "band_score")
FORMAT, VERSION = "fairwave-proof", 2
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the oldest date a zip can name: the same bytes whenever it is made
_READABLE, _UNIX = 0o644 << 16, 3

RULES: dict[str, Any] = {
    "scheme": SCHEME,
    "bands": [
        {"name": band.name, "from_raw": band.low, "low": band.low, "high": band.high}
        for band in BANDS
    ],
    "commitment": "SHA-256(seed) in hex",
    "salt_commitment": "SHA-256(salt) in hex",
    "fan_nonce": "HMAC-SHA256(salt, global_user_id in UTF-8)",
    "fan_ref": "SHA-256(fan_nonce + global_user_id in UTF-8) in hex",
    "key": "HMAC-SHA256(seed, trimmed value of the public source in UTF-8, or nothing)",
    "h": "HMAC-SHA256(key, campaign_id + 0x1f + fan_ref)",
    "u": "(first 64 bits of h, big-endian, >> 11) / 2^53",
    "band_score": (
        "low + u * (high - low) in IEEE doubles; for mid and low at most the double below high"
    ),
    "order": "band score descending, then h descending, then fan_ref",
    "roster_digest": "SHA-256 over the lines fan_ref TAB raw_score TAB preferences LF of all accepted fans, sorted",
    "room": "the smaller of capacity - given and own_capacity, where the wave has one",
}
README = """Proof of the draw of campaign {campaign_id}

Check it with Python 3.9 or newer, nothing else:

    python verify_draw.py BUNDLE.zip
    python verify_draw.py BUNDLE.zip --published draw.json    (draw.json saved from the public page before the campaign closed)
    python verify_draw.py BUNDLE.zip --fan YOUR_FAN_REF
    python verify_draw.py BUNDLE.zip --fan YOUR_FAN_REF --nonce YOUR_NONCE --id YOUR_ID

Better than the verify_draw.py in here is one you had before, or wrote yourself: rules.json holds the whole rule.

draw.json       the public page at the close: both commitments, the revealed seed, the public source with its times, every score
                file that was ever received, every change of rules, everything that was late, and every wave with its rules,
                markets, seats and counts
rules.json      bands and formulas
fans-N.tsv      per accepted fan of score file N, sorted by fan_ref: raw score as written, band score, the markets asked for (none
                = any), and per wave one of: A|B = candidate for these markets, best first; !reason = why they were no candidate;
                =A = keeps the code of an earlier wave, for market A. A + before it: registered after the roster was made
waves/          per wave that was drawn: the members in the order of the draw, each with place, market and band score
manifest.json   the SHA-256 of every other file; manifest.sha256 is that of manifest.json

A fan is named by fan_ref = SHA-256(nonce + their id). Each fan can have their nonce and check that the reference is bound to
their id. The salt, from which all nonces come, stays secret, for with it anybody could look up whether a person took part; its
SHA-256, salt_commitment, was public from the start, so an auditor who is given salt and ids can check all references.
"""


@dataclass(frozen=True)
class ProvenRoster:
    """One score file's fans: frames of any size, in any order, with `fan_ref, raw_score (String),
    band_score (Float64), preferences (String)` and a String column per date key of `date_keys`.
    """

    attempt: int
    date_keys: Sequence[str]
    fans: Iterable[pl.DataFrame]


@dataclass(frozen=True)
class ProvenWave:
    """The members of a wave that was drawn: place, fan_ref, market_id, band_score. One that
    `selects` nobody tells its candidates that they were not selected. [X-8]
    """

    date_key: str
    members: pl.DataFrame
    selects: bool = True


def page_json(page: dict[str, Any]) -> bytes:
    """The public page of a draw as it is offered and as it is kept in the bundle."""
    return json.dumps(page, indent=1, ensure_ascii=False).encode() + b"\n"


@dataclass(frozen=True)
class WrittenBundle:
    """The bundle's hex SHA-256, and the same proof as small files."""

    sha256: str
    shards: Shards


def write_bundle(
    target: Path, page: dict[str, Any], rosters: Sequence[ProvenRoster], waves: Sequence[ProvenWave]
) -> WrittenBundle:
    """Write the bundle, and its shards beside it. `page`: what `public_draw` gave at the close, its
    waves and attempts in the order of these. [S-10, X-2]
    """
    with zipfile.ZipFile(target, "w") as archive, tempfile.TemporaryDirectory() as folder:
        pack = _Pack(archive)
        writer = ShardWriter(Path(folder), target.with_suffix(".shards"))
        pack.add("README.txt", [README.format(campaign_id=page["campaign_id"]).encode()])
        pack.add("verify_draw.py", [CHECKER.read_bytes()])
        pack.add("rules.json", [_json(RULES)])
        pack.add("draw.json", [page_json(page)])
        for roster in rosters:
            blocks = _sorted_lines(roster, Path(folder))
            kept = writer.kept(roster.attempt, roster.date_keys, blocks)
            pack.add(f"fans-{roster.attempt}.tsv", chain([_fans_header(roster)], kept))
        for wave in waves:
            if not wave.selects:
                continue
            lines = [_header(MEMBERS_COLUMNS), tsv(wave.members.select(MEMBERS_COLUMNS))]
            pack.add(f"waves/{wave.date_key}.members.tsv", lines)
        shards = writer.finish(page_json(page), {wave.date_key: wave.members for wave in waves})
        manifest = {
            "format": FORMAT,
            "version": VERSION,
            "shards_root": shards.root,
            "files": dict(pack.digests),
        }
        noted = pack.add("manifest.json", [_json(manifest)])
        pack.add("manifest.sha256", [f"{noted}\n".encode()])
    with target.open("rb") as file:
        return WrittenBundle(hashlib.file_digest(file, "sha256").hexdigest(), shards)


class _Pack:
    """Files into a zip, each with its SHA-256 noted."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self.archive = archive
        self.digests: dict[str, str] = {}

    def add(self, name: str, parts: Iterable[bytes]) -> str:
        entry = zipfile.ZipInfo(name, date_time=_EPOCH)
        entry.compress_type, entry.external_attr, entry.create_system = (
            zipfile.ZIP_DEFLATED,
            _READABLE,
            _UNIX,
        )
        digest = hashlib.sha256()
        with self.archive.open(entry, "w") as file:
            for part in parts:
                file.write(part)
                digest.update(part)
        self.digests[name] = digest.hexdigest()
        return self.digests[name]


def _fans_header(roster: ProvenRoster) -> bytes:
    return _header((*FANS_COLUMNS, *(f"wave {date_key}" for date_key in roster.date_keys)))


def _sorted_lines(roster: ProvenRoster, folder: Path) -> Iterator[bytes]:
    """The lines sorted by fan_ref with memory for a sixteenth of them: first dealt out by its first
    digit, then sorted.
    """
    parts = {digit: folder / f"{roster.attempt}-{digit}" for digit in "0123456789abcdef"}
    for frame in roster.fans:
        chunk = frame.select(*FANS_COLUMNS, *roster.date_keys, digit=pl.col("fan_ref").str.head(1))
        for (digit,), part in chunk.partition_by("digit", as_dict=True, include_key=False).items():
            with parts[str(digit)].open("ab") as file:
                file.write(tsv(part))
    for path in parts.values():
        if path.exists():
            yield b"".join(sorted(path.read_bytes().splitlines(keepends=True)))
            path.unlink()


def _header(columns: Iterable[str]) -> bytes:
    return "\t".join(columns).encode() + b"\n"


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False).encode() + b"\n"
