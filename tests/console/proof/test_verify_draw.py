"""The stand-alone checker, run as a fan would run it: another Python process that knows nothing of
the product.
"""

from __future__ import annotations

import ast
import io
import json
import math
import random
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from campaigns.draw import BANDS, LOW, MID, Draw, draw_frame
from console.proof import verify_draw
from console.proof.bundle import CHECKER, RULES
from tests.console.proof.bundle_cases import ALL_ORDERS, DRAW, case, fans, make_bundle


def verify(bundle: Path, *arguments: str) -> dict[str, Any]:
    options = verify_draw.options_of([str(bundle), *arguments])
    return verify_draw.check(str(bundle), options).as_json()


def repacked(
    source: Path, target: Path, changes: dict[str, bytes | None], *, sums: bool = True
) -> Path:
    """The bundle with some files changed (None = left out), and, with `sums`, every digest inside
    made to fit again.
    """
    with zipfile.ZipFile(source) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    files = {name: content for name, content in (files | changes).items() if content is not None}
    if sums:
        manifest = json.loads(files["manifest.json"])
        inside = {
            name: content for name, content in files.items() if not name.startswith("manifest.")
        }
        manifest["files"] = {
            name: verify_draw.hashlib.sha256(content).hexdigest()
            for name, content in inside.items()
        }
        files["manifest.json"] = json.dumps(manifest).encode()
        files["manifest.sha256"] = (
            verify_draw.hashlib.sha256(files["manifest.json"]).hexdigest() + "\n"
        ).encode()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.compress_type, entry.external_attr, entry.create_system = (
                zipfile.ZIP_DEFLATED,
                0o644 << 16,
                3,
            )
            archive.writestr(entry, content)
    return target


def content(bundle: Path, name: str) -> bytes:
    with zipfile.ZipFile(bundle) as archive:
        return archive.read(name)


def test_it_runs_alone_with_nothing_but_python(bundle: Path, tmp_path: Path) -> None:
    """Taken out of the bundle, in an isolated interpreter without site packages, in an empty
    folder. [S-10]
    """
    with zipfile.ZipFile(bundle) as archive:
        archive.extract("verify_draw.py", tmp_path)
    command = [sys.executable, "-I", "-S", "verify_draw.py", str(bundle)]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")
    assert "All is as it should be" in run.stdout
    assert "Score file 1: 60 band scores" in run.stdout


def test_it_is_written_for_python_3_9_and_imports_only_the_standard_library() -> None:
    tree = ast.parse(CHECKER.read_text(), feature_version=(3, 9))
    imported = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in imported} <= sys.stdlib_module_names


