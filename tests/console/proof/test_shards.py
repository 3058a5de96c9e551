"""A proof cut into small files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from campaigns.draw import draw_frame, in_order
from console.proof import shards, verify_draw
from datalake.storage.buckets import DiskBucket
from tests.console.proof.bundle_cases import ALL_ORDERS, DRAW, fans, make_bundle

KEY = "20260121"
SEATS = 20
PAGE = {
    "campaign_id": DRAW.campaign_id,
    "seed": DRAW.seed.hex(),
    "entropy": {"value": DRAW.entropy},
}


def drawn(count: int = 300, **columns: Any) -> pl.DataFrame:
    """Drawn fans by reference; each seventh is no candidate of the wave, each third registered
    late.
    """
    frame = draw_frame(fans(count), DRAW).sort("fan_ref").with_row_index()
    number = pl.col("index")
    cell = (
        pl.when(number % 21 == 0)
        .then(pl.lit("+!no_contact"))
        .when(number % 14 == 0)
        .then(pl.lit("=west"))
        .when(number % 7 == 0)
        .then(pl.lit("!no_contact"))
        .when(number % 3 == 0)
        .then(pl.lit("+west"))
        .otherwise(pl.lit("west"))
    )
    return frame.with_columns(cell.alias(KEY)).with_columns(**columns)


def candidates(frame: pl.DataFrame) -> pl.DataFrame:
    return in_order(frame.filter(pl.col(KEY).is_in(["west", "+west"])), DRAW)


def lines_of(frame: pl.DataFrame, size: int) -> list[bytes]:
    table = frame.select(
        "fan_ref", "raw_text", "band_score", pl.col("preferences").list.join("|"), KEY
    )
    return [
        table.slice(at, size)
        .write_csv(separator="\t", include_header=False, quote_style="never")
        .encode()
        for at in range(0, table.height, size)
    ]


def members_of(frame: pl.DataFrame) -> pl.DataFrame:
    chosen = candidates(frame).head(SEATS)
    return chosen.select("fan_ref", market_id=pl.lit("west")).with_row_index("place", 1)


def made(folder: Path, frame: pl.DataFrame, *, size: int = 50) -> shards.Shards:
    folder.mkdir(exist_ok=True)
    writer = shards.ShardWriter(folder, folder / "content")
    assert list(writer.kept(1, [KEY], lines_of(frame, size))) == lines_of(frame, size)
    return writer.finish(json.dumps(PAGE).encode(), {KEY: members_of(frame)})


def lines(made: shards.Shards, section: str, number: int) -> list[list[str]]:
    text = made.read(f"{section}/{number}.tsv").decode()
    return [line.split("\t") for line in text.splitlines()]


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (shards, verify_draw):
        monkeypatch.setattr(module, "FANS_PER_SHARD", 10)
        monkeypatch.setattr(module, "PLACES_PER_SHARD", 10)
        monkeypatch.setattr(module, "SHARDS_PER_INDEX", 4)
    monkeypatch.setattr(shards, "_NUMBERED", 100)


@pytest.mark.parametrize(("count", "most"), [(0, 10), (1, 10), (10, 10), (20, 1), (300, 10)])
def test_x2_each_fan_stands_in_the_shard_of_their_reference_with_place_and_market(
    tmp_path, monkeypatch, count, most
):
    monkeypatch.setattr(shards, "FANS_PER_SHARD", most)
    frame = drawn(count)
    found = made(tmp_path, frame)
    bits = json.loads(found.read("index.json"))["sections"][0]["bits"]
    assert count >> bits <= most
    ordered = candidates(frame)
    places = {ref: place for place, ref in enumerate(ordered["fan_ref"], 1)}
    expected: dict[int, list[list[str]]] = {number: [] for number in range(2**bits)}
    for ref, raw, score, preferences, cell in frame.select(
        "fan_ref", "raw_text", "band_score", pl.col("preferences").list.join("|"), KEY
    ).iter_rows():
        place = places.get(ref)
        market = "west" if place and place <= SEATS else ""
        at = f"{place}:{market}" if place else ""
        number = int(ref, 16) >> (256 - bits)
        expected[number].append([ref, raw, repr(score), preferences, cell, at])
    assert {number: lines(found, "fans-1", number) for number in expected} == expected


def test_x2_the_order_of_a_wave_lists_its_candidates_by_place(tmp_path):
    frame = drawn()
    found = made(tmp_path, frame)
    section = json.loads(found.read("index.json"))["sections"][1]
    ordered = candidates(frame)
    assert (section["name"], section["places"]) == (f"order-{KEY}", ordered.height)
    shown = [line for at in range(section["shards"]) for line in lines(found, f"order-{KEY}", at)]
    assert shown == [
        [str(place), ref, repr(score), "west" if place <= SEATS else ""]
        for place, (ref, score) in enumerate(ordered.select("fan_ref", "band_score").rows(), 1)
    ]
    assert [len(lines(found, f"order-{KEY}", at)) for at in (0, 1)] == [10, 10]


def test_x2_every_file_hangs_on_the_root_by_its_hash(tmp_path):
    found = made(tmp_path, drawn())
    index = found.read("index.json")
    assert hashlib.sha256(index).hexdigest() == found.root
    named = {"index.json": found.root, "draw.json": json.loads(index)["draw"]}
    for section in json.loads(index)["sections"]:
        digests: list[str] = []
        for number, digest in enumerate(section["indexes"]):
            name = f"{section['name']}/index-{number}.tsv"
            named[name] = digest
            digests += found.read(name).decode().split()
        assert len(digests) == section["shards"] > 4
        named |= {f"{section['name']}/{at}.tsv": digest for at, digest in enumerate(digests)}
    assert {name: hashlib.sha256(found.read(name)).hexdigest() for name in found.files} == named


def test_s10_the_root_is_the_same_however_the_lines_came(tmp_path):
    roots = {made(tmp_path / str(size), drawn(), size=size).root for size in (7, 300)}
    assert len(roots) == 1
    other = drawn().with_columns(band_score=pl.col("band_score") * 0.5)
    assert made(tmp_path / "other", other).root not in roots


def test_x2_all_files_go_into_the_bucket_below_the_root_and_the_index_last(tmp_path, monkeypatch):
    found, bucket, names = made(tmp_path, drawn()), DiskBucket(tmp_path / "bucket"), list[str]()
    put = bucket.put
    monkeypatch.setattr(bucket, "put", lambda key, content: [names.append(key), put(key, content)])
    shards.publish(found, "12345", bucket)
    folder = f"proofs/12345/shards/{found.root[:16]}"
    assert sorted(names) == sorted(f"{folder}/{name}" for name in found.files)
    assert names[-1] == f"{folder}/index.json"
    with bucket.open(f"{folder}/fans-1/0.tsv") as file:
        assert file.read() == found.read("fans-1/0.tsv")
    served: Sequence[str] = [name.removeprefix("proofs/12345/shards/") for name in names]
    assert all(shards.NAME.fullmatch(name) for name in served)


def problems_of(bundle: Path) -> list[str]:
    return verify_draw.check(str(bundle), verify_draw.options_of([str(bundle)])).problems


@pytest.mark.parametrize("count", [0, 1, 300])
def test_s10_the_checker_computes_the_root_again_from_the_bundle(tmp_path, monkeypatch, count):
    make_bundle(tmp_path / "bundle.zip", count, orders=ALL_ORDERS)
    assert problems_of(tmp_path / "bundle.zip") == []
    finish = shards.ShardWriter.finish

    def another(writer: shards.ShardWriter, *arguments: Any) -> shards.Shards:
        return replace(finish(writer, *arguments), root="00" * 32)

    monkeypatch.setattr(shards.ShardWriter, "finish", another)
    make_bundle(tmp_path / "changed.zip", count, orders=ALL_ORDERS)
    [problem] = problems_of(tmp_path / "changed.zip")
    assert "browsers check one entry are others than this bundle's" in problem
