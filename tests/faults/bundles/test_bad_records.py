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
    "version": 2,
    "kind": "drawn",
    "reassign": False,
    "tops_up": None,
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
CLAIM: dict[str, Any] = (
    NAMES | COUNTS | {"kind": "drawn", "least_score": 0.22, "excluded": {}, "markets": []}
)


def fan(raw: bytes) -> bytes:
    return (
        b"\t".join([b"0" * 64, raw, b"0.3", *[b""] * (len(verify_draw.FACT_COLUMNS) - 3)]) + b"\n"
    )


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
    listed = "rows.tsv" if "rows.tsv" in changes else "fans.tsv"
    halves = (("facts.json", listed), ("wave.json", "members.tsv"))
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
    "another format": ({"facts.json": json.dumps(FACTS | {"version": 3}).encode()}, "another format"),
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


WEST = {"market_id": "west", "position": 0, "selection_us": 1}
SEATS = WEST | {"capacity": 3, "own_capacity": None, "given": 1}
CLAIMED = SEATS | {"room": 2, "selected": 0, "wanted": 0, "cutoff": None}
BACK = b"0\t%s\twest\t0.3\n" % (b"0" * 64)
ONE_OF_THREE = {"facts": {"fans": 3}, "claim": {"excluded": {"not_registered": 3}}}
DIFFERENT: dict[str, tuple[dict[str, Any], str]] = {
    "seed": ({"facts": {"commitment": "00" * 32}}, "The seed is not the one"),
    "wave": ({"claim": {"date_key": "20260122"}}, "those of another wave"),
    "score file": ({"claim": {"attempt": 2}}, "score file 2, but file 1 is active"),
    "order": ({"facts": {"order": "x"}}, "'x' is none that the rules know"),
    "fans": ({"facts": {"fans": 1}}, "list 0 fans, the score file has 1"),
    "minimum": ({"facts": {"min_scores": [0.5]}}, "says 0.22, the rules give 0.5"),
    "candidates": ({"claim": {"candidates": 1}}, "Candidates: the wave says 1"),
    "reasons": ({"claim": {"excluded": {"no_contact": 1}}}, "Excluded, no contact: the wave"),
    "markets": ({"claim": {"markets": [CLAIMED]}}, "Markets: the wave has west"),
    "roster": ({"facts": {"roster_digest": "00" * 32}}, "not those of the published roster"),
    "bands": ({"facts": {"bands": {"high": 1}}}, "The bands hold"),
    "a member twice": ({"members": BACK * 2}, "A fan is a member twice"),
    "who comes back": ({"members": BACK}, "come back with their code: the wave has 1"),
    "given": ({"facts": {"markets": [SEATS | {"given": 4}]}}, "4 seats are given, but it has 3"),
    "time": ({"facts": {"markets": [SEATS | {"selection_us": 2}]}}, "had not passed yet"),
    "band scores": (ONE_OF_THREE, "1 more band scores differ"),
} | {
    f"market's {column}": (
        {"facts": {"markets": [SEATS]}, "claim": {"markets": [CLAIMED | {column: 7}]}},
        f"Market west, {column.replace('_us', ' time').replace('_', ' ')}: the wave says 7",
    )
    for column in CLAIMED.keys() - {"market_id"}
}


@pytest.mark.parametrize("kind", sorted(DIFFERENT))
def test_x14_each_difference_between_facts_and_wave_is_named(tmp_path: Path, kind: str) -> None:
    changes, said = DIFFERENT[kind]
    files = {
        "facts.json": json.dumps(FACTS | changes.get("facts", {})).encode(),
        "wave.json": json.dumps(CLAIM | changes.get("claim", {})).encode(),
        "members.tsv": changes.get("members", b""),
    }
    if kind == "band scores":
        lines = (fan(b"0.3").replace(b"0" * 64, digit * 64) for digit in (b"1", b"2", b"3"))
        files["fans.tsv"] = COLUMNS + b"".join(lines)
    problems = problems_of(tmp_path, files)
    assert any(said in problem for problem in problems), problems


UPLOADED: dict[str, Any] = NAMES | {
    "format": "fairwave-recount",
    "version": 2,
    "kind": "uploaded",
    "rows": 2,
    "markets": [SEATS],
}
TAKEN = CLAIMED | {"selected": 2}
OF_LIST = {"kind": "uploaded", "attempt": None, "selected": 2, "markets": [TAKEN]}
ROWS = [[digit * 64, "west", "0", "0", "1"] for digit in "12"]
MEMBERS = [[str(at), ref, market, "0"] for at, (ref, market, *_) in enumerate(ROWS, start=1)]


