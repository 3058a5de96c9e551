"""A proof cut into small files, so that a fan's browser checks one entry without the whole bundle.
[X-2, S-10]

They hold the bundle's own lines, in two ways. `fans-N/…` : the fans of score file N by the first
bits of their reference, each line as in the bundle, then for each of the file's waves the fan's
place and market. `order-KEY/…`: the candidates of a wave in the order of the draw. `index.json`
names the hashes of each section's indexes, and those the hashes of its shards: who knows the hash
of `index.json`, the root, can check any of them. docs/formats.md describes every file.

The checker computes the root again from the bundle.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from console.proof.places import Luck, Numbered, in_places
from datalake.storage.buckets import Bucket

FORMAT, VERSION = "fairwave-shards", 1
# A fan's browser reads one shard of fans, and one of the order for each wave: 300 kB at most for
# three waves of 2,000,000 fans.
FANS_PER_SHARD = 500
PLACES_PER_SHARD = 500
SHARDS_PER_INDEX = 64
MOST_BITS = 24
INDEX = "index.json"
NAME = re.compile(
    r"[0-9a-f]{16}/(?:index\.json|draw\.json"
    r"|(?:fans-[0-9]{1,9}|order-[0-9]{8}(?:-[0-9]{1,9})?)/(?:index-)?[0-9]{1,9}\.tsv)"
)
PREFIX_DIGITS = 16  # of the root, in a shard's address
PUTS_AT_ONCE = 16
_FANS = ("fan_ref", "raw_score", "band_score", "preferences")
_NUMBERED = 50_000  # places whose lines are made at once: 5 MB


@dataclass(frozen=True)
class Shards:
    """The files, one behind the other in `content`, and the root: hex SHA-256 of `index.json`."""

    root: str
    content: Path
    files: dict[str, tuple[int, int]]

    def read(self, name: str) -> bytes:
        start, size = self.files[name]
        with self.content.open("rb") as file:
            return os.pread(file.fileno(), size, start)


class ShardWriter:
    """Makes the shards beside a bundle: it keeps each fans file's lines as they are written, then
    `finish`. Memory for one score file: its references and scores, not its lines.
    """

    def __init__(self, folder: Path, content: Path) -> None:
        self._folder, self._out = folder, _Files(content)
        self._attempts: dict[int, _Blocks] = {}

    def kept(
        self, attempt: int, date_keys: Sequence[str], blocks: Iterable[bytes]
    ) -> Iterator[bytes]:
        """Pass on the lines of a fans file without its header, in blocks of whole lines sorted by
        fan_ref; `date_keys`: the waves of its last columns.
        """
        kept = self._attempts[attempt] = _Blocks(self._folder / f"lines-{attempt}", date_keys)
        return kept.passed_on(blocks)

    def finish(self, draw_json: bytes, members: Mapping[str, pl.DataFrame]) -> Shards:
        """`draw_json`: the bundle's own, from which a browser takes everything but the fans;
        `members`: `place` (from 1) and `market_id`, by date key.
        """
        luck = Luck.of(json.loads(draw_json))
        sections: list[dict[str, Any]] = []
        for attempt, blocks in self._attempts.items():
            sections += self._of_attempt(attempt, blocks, luck, members)
        index = {
            "format": FORMAT,
            "version": VERSION,
            "places_per_shard": PLACES_PER_SHARD,
            "shards_per_index": SHARDS_PER_INDEX,
            "draw": self._out.add("draw.json", draw_json),
            "sections": sections,
        }
        root = self._out.add(INDEX, json.dumps(index, indent=1, sort_keys=True).encode() + b"\n")
        return Shards(root, self._out.close(), self._out.places)

    def _of_attempt(
        self, attempt: int, blocks: _Blocks, luck: Luck, members: Mapping[str, pl.DataFrame]
    ) -> Iterator[dict[str, Any]]:
        fans = blocks.fans()
        waves = {key: in_places(fans, key, members[key], luck) for key in blocks.date_keys}
        bits = shard_bits(fans.height)
        lines = _cut(blocks.numbered(list(waves.values())), bits)
        section = self._section(f"fans-{attempt}", lines)
        yield section | {"bits": bits, "waves": list(waves)}
        for key, places in waves.items():
            section = self._section(f"order-{key}", _order_shards(fans, places))
            yield section | {"places": places.candidates}

    def _section(self, name: str, contents: Iterable[bytes]) -> dict[str, Any]:
        """Shards that are numbered from 0, and their indexes: what `index.json` says of them."""
        digests = [
            self._out.add(f"{name}/{number}.tsv", each) for number, each in enumerate(contents)
        ]
        indexes = []
        for start in range(0, len(digests), SHARDS_PER_INDEX):
            lines = "".join(f"{each}\n" for each in digests[start : start + SHARDS_PER_INDEX])
            number = start // SHARDS_PER_INDEX
            indexes.append(self._out.add(f"{name}/index-{number}.tsv", lines.encode()))
        return {"name": name, "shards": len(digests), "indexes": indexes}


def shard_bits(fans: int) -> int:
    """How many first bits of a reference name its shard."""
    bits = 0
    while fans >> bits > FANS_PER_SHARD and bits < MOST_BITS:
        bits += 1
    return bits


def key_of(campaign_id: str, name: str) -> str:
    """Where a shard is kept in the scoring bucket; `name`: `ROOT PREFIX/…`, as in its address."""
    return f"proofs/{campaign_id}/shards/{name}"


def publish(shards: Shards, campaign_id: str, bucket: Bucket) -> None:
    """Put all files into the bucket, `index.json` last. Another root has another folder, and that
    of an older root stays: who has its page open goes on with it, and a run that ends after a newer
    one never takes away what the page names.
    """

    def put(name: str) -> None:
        key = key_of(campaign_id, f"{shards.root[:PREFIX_DIGITS]}/{name}")
        bucket.put(key, shards.read(name))

    with ThreadPoolExecutor(PUTS_AT_ONCE) as pool:
        for _ in pool.map(put, [name for name in shards.files if name != INDEX]):
            pass
    put(INDEX)


class _Blocks:
    """The lines of a fans file, kept on disk until their places are known."""

    def __init__(self, path: Path, date_keys: Sequence[str]) -> None:
        self._path, self._sizes, self.date_keys = path, list[int](), date_keys
        self._columns = dict.fromkeys((*_FANS, *date_keys), pl.String)

    def passed_on(self, blocks: Iterable[bytes]) -> Iterator[bytes]:
        with self._path.open("wb") as file:
            for block in blocks:
                file.write(block)
                self._sizes.append(len(block))
                yield block

    def fans(self) -> pl.DataFrame:
        """Per fan: `fan_ref`, `band_score` (as written), `score` (Float64), and for each wave
        whether they were a candidate.
        """
        kept = [
            pl.col("fan_ref", "band_score"),
            pl.col("band_score").cast(pl.Float64).alias("score"),
            *(~_without_plus(key).str.head(1).is_in(["!", "="]) for key in self.date_keys),
        ]
        frames = [pl.DataFrame(schema=self._columns).select(kept)]
        return pl.concat([*frames, *(block.select(kept) for block in self._again())])

    def numbered(self, waves: Sequence[Numbered]) -> Iterator[pl.DataFrame]:
        """The lines, each wave's place and market behind them; then they are gone."""
        start = 0
        for block in self._again():
            yield block.with_columns(
                wave.cells(start, block.height).alias(f"place {number}")
                for number, wave in enumerate(waves)
            )
            start += block.height
        self._path.unlink()

    def _again(self) -> Iterator[pl.DataFrame]:
        with self._path.open("rb") as file:
            for size in self._sizes:
                yield pl.read_csv(
                    file.read(size),
                    separator="\t",
                    has_header=False,
                    quote_char=None,
                    schema=self._columns,
                ).fill_null("")