def test_what_it_lists_from_top_to_bottom_stands_there_in_this_order() -> None:
    tree = ast.parse(CHECKER.read_text())
    lines = {
        node.name: node.lineno
        for node in tree.body
        if isinstance(node, ast.ClassDef | ast.FunctionDef)
    }
    listed = (ast.get_docstring(tree) or "").partition("From top to bottom:")[2]
    parts = [part for part in re.sub(r"\([^)]*\)", "", listed).split() if part not in ("·", "and")]
    places = [lines[part.rstrip(".")] for part in parts]
    assert places == sorted(places)
    classes = {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
    assert classes - {part.rstrip(".") for part in parts} == {"Broken", "Entry"}


def test_it_knows_the_rules_by_itself_and_they_are_ours() -> None:
    """[S-7, S-8]"""
    assert verify_draw.RULES == RULES
    assert verify_draw.RULES is not RULES


def test_a_sound_bundle_passes_with_every_fan_and_member_counted(bundle: Path) -> None:
    """Three waves in three orders, the later ones without the members of the earlier. [S-10,
    W-5]
    """
    found = verify(bundle)
    assert (found["ok"], found["problems"]) == (True, [])
    assert found["checked"] == {
        "files": 10,
        "attempts": 1,
        "fans": 60,
        "waves": 3,
        "members": 12 + 12 + 5,
        "luck_tests": 0,
    }


@pytest.mark.parametrize(
    ("count", "capacities"), [(0, (3, 3, 3)), (1, (0, 0, 0)), (5, (9, 9, 9)), (400, (1, 0, 150))]
)
def test_empty_full_and_closed_markets_pass(
    tmp_path: Path, count: int, capacities: tuple[int, ...]
) -> None:
    make_bundle(tmp_path / "b.zip", count, capacities=capacities, orders=ALL_ORDERS)
    assert verify(tmp_path / "b.zip")["problems"] == []


def test_a_changed_byte_anywhere_in_the_zip_is_found(bundle: Path, tmp_path: Path) -> None:
    """Contents, names, dates, attributes, checksums, directory: no byte is without meaning. [S-10]

    But compressed data can say the same thing in two ways (a repetition found at another distance,
    the last bits of a stream): then every file is still the same to the last byte, and the bundle's
    printed SHA-256 is another.
    """
    sound, dice, target = bundle.read_bytes(), random.Random(1), tmp_path / "b.zip"
    sha256, files = verify(bundle)["bundle_sha256"], contents(bundle)
    directory = sound.rindex(b"PK\x01\x02", 0, sound.index(b"PK\x01\x02") + 4)
    places = [*range(60), *range(directory, len(sound), 5), *dice.sample(range(len(sound)), 400)]
    silent = 0
    for place in places:
        target.write_bytes(
            sound[:place] + bytes([sound[place] ^ (1 << dice.randrange(8))]) + sound[place + 1 :]
        )
        found = verify(target)
        assert found["bundle_sha256"] != sha256
        if found["ok"]:
            silent += 1
            assert contents(target) == files, f"byte {place}"
    assert silent < len(places) / 100


def test_bytes_added_or_cut_off_are_found(bundle: Path, tmp_path: Path) -> None:
    sound, target = bundle.read_bytes(), tmp_path / "b.zip"
    for changed in (sound + b"\0", b"\0" + sound, sound[:-1], sound[: len(sound) // 2], b""):
        target.write_bytes(changed)
        assert not verify(target)["ok"]


def test_a_changed_byte_in_each_file_is_found_though_the_zip_was_packed_anew(
    bundle: Path, tmp_path: Path
) -> None:
    """[S-10]"""
    with zipfile.ZipFile(bundle) as archive:
        names = archive.namelist()
    for name in names:
        sound = content(bundle, name)
        for place in {0, len(sound) // 2, len(sound) - 1}:
            changed = sound[:place] + bytes([sound[place] ^ 1]) + sound[place + 1 :]
            found = verify(repacked(bundle, tmp_path / "b.zip", {name: changed}, sums=False))
            assert not found["ok"], (name, place)


def contents(bundle: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(bundle) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def lines_changed(bundle: Path, name: str, change: Any) -> bytes:
    lines = [line.split("\t") for line in content(bundle, name).decode().splitlines()]
    change(lines)
    return ("\n".join("\t".join(line) for line in lines) + "\n").encode()


def set_cell(row: int, column: int, value: str) -> Any:
    def change(lines: list[list[str]]) -> None:
        lines[row][column] = value

    return change


FORGERIES = {
    "a better band score": ("fans-1.tsv", set_cell(1, 2, "0.99"), "the rule gives"),
    "another raw score": ("fans-1.tsv", set_cell(1, 1, "0.2201"), "roster digest"),
    "the same raw score written otherwise": (
        "fans-1.tsv",
        set_cell(1, 1, "0.950"),
        "roster digest",
    ),
    "a fan too few": ("fans-1.tsv", lambda lines: lines.pop(5), "does not hold the fans accepted"),
    "a fan twice": ("fans-1.tsv", lambda lines: lines.insert(5, lines[5]), "one twice"),
    "fans out of order": (
        "fans-1.tsv",
        lambda lines: lines.insert(5, lines.pop(9)),
        "not in order",
    ),
    "a column too many": ("fans-1.tsv", lambda lines: lines[4].append("x"), "too few columns"),
    "a fan_ref that is none": ("fans-1.tsv", set_cell(3, 0, "Z" * 64), "not written as one"),
    "a number that is none": ("fans-1.tsv", set_cell(3, 2, "inf"), "the rule gives"),
    "a member passed over": (
        "waves/20260121.members.tsv",
        lambda lines: lines.pop(3),
        "by the rule it is",
    ),
    "another market": (
        "waves/20260121.members.tsv",
        set_cell(1, 2, "us-nowhere"),
        "by the rule it is",
    ),
    "a stranger among the members": (
        "waves/20260121.members.tsv",
        set_cell(2, 1, "0" * 64),
        "by the rule it is",
    ),
    "another place": ("waves/20260121.members.tsv", set_cell(2, 0, "7"), "by the rule it is"),
    "a member's other score": (
        "waves/20260121.members.tsv",
        set_cell(2, 3, "0.5"),
        "by the rule it is",
    ),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forgery_with_all_sums_made_to_fit_is_found_by_the_rule(
    bundle: Path, tmp_path: Path, forgery: str
) -> None:
    """Who can rewrite the manifest as well is still held by seed, roster digest and rule. [S-8,
    S-9, S-10, W-5]
    """
    name, change, said = FORGERIES[forgery]
    found = verify(
        repacked(bundle, tmp_path / "b.zip", {name: lines_changed(bundle, name, change)})
    )
    assert any(said in problem for problem in found["problems"]), found["problems"]


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("draw.json", DRAW.seed.hex().encode(), b"ff" * 32, "the rule gives"),
        ("draw.json", DRAW.seed.hex().encode(), b"ff" * 32, "the seed was exchanged"),
        ("draw.json", b"8a1f public value", b"8a1f public valuf", "the rule gives"),
        ("draw.json", b'"12345"', b'"12346"', "the rule gives"),
        ("rules.json", b"0.95", b"0.94", "rules this checker knows"),
        ("draw.json", b'"capacity": 5', b'"capacity": 6', "by the rule"),
        ("draw.json", b'"cutoff": 0.97', b'"cutoff": 0.96', "cut-off"),
        ("draw.json", b'"waitlist": 3', b'"waitlist": 4', "miscounted"),
        (
            "draw.json",
            b'"order": "by_preference"',
            b'"order": "by_market_order"',
            "by the rule it is",
        ),
        ("draw.json", b'"high"', b'"hiph"', "does not know"),
    ],
)
def test_a_changed_rule_or_secret_is_found(
    bundle: Path, tmp_path: Path, name: str, old: bytes, new: bytes, said: str
) -> None:
    sound = content(bundle, name)
    assert old in sound
    found = verify(repacked(bundle, tmp_path / "b.zip", {name: sound.replace(old, new)}))
    assert any(said in problem for problem in found["problems"]), found["problems"]


def page_changed(bundle: Path, change: Any) -> dict[str, bytes | None]:
    page = json.loads(content(bundle, "draw.json"))
    change(page)
    return {"draw.json": json.dumps(page).encode()}


def test_a_score_file_that_is_left_out_is_missed(bundle: Path, tmp_path: Path) -> None:
    """[S-10, X-2] Score files are numbered without a gap; whoever was drawn has their line."""
    gap = page_changed(bundle, lambda page: page["attempts"].pop(0))
    found = verify(repacked(bundle, tmp_path / "b.zip", gap))
    assert any("A score file is left out" in problem for problem in found["problems"])
    failed = page_changed(bundle, lambda page: page["attempts"][0].update(state="failed"))
    found = verify(repacked(bundle, tmp_path / "b.zip", failed | {"fans-1.tsv": None}))
    assert any("never drawn" in problem for problem in found["problems"]), found["problems"]


def test_missing_and_extra_files_are_found(bundle: Path, tmp_path: Path) -> None:
    for changes in (
        {"waves/20260121.members.tsv": None},
        {"fans-1.tsv": None},
        {"more.txt": b"hello"},
    ):
        assert not verify(repacked(bundle, tmp_path / "b.zip", changes))["ok"], changes


def test_markets_that_do_not_follow_from_what_a_fan_asked_for_are_wrong(
    bundle: Path, tmp_path: Path
) -> None:
    """Other ones, in another order, none though one is in the wave, or one too few. [S-10, W-5]"""
    lines = content(bundle, "fans-1.tsv").decode().splitlines()
    cells = [line.split("\t") for line in lines]
    row = next(n for n, line in enumerate(cells) if line[3:5] == ["us-west|us-east"] * 2)
    for cell in (
        "us-west|elsewhere",
        "us-east|us-west",
        "us-west|us-east|us-south",
        "us-west",
        "!no_market_wanted",
        "=us-west",
        "+us-west|us-east",
    ):
        other = lines_changed(bundle, "fans-1.tsv", set_cell(row, 4, cell))
        found = verify(repacked(bundle, tmp_path / "b.zip", {"fans-1.tsv": other}))
        said = [problem for problem in found["problems"] if "does not follow from" in problem]
        assert said or cell == "=us-west", (cell, found["problems"])
        assert found["problems"], cell


def test_it_is_anchored_in_what_was_published_before(bundle: Path, tmp_path: Path) -> None:
    """A forger who draws anew and packs a flawless bundle is caught by what was known earlier.
    [S-8, S-10]
    """
    published = make_bundle(tmp_path / "sound.zip")
    (tmp_path / "draw.json").write_text(json.dumps(published))
    anchored = ("--published", str(tmp_path / "draw.json"), "--commitment", DRAW.commitment)
    assert verify(tmp_path / "sound.zip", *anchored)["problems"] == []

    drawn_again = Draw(DRAW.campaign_id, bytes(32), DRAW.salt, DRAW.entropy)
    make_bundle(tmp_path / "forged.zip", draw=drawn_again)
    found = verify(tmp_path / "forged.zip")
    assert found["ok"]
    assert any("without --published" in each["why"] for each in found["unchecked"])
    assert not verify(tmp_path / "forged.zip", "--commitment", DRAW.commitment)["ok"]
    problems = verify(tmp_path / "forged.zip", *anchored[:2])["problems"]
    assert any("the page said that commitment" in problem for problem in problems)

    make_bundle(tmp_path / "other.zip", 61)
    problems = verify(tmp_path / "other.zip", *anchored[:2])["problems"]
    assert any("score file 1 roster_digest" in problem for problem in problems)


def test_who_holds_the_salt_can_find_a_fan_by_id_and_check_all_references(
    bundle: Path, tmp_path: Path
) -> None:
    """[S-8]"""
    (tmp_path / "salt").write_text(DRAW.salt.hex() + "\n")
    (tmp_path / "ids").write_text("".join(f"fan-{number}-é\n" for number in range(60)))
    salted = ("--salt-file", str(tmp_path / "salt"))
    found = verify(bundle, *salted, "--id", "fan-7-é", "--ids", str(tmp_path / "ids"))
    assert found["problems"] == []
    assert found["fan"]["fan_ref"] == DRAW.fan_ref("fan-7-é")
    assert found["fan"]["score_files"][0]["waves"][0]["wave"] == "20260121"
    assert not any("one reference" in each["why"] for each in found["unchecked"])
    (tmp_path / "ids").write_text("fan-7-é\n")
    problems = verify(bundle, *salted, "--ids", str(tmp_path / "ids"))["problems"]
    assert problems == ["fans-1.tsv: 59 references belong to none of the 1 ids."]
    (tmp_path / "salt").write_text("00" * 32)
    assert len(verify(bundle, *salted)["problems"]) == 1


def test_a_fan_can_check_that_the_reference_is_bound_to_their_id(bundle: Path) -> None:
    """[S-8]"""
    mine = ("--fan", DRAW.fan_ref("fan-7-é"), "--nonce", DRAW.fan_nonce("fan-7-é").hex())
    assert verify(bundle, *mine, "--id", "fan-7-é")["ok"]
    problems = verify(bundle, *mine, "--id", "fan-8-é")["problems"]
    assert problems == ["This reference does not belong to this id and nonce."]


def test_every_fan_learns_their_place(bundle: Path) -> None:
    """Place, band, market or waitlist place agree with the members' list, for every single fan.
    [S-10, W-5]
    """
    drawn = draw_frame(fans(60), DRAW)
    listed = [
        line.split("\t")
        for line in content(bundle, "waves/20260121.members.tsv").decode().splitlines()[1:]
    ]
    markets = {fan_ref: (int(place), market) for place, fan_ref, market, _ in listed}
    waiting = []
    for fan_ref, band in drawn.select("fan_ref", "band").iter_rows():
        file = verify(bundle, "--fan", fan_ref)["fan"]["score_files"][0]
        wave = file["waves"][0]
        assert file["band"] == band
        assert (wave["place"], wave["market"]) == markets.get(fan_ref, (wave["place"], None))
        if wave["place"] is not None and wave["market"] is None:
            waiting.append((file["band_score"], wave["waitlist_place"]))
    assert [place for _, place in sorted(waiting, reverse=True)] == list(
        range(1, 48 - len(markets) + 1)
    )


def test_a_fan_reads_plain_words(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fan_ref = content(bundle, "waves/20260121.members.tsv").decode().splitlines()[1].split("\t")[1]
    assert verify_draw.main([str(bundle), "--fan", fan_ref]) == 0
    said = capsys.readouterr().out
    assert "place 1 of 48 candidates; selected for market us-" in said
    assert "Wave 20260122: not a candidate (already in wave)." in said
    assert verify_draw.main([str(bundle), "--fan", "0" * 64]) == 0
    assert "No accepted row has the fan_ref" in capsys.readouterr().out


def test_s10_what_is_no_reference_is_a_wrong_call(tmp_path, capsys):
    bundle = tmp_path / "bundle.zip"
    bundle.write_bytes(b"")
    with pytest.raises(SystemExit) as stopped:
        verify_draw.main([str(bundle), "--fan", "fan-000000001"])
    assert stopped.value.code == 2
    assert "64 hexadecimal digits" in capsys.readouterr().err


def test_equal_band_scores_are_distinguished_by_h(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With scores rounded to two digits on both sides, hundreds tie, and the checker's order is
    still that of h. [S-9]
    """
    exact = verify_draw.band_scores
    monkeypatch.setattr(
        verify_draw,
        "band_scores",
        lambda raws, us: [round(score or 0, 2) for score in exact(raws, us)],
    )
    drawn = draw_frame(fans(400), DRAW).with_columns(pl.col("band_score").round(2))
    make_bundle(tmp_path / "b.zip", drawn=drawn, capacities=(60, 50, 40))
    assert verify(tmp_path / "b.zip")["problems"] == []


def test_exit_codes_say_right_wrong_or_misused(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken.zip"
    broken.write_bytes(bundle.read_bytes()[:-9])
    assert verify_draw.main([str(bundle), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["ok"] is True
    assert verify_draw.main([str(broken)]) == 1
    assert "SOMETHING IS WRONG" in capsys.readouterr().out
    for misuse in ([str(tmp_path / "none.zip")], [str(bundle), "--id", "x"], []):
        with pytest.raises(SystemExit) as ended:
            verify_draw.main(misuse)
        assert ended.value.code == 2


def test_a_zip_of_something_else_is_refused_in_words(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("hello.txt", "hello")
    (tmp_path / "b.zip").write_bytes(buffer.getvalue())
    assert len(verify(tmp_path / "b.zip")["problems"]) == 1


def test_its_bands_end_where_ours_do() -> None:
    """The least and the largest u in every band, and nothing below the lowest. [S-7, S-8]"""
    raws = [band.low for band in BANDS]
    *least, below = verify_draw.band_scores([*raws, 0.2199], [0.0] * 4)
    assert (least, math.isnan(below)) == ([0.95, 0.80, 0.22], True)
    largest = verify_draw.band_scores(raws, [1 - 2**-53] * 3)
    assert largest == [
        min(band.low + (1 - 2**-53) * (band.high - band.low), band.highest) for band in BANDS
    ]
    assert largest[1:] == [MID.highest, LOW.highest]


FORGED_PAGES: dict[str, tuple[Any, str]] = {
    "a supplied draw is denied": (
        lambda page: page.update(draw_supplied=True),
        "the page said that draw_supplied is true",
    ),
    "a wave is selected from a file that is not there": (
        lambda page: page["waves"][0].update(attempt=99),
        "selected from score file 99, which was never drawn",
    ),
    "a market has no end of seats": (
        lambda page: page["waves"][0]["markets"][0].update(capacity=-1),
        "holds -1, which cannot stand there",
    ),
    "a market has half a seat": (
        lambda page: page["waves"][0]["markets"][0].update(room=2.5),
        "holds 2.5, which cannot stand there",
    ),
    "room beyond the capacity": (
        lambda page: page["waves"][0]["markets"][0].update(given=90),
        "by the rule -85",
    ),
    "seats that nobody holds are said to be given": (
        lambda page: page["waves"][1]["markets"][0].update(capacity=12, given=7),
        "7 seats are said to be given, the earlier waves hold 5",
    ),
    "a file that came late is said to be early": (
        lambda page: page["attempts"][1].update(late=False),
        "is late by the times on the page, which does not say so",
    ),
}


@pytest.mark.parametrize("forgery", FORGED_PAGES)
def test_a_page_that_contradicts_itself_or_what_was_saved_is_found(
    tmp_path: Path, forgery: str
) -> None:
    """[S-8, S-10]"""
    change, expected = FORGED_PAGES[forgery]
    made = case(orders=ALL_ORDERS)
    published = made.published
    change(published if "draw_supplied" in expected else made.page)
    (tmp_path / "draw.json").write_text(json.dumps(published))
    made.write(tmp_path / "b.zip")
    found = verify(tmp_path / "b.zip", "--published", str(tmp_path / "draw.json"))
    assert any(expected in problem for problem in found["problems"]), found["problems"]


def test_a_wave_that_the_page_showed_must_be_in_the_bundle(tmp_path: Path) -> None:
    """[S-10]"""
    made = case(orders=ALL_ORDERS)
    (tmp_path / "draw.json").write_text(json.dumps(made.published))
    made.page["waves"].pop()
    del made.cells["20260123"], made.members["20260123"]
    made.write(tmp_path / "b.zip")
    problems = verify(tmp_path / "b.zip", "--published", str(tmp_path / "draw.json"))["problems"]
    assert problems == ["draw.json: the page listed wave 20260123, the bundle does not."]


def test_a_seed_that_was_fished_for_is_not_the_one_committed_to(tmp_path: Path) -> None:
    """Another seed under the published commitment, with all band scores and members made anew.
    [S-8]
    """
    fished = Draw(DRAW.campaign_id, bytes(32), DRAW.salt, DRAW.entropy)
    made = case(draw=fished)
    made.page["commitment"] = DRAW.commitment
    made.write(tmp_path / "b.zip")
    assert verify(tmp_path / "b.zip")["problems"] == [
        "The commitment is not SHA-256(seed): the seed was exchanged."
    ]


def test_fans_who_are_said_to_be_in_a_wave_already_must_be(tmp_path: Path) -> None:
    """That exclusion follows from luck and is not tested by it: so each is looked up. [W-5]"""
    made = case(orders=ALL_ORDERS)
    key = "20260122"
    row = next(row for row, cell in enumerate(made.cells[key]) if cell[:1] != "!")
    made.cells[key][row] = "!already_in_wave"
    made.write(tmp_path / "b.zip")
    problems = verify(tmp_path / "b.zip")["problems"]
    assert any("1 fans are left out as already_in_wave whom no" in each for each in problems)


def test_fans_whom_a_wave_holds_are_no_candidates_of_another(tmp_path: Path) -> None:
    """[K-6, W-5]"""
    made = case(orders=ALL_ORDERS)
    key = "20260122"
    row = made.cells[key].index("!already_in_wave")
    made.cells[key][row] = made.cells["20260121"][row]
    made.write(tmp_path / "b.zip")
    problems = verify(tmp_path / "b.zip")["problems"]
    assert any("1 fans whom an earlier wave holds are not left out" in each for each in problems)
