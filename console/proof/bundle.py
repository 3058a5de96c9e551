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
from pathlib import Path
from typing import Any

import polars as pl

from campaigns.draw import BANDS, Draw

CHECKER = Path(__file__).with_name("verify_draw.py")
FANS_COLUMNS = ("fan_ref", "raw_score", "band_score", "preferences")
MEMBERS_COLUMNS = ("place", "fan_ref", "market_id", "band_score")
FORMAT, VERSION = "fairwave-proof", 1
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the oldest date a zip can name: the same bytes whenever it is made
_READABLE, _UNIX = 0o644 << 16, 3

RULES: dict[str, Any] = {
    "bands": [
        {"name": band.name, "from_raw": band.low, "low": band.low, "high": band.high}
        for band in BANDS
    ],
    "key": "HMAC-SHA256(seed, entropy value in UTF-8, or nothing)",
    "h": "HMAC-SHA256(key, campaign_id + 0x1f + fan_ref)",
    "u": "(first 64 bits of h, big-endian, >> 11) / 2^53",
    "band_score": (
        "low + u * (high - low) in IEEE doubles; for mid and low at most the double below high"
    ),
    "order": "band score descending, then h descending, then fan_ref",
    "commitment": "SHA-256(seed)",
    "fan_ref": "SHA-256(HMAC-SHA256(salt, global_user_id) + global_user_id) in hex",
}
README = """Proof of the draw of campaign {campaign_id}

Check it with Python 3.8 or newer, nothing else:

    python verify_draw.py BUNDLE.zip
    python verify_draw.py BUNDLE.zip --fan YOUR_FAN_REF
    python verify_draw.py BUNDLE.zip --published draw.json    (draw.json saved from the public page before the campaign closed)

Better than the verify_draw.py in here is one you had before, or wrote yourself: rules.json holds the whole rule.

manifest.json   the revealed seed, the public random value, the commitment, and the SHA-256 of every other file
rules.json      bands and formulas
attempts.json   every score file that was ever uploaded, with its number and digests
fans-N.tsv      per accepted fan of score file N: raw score as written, band score, the markets asked for (none = any), and
                per wave the markets the fan was eligible for, or ! and the reason why they were no candidate
waves/          per wave: markets in order, seats, cut-offs, and the members in the order of the draw

A fan is named by fan_ref = SHA-256(HMAC-SHA256(salt, their id) + their id). The salt stays secret, for with it anybody could
look up whether a person took part; so whose a fan_ref is can be checked only by who is given the salt (support, an auditor):
verify_draw.py --salt-file. What everybody can check is that the seed is the one committed to, that seed, public value and
fan_ref give each band score, that the rosters are those published before the draw could be known, and that the waves took
the best.
"""


@dataclass(frozen=True)
class ProvenAttempt:
    """One score file. `description`: `public_attempt` of proof.py and `min_score`.

    `fans`: frames of any size, in any order, with `fan_ref, raw_score (String), band_score
    (Float64), preferences (String)` and a String column per date key of `date_keys`; None where the
    file was never drawn.
    """

    description: dict[str, Any]
    date_keys: Sequence[str] = ()
    fans: Iterable[pl.DataFrame] | None = None


@dataclass(frozen=True)
class ProvenWave:
    """One wave. `description`: date_key, attempt, order, markets, counts; `members`: place,
    fan_ref, market_id, band_score.
    """

    description: dict[str, Any]
    members: pl.DataFrame


def write_bundle(
    target: Path,
    draw: Draw,
    about: dict[str, Any],
    attempts: Sequence[ProvenAttempt],
    waves: Sequence[ProvenWave],
) -> str:
    """Write the bundle and return its SHA-256. `about`: name, entropy_source, draw_supplied and
    other JSON for the manifest.
    """
    with zipfile.ZipFile(target, "w") as archive, tempfile.TemporaryDirectory() as folder:
        pack = _Pack(archive)
        pack.add("README.txt", [README.format(campaign_id=draw.campaign_id).encode()])
        pack.add("verify_draw.py", [CHECKER.read_bytes()])
        pack.add("rules.json", [_json(RULES)])
        pack.add(
            "attempts.json",
            [
                _json(
                    [
                        attempt.description | {"fans_file": _fans_file(attempt)}
                        for attempt in attempts
                    ]
                )
            ],
        )
        for attempt in attempts:
            if attempt.fans is not None:
                pack.add(
                    _fans_file(attempt) or "", _fans_lines(attempt, attempt.fans, Path(folder))
                )
        names = [pack.add_wave(wave) for wave in waves]
        manifest = about | {
            "format": FORMAT,
            "version": VERSION,
            "campaign_id": draw.campaign_id,
            "commitment": draw.commitment,
            "seed": draw.seed.hex(),
            "salt_sha256": hashlib.sha256(draw.salt).hexdigest(),
            "entropy_value": draw.entropy,
            "waves": names,
            "files": dict(pack.digests),
        }
        noted = pack.add("manifest.json", [_json(manifest)])
        pack.add("manifest.sha256", [f"{noted}\n".encode()])
    with target.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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

    def add_wave(self, wave: ProvenWave) -> str:
        name, members = (
            f"waves/{wave.description['date_key']}{ending}" for ending in (".json", ".members.tsv")
        )
        self.add(name, [_json(wave.description | {"members_file": members})])
        self.add(members, [_header(MEMBERS_COLUMNS), _tsv(wave.members.select(MEMBERS_COLUMNS))])
        return name


def _fans_file(attempt: ProvenAttempt) -> str | None:
    return None if attempt.fans is None else f"fans-{attempt.description['attempt']}.tsv"


def _fans_lines(
    attempt: ProvenAttempt, fans: Iterable[pl.DataFrame], folder: Path
) -> Iterator[bytes]:
    """The lines sorted by fan_ref with memory for a sixteenth of them: first dealt out by its first
    digit, then sorted.
    """
    yield _header((*FANS_COLUMNS, *(f"wave {date_key}" for date_key in attempt.date_keys)))
    parts = {
        digit: folder / f"{attempt.description['attempt']}-{digit}" for digit in "0123456789abcdef"
    }
    for frame in fans:
        chunk = frame.select(*FANS_COLUMNS, *attempt.date_keys, digit=pl.col("fan_ref").str.head(1))
        for (digit,), part in chunk.partition_by("digit", as_dict=True, include_key=False).items():
            with parts[str(digit)].open("ab") as file:
                file.write(_tsv(part))
    for path in parts.values():
        if path.exists():
            yield b"".join(sorted(path.read_bytes().splitlines(keepends=True)))
            path.unlink()


def _header(columns: Iterable[str]) -> bytes:
    return "\t".join(columns).encode() + b"\n"


def _tsv(frame: pl.DataFrame) -> bytes:
    """Doubles in their shortest form that reads back as the same double."""
    return frame.write_csv(
        separator="\t", include_header=False, quote_style="never", null_value=""
    ).encode()


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False).encode() + b"\n"