def _without_plus(date_key: str) -> pl.Expr:
    """The cell of who registered after the roster, as others' are."""
    return pl.col(date_key).str.strip_prefix("+")


def _cut(frames: Iterable[pl.DataFrame], bits: int) -> Iterator[bytes]:
    """The content of each shard of fans, empty ones too; a frame's lines are sorted, and the next
    frame's come after them.
    """
    shard, begun = 0, list[bytes]()
    for frame in frames:
        first = frame["fan_ref"].str.head(8).str.to_integer(base=16, dtype=pl.UInt64)
        numbers = first.to_numpy() >> np.uint64(32 - bits)
        ends = np.flatnonzero(np.diff(numbers)) + 1
        for start, end in zip([0, *ends.tolist()], [*ends.tolist(), frame.height], strict=True):
            if start == end:
                continue
            while shard < numbers[start]:
                yield b"".join(begun)
                shard, begun = shard + 1, []
            begun.append(tsv(frame.slice(start, end - start)))
    while shard < 1 << bits:
        yield b"".join(begun)
        shard, begun = shard + 1, []


def _order_shards(fans: pl.DataFrame, numbered: Numbered) -> Iterator[bytes]:
    """`place TAB fan_ref TAB band score TAB market`, best first; no market for who waits."""
    for start in range(0, numbered.candidates, _NUMBERED):
        rows = numbered.order[start : start + _NUMBERED]
        lines = fans.select("fan_ref", "band_score")[rows]
        places = pl.Series("place", np.arange(start + 1, start + len(rows) + 1))
        lines = lines.insert_column(0, places).with_columns(numbered.market.gather(rows))
        for at in range(0, lines.height, PLACES_PER_SHARD):
            yield tsv(lines.slice(at, PLACES_PER_SHARD))


class _Files:
    """Thousands of small files as one, so that the disk makes only one."""

    def __init__(self, path: Path) -> None:
        self._path, self._file = path, path.open("wb")
        self.places: dict[str, tuple[int, int]] = {}

    def add(self, name: str, content: bytes) -> str:
        """Its hex SHA-256."""
        self.places[name] = (self._file.tell(), len(content))
        self._file.write(content)
        return hashlib.sha256(content).hexdigest()

    def close(self) -> Path:
        self._file.close()
        return self._path


def tsv(frame: pl.DataFrame) -> bytes:
    """Lines without a header; doubles in their shortest form that reads back as the same double."""
    return frame.write_csv(
        separator="\t", include_header=False, quote_style="never", null_value=""
    ).encode()
