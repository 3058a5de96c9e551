"""A sealed record that cannot be counted is one sentence, and agrees with nothing. [X-14]"""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from console.proof import verify_draw

SEED = "5eed" * 16
COLUMNS = "\t".join(verify_draw.FACT_COLUMNS).encode() + b"\n"
NAMES = {"campaign_id": "12345", "date_key": "20260121", "attempt": 1}
FACTS: dict[str, Any] = NAMES | {
    "format": "fairwave-recount",
    "version": 1,
    "commitment": hashlib.sha256(bytes.fromhex(SEED)).hexdigest(),
    "entropy_value": None,
    "fans": 0,
    "bands": {},
    "roster_digest": "",
    "min_scores": [0.22, None],
    "order": "by_preference",
    "single_market": "",
    "prepared_us": 1,
    "markets": [],
}
COUNTS = {"candidates": 0, "selected": 0, "waitlist": 0}
CLAIM: dict[str, Any] = NAMES | COUNTS | {"least_score": 0.22, "excluded": {}, "markets": []}


def fan(raw: bytes) -> bytes:
    return b"\t".join([b"0" * 64, raw, b"0.3", *[b""] * 7]) + b"\n"


def packed(target: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return target


def problems_of(folder: Path, changes: dict[str, bytes]) -> list[str]:
    files = {
        "facts.json": json.dumps(FACTS).encode(),
        "fans.tsv": COLUMNS,
        "wave.json": json.dumps(CLAIM).encode(),
        "members.tsv": b"",
    } | changes
    halves = (("facts.json", "fans.tsv"), ("wave.json", "members.tsv"))
    paths = [
        packed(folder / f"{names[0]}.zip", {name: files[name] for name in names})
        for names in halves
    ]
    facts, claim = (hashlib.sha256(path.read_bytes()).hexdigest() for path in paths)
    handed = {"seed": SEED, "facts": facts, "claim": claim}
    verdict = verify_draw.recount(str(paths[0]), str(paths[1]), handed)
    assert verdict["agrees"] == (not verdict["problems"])
    return list(verdict["problems"])


def without(document: dict[str, Any], key: str) -> bytes:
    return json.dumps({name: document[name] for name in document if name != key}).encode()


BAD: dict[str, tuple[dict[str, bytes], str]] = {
    "no JSON": ({"facts.json": b"{"}, "JSONDecodeError"),
    "no object": ({"facts.json": b"[]"}, "TypeError"),
    "a field is missing": ({"facts.json": without(FACTS, "order")}, "KeyError: 'order'"),
    "null for a number": ({"facts.json": json.dumps(FACTS | {"min_scores": None}).encode()}, "TypeError"),
    "another format": ({"facts.json": json.dumps(FACTS | {"version": 2}).encode()}, "another format"),
    "other columns": ({"fans.tsv": b"fan_ref\n"}, "do not begin with the columns"),
    "a cut line": ({"fans.tsv": COLUMNS + fan(b"0.3")[:-1]}, "end in the middle of a line"),
    "a column too few": ({"fans.tsv": COLUMNS + b"0\t1\n"}, "too many or too few columns"),
    "no number": ({"fans.tsv": COLUMNS + fan(b"nan")}, "is not written as one"),
    "a score below all bands": ({"fans.tsv": COLUMNS + fan(b"0.2")}, "below the file's minimum"),
    "no band score": ({"fans.tsv": COLUMNS + fan(b"0.3").replace(b"\t0.3\t\t", b"\tx\t\t")}, "ValueError"),
    "a member of three columns": ({"members.tsv": b"1\t2\t3\n"}, "ValueError"),
    "a member of no UTF-8": ({"members.tsv": b"\xff"}, "UnicodeDecodeError"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD)
def test_x14_a_record_that_cannot_be_counted_is_one_sentence(tmp_path: Path, kind: str) -> None:
    changes, said = BAD[kind]
    (problem,) = problems_of(tmp_path, changes)
    assert said in problem


def test_x14_a_record_that_is_whole_agrees(tmp_path: Path) -> None:
    assert problems_of(tmp_path, {}) == []


def test_x14_a_record_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    verdict = verify_draw.recount(str(tmp_path / "none"), str(tmp_path / "none"), {})
    assert verdict["problems"][0].startswith("The sealed record cannot be read: FileNotFoundError")