def lines_of(*rows: list[str]) -> bytes:
    return "".join("\t".join(row) + "\n" for row in rows).encode()


def with_cell(rows: list[list[str]], column: int, value: str) -> list[list[str]]:
    """The last of the rows with another cell."""
    return [*rows[:-1], [*rows[-1][:column], value, *rows[-1][column + 1 :]]]


LISTS: dict[str, tuple[dict[str, Any], str]] = {
    "format": ({"facts": {"version": 3}}, "another format"),
    "kind of the facts": ({"facts": {"kind": "drawn"}}, "another format"),
    "kind": ({"claim": {"kind": "drawn"}}, "those of another wave"),
    "wave": ({"claim": {"date_key": "20260122"}}, "those of another wave"),
    "score file": ({"claim": {"attempt": 1}}, "uploaded, but names a score file"),
    "columns": ({"header": verify_draw.ROW_COLUMNS[::-1]}, "do not have the columns"),
    "a cell less": ({"rows": [row[:4] for row in ROWS]}, "do not have the columns"),
    "rows": ({"facts": {"rows": 3}}, "list 2 rows, not 3"),
    "a member less": ({"members": MEMBERS[:1]}, "not the accepted rows of its list: 1 differ"),
    "order": ({"members": MEMBERS[::-1]}, "not the accepted rows of its list: 0 differ"),
    "a member twice": (
        {"rows": with_cell(ROWS, 0, "1" * 64), "members": with_cell(MEMBERS, 1, "1" * 64)},
        "A fan is a member twice.",
    ),
    "in a wave": ({"rows": with_cell(ROWS, 2, "1")}, "Fans in another wave: 1."),
    "a code": ({"rows": with_cell(ROWS, 3, "1")}, "Fans holding a code already: 1."),
    "a stranger": ({"rows": with_cell(ROWS, 4, "0")}, "Fans who are not registered: 1."),
    "selected": ({"claim": {"selected": 3}}, "Selected: the wave says 3, this count gives 2"),
    "a market twice": ({"claim": {"markets": [TAKEN, TAKEN]}}, "A market is listed twice."),
    "a market less": ({"claim": {"markets": []}}, "A market of the members is not listed."),
    "no such market": ({"facts": {"markets": []}}, "The campaign has no market west."),
    "room": ({"facts": {"markets": [SEATS | {"given": 2}]}}, "west: 2 fans, but room for 1."),
} | {
    f"market's {column}": (
        {"claim": {"markets": [TAKEN | {column: 7}]}},
        f"Market west, {column.replace('_us', ' time')}: the wave says 7",
    )
    for column in ("position", "capacity", "given", "room", "selection_us", "selected")
}


def problems_of_list(folder: Path, changes: dict[str, Any]) -> list[str]:
    header = changes.get("header", verify_draw.ROW_COLUMNS)
    files = {
        "facts.json": json.dumps(UPLOADED | changes.get("facts", {})).encode(),
        "rows.tsv": lines_of(header, *changes.get("rows", ROWS)),
        "wave.json": json.dumps(CLAIM | OF_LIST | changes.get("claim", {})).encode(),
        "members.tsv": lines_of(*changes.get("members", MEMBERS)),
    }
    return problems_of(folder, files)


@pytest.mark.parametrize("kind", sorted(LISTS))
def test_x14_each_difference_between_an_uploaded_list_and_its_wave_is_named(
    tmp_path: Path, kind: str
) -> None:
    """[W-3]"""
    changes, said = LISTS[kind]
    problems = problems_of_list(tmp_path, changes)
    assert any(said in problem for problem in problems), problems


def test_x14_the_record_of_an_uploaded_list_that_is_whole_agrees(tmp_path: Path) -> None:
    assert problems_of_list(tmp_path, {}) == []


def test_x14_a_record_that_is_whole_agrees(tmp_path: Path) -> None:
    assert problems_of(tmp_path, {}) == []


def test_x14_a_record_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    verdict = verify_draw.recount(str(tmp_path / "none"), str(tmp_path / "none"), {})
    assert verdict["problems"][0].startswith("The sealed record cannot be read: FileNotFoundError")
