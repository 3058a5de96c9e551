#!/usr/bin/env python3
# ruff: noqa: T201, B905 -- it prints, and runs on Python 3.8 (so no zip(strict=), and typing for what is no annotation)
"""Checks the proof bundle of a draw. Needs nothing but Python 3.8 or newer; it shares no code with the system that drew.

    python verify_draw.py bundle.zip                         check everything that can be checked by anybody
    python verify_draw.py bundle.zip --fan FAN_REF           … and say where this fan stands, and why
    python verify_draw.py bundle.zip --published draw.json   … against what the draw's public page said earlier
    python verify_draw.py bundle.zip --commitment HEX        … against the commitment alone
    python verify_draw.py bundle.zip --salt-file FILE [--id GLOBAL_USER_ID]   for support and auditors, who hold the salt

It ends with 0 if all is right, 1 if anything is not, 2 if it was called wrongly. `--json` prints one object instead of words.
"""

from __future__ import annotations

import argparse
import hashlib
import hmac
import json
import re
import struct
import sys
import zipfile
import zlib
from array import array
from collections import defaultdict
from collections.abc import Iterator
from itertools import count, islice
from operator import eq, lt
from typing import Any, Dict, List, Tuple  # noqa: UP035

BLOCK = 1 << 20
FANS_COLUMNS = ["fan_ref", "raw_score", "band_score", "preferences"]
MEMBERS_HEADER = b"place\tfan_ref\tmarket_id\tband_score\n"
DRAWN = ("streamed", "saved")
HIGH, MID, LOW = 0.95, 0.80, 0.22
BELOW_HIGH, BELOW_MID = 0.9499999999999998, 0.7999999999999999  # the doubles next below
RULES = {
    "bands": [
        {"name": "high", "from_raw": HIGH, "low": HIGH, "high": 1.0},
        {"name": "mid", "from_raw": MID, "low": MID, "high": HIGH},
        {"name": "low", "from_raw": LOW, "low": LOW, "high": MID},
    ],
    "key": "HMAC-SHA256(seed, entropy value in UTF-8, or nothing)",
    "h": "HMAC-SHA256(key, campaign_id + 0x1f + fan_ref)",
    "u": "(first 64 bits of h, big-endian, >> 11) / 2^53",
    "band_score": "low + u * (high - low) in IEEE doubles; for mid and low at most the double below high",
    "order": "band score descending, then h descending, then fan_ref",
    "commitment": "SHA-256(seed)",
    "fan_ref": "SHA-256(HMAC-SHA256(salt, global_user_id) + global_user_id) in hex",
}
Json = Dict[str, Any]  # noqa: UP006


UNREADABLE = (
    zipfile.BadZipFile, zlib.error, struct.error, ValueError, KeyError, TypeError, AttributeError, IndexError,
    EOFError, NotImplementedError, RuntimeError, OSError, OverflowError,
)  # fmt: skip


class Broken(Exception):
    """The bundle cannot be read any further."""


class Report:
    """What was checked, what is wrong, what only others can check."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.passed: list[str] = []
        self.checked = {"files": 0, "attempts": 0, "fans": 0, "waves": 0, "members": 0}
        self.bundle_sha256 = ""
        self.fan: Json | None = None
        self.on_trust: list[str] = []

    def expect(self, right: bool, problem: str) -> None:
        if not right:
            self.problems.append(problem)

    def note(self, problems_before: int, passed: str) -> None:
        """Say that something passed if no problem has come up since."""
        if len(self.problems) == problems_before:
            self.passed.append(passed)

    def as_json(self) -> Json:
        found: Json = {"ok": not self.problems, "bundle_sha256": self.bundle_sha256, "checked": self.checked}
        found.update(problems=self.problems, passed=self.passed, on_trust=self.on_trust)
        if self.fan is not None:
            found["fan"] = self.fan
        return found


class Bundle:
    """The zip: every file is read once, and its SHA-256 compared with the manifest's as it is read."""

    def __init__(self, path: str, report: Report) -> None:
        self.report = report
        report.bundle_sha256 = sha256_of(path)
        self.zip = zipfile.ZipFile(path)
        self.unread = [entry.filename for entry in self.zip.infolist()]
        self.files: dict[str, str] = {}
        if len(set(self.unread)) != len(self.unread):
            raise Broken("The zip holds two files of one name.")
        check_container(path, self.zip)
        noted = self.read("manifest.sha256").decode()
        manifest = self.read("manifest.json")
        if noted != hashlib.sha256(manifest).hexdigest() + "\n":
            raise Broken("manifest.json is not the file that manifest.sha256 names: one of the two was changed.")
        self.manifest: Json = json.loads(manifest)
        if (self.manifest["format"], self.manifest["version"]) != ("fairwave-proof", 1):
            raise Broken("This checker knows version 1 of the bundle only: use the one inside the bundle.")
        self.files = self.manifest["files"]
        there = set(self.unread)
        report.expect(there == set(self.files), f"Files missing or too many: {sorted(there ^ set(self.files))}.")

    def read(self, name: str) -> bytes:
        return b"".join(self.parts(name))

    def read_json(self, name: str) -> Any:
        return json.loads(self.read(name))

    def parts(self, name: str) -> Iterator[bytes]:
        if name not in self.unread:
            raise Broken(f"{name} is missing, or named twice.")
        self.unread.remove(name)
        digest = hashlib.sha256()
        with self.zip.open(name) as file:
            for part in iter(lambda: file.read(BLOCK), b""):
                digest.update(part)
                yield part
        self.report.checked["files"] += 1
        if name in self.files:
            self.report.expect(
                self.files[name] == digest.hexdigest(), f"{name} was changed: its SHA-256 is not the manifest's."
            )

    def lines(self, name: str, header: bytes) -> Iterator[bytes]:
        """Blocks of whole lines below the header."""
        rest, begun = b"", False
        for part in self.parts(name):
            whole, newline, rest = (rest + part).rpartition(b"\n")
            block = whole + newline
            if not begun and block:
                if not block.startswith(header):
                    raise Broken(f"{name} does not begin with the columns it should have.")
                begun, block = True, block[len(header) :]
            if block:
                yield block
        if rest or not begun:
            raise Broken(f"{name} has no header, or ends in the middle of a line.")


def check_container(path: str, archive: zipfile.ZipFile) -> None:
    """Nothing hides between the files, in a date or in an attribute: every byte of the zip's frame is as it must be."""
    entries, frame, position = archive.infolist(), b"", 0
    if any(entry.file_size >> 31 for entry in entries) or archive.start_dir >> 32:
        return  # such sizes are written in another form
    with open(path, "rb") as file:  # noqa: PTH123
        for entry in entries:
            name, sizes = entry.filename.encode(), (entry.CRC, entry.compress_size, entry.file_size)
            common = struct.pack("<5H3L2H", 20, 0, entry.compress_type, 0, 33, *sizes, len(name), 0)
            file.seek(position)
            if file.read(30 + len(name)) != b"PK\3\4" + common + name:
                raise Broken(f"The zip's entry for {entry.filename} is not as a bundle's is: it was packed again, or changed.")
            frame += b"PK\1\2\x14\3" + common + struct.pack("<3H2L", 0, 0, 0, 0o644 << 16, position) + name
            position += 30 + len(name) + entry.compress_size
        file.seek(position)
        if file.read() != frame + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, len(entries), len(entries), len(frame), position, 0):
            raise Broken("The zip's directory is not as a bundle's is: it was packed again, or changed.")


def sha256_of(path: str) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:  # noqa: PTH123
        for part in iter(lambda: file.read(BLOCK), b""):
            digest.update(part)
    return digest.hexdigest()


class Fans:
    """The fans of one score file as columns (40 bytes a fan, and 4 for each wave), in order of their fan_ref."""

    def __init__(self, bundle: Bundle, attempt: Json, waves: list[Json], wanted: bytes | None) -> None:
        manifest, self.name = bundle.manifest, attempt["fans_file"]
        self.report, self.waves, self.wanted = bundle.report, waves, wanted
        key = hmac.new(bytes.fromhex(manifest["seed"]), (manifest["entropy_value"] or "").strip().encode(), "sha256").digest()
        padded = key.ljust(64, b"\0")
        self.inner = hashlib.sha256(bytes(b ^ 0x36 for b in padded) + manifest["campaign_id"].encode() + b"\x1f")
        self.outer = hashlib.sha256(bytes(b ^ 0x5C for b in padded))
        self.refs, self.scores, self.last = bytearray(), array("d"), b""
        self.bands = {"high": 0, "mid": 0, "low": 0}
        self.roster, self.min_score, self.found = hashlib.sha256(), attempt["min_score"], None  # type: Any, float, Json | None
        self.cell_ids: dict[bytes, int] = defaultdict(count().__next__)
        self.cells = {wave["date_key"]: array("I") for wave in waves}
        self.pairs: dict[str, set[tuple[bytes, bytes]]] = {wave["date_key"]: set() for wave in waves}
        columns = FANS_COLUMNS + ["wave " + wave["date_key"] for wave in waves]
        for block in bundle.lines(self.name, "\t".join(columns).encode() + b"\n"):
            self.take(block, len(columns) + 1)
        self.report.expect(
            self.roster.hexdigest() == attempt["roster_digest"], f"{self.name}: its roster digest is not the one published."
        )
        self.report.expect(
            len(self.scores) == attempt["accepted"],
            f"{self.name} does not hold the fans accepted: {len(self.scores)} of {attempt['accepted']}.",
        )
        self.report.expect(self.bands == attempt["bands"], f"{self.name}: the bands hold other numbers of fans than published.")

    def take(self, block: bytes, width: int) -> None:
        """Check one block of lines, column by column: that is several times as fast as line by line."""
        flat, rows, before = block.replace(b"\n", b"\t\n\t").split(b"\t"), block.count(b"\n"), len(self.scores)
        flat.pop()
        if len(flat) != rows * width or flat[width - 1 :: width].count(b"\n") != rows:
            raise Broken(f"{self.name}: a line after line {before + 1} has too many or too few columns.")
        refs, raws, written, preferences = (flat[column::width] for column in range(4))
        joined = b"".join(refs)
        plain = set(map(len, refs)) == {64} and not joined.translate(None, b"0123456789abcdef")
        if not plain or b"".join(raws + written).translate(None, b"0123456789.+-eE"):
            raise Broken(f"{self.name}: after line {before + 1} a fan_ref or a number is not written as one.")
        self.report.expect(
            self.last < refs[0] and all(map(lt, refs, refs[1:])), f"{self.name}: fans not in order, or one twice."
        )
        self.roster.update(b"\n".join(map(b"\t".join, zip(refs, raws, preferences))) + b"\n")
        self.refs += bytes.fromhex(joined.decode())
        self.last = refs[-1]
        numbers, scores = list(map(float, raws)), array("d", map(float, written))
        due = band_scores(numbers, self.luck(refs))
        if scores.tolist() != due:
            row = next(row for row in range(rows) if scores[row] != due[row])
            given, ref = written[row].decode(), refs[row].decode()
            self.report.problems.append(f"{self.name}, fan_ref {ref}: the band score is {given}, the rule gives {due[row]}.")
        self.report.expect(min(numbers) >= self.min_score and max(numbers) <= 1, f"{self.name}: a raw score is out of range.")
        self.count_bands(numbers)
        self.scores.extend(scores)
        for column, wave in enumerate(self.waves, 4):
            self.take_wave(wave, numbers, preferences, flat[column::width])
        if self.wanted in refs:
            row = refs.index(self.wanted)
            self.found = {"row": before + row, "raw_score": raws[row].decode(), "preferences": preferences[row].decode()}

    def take_wave(self, wave: Json, numbers: list[float], preferences: list[bytes], cells: list[bytes]) -> None:
        name = wave["date_key"]
        self.cells[name].extend(map(self.cell_ids.__getitem__, cells))
        self.pairs[name].update(zip(preferences, cells))
        if wave["min_score"] > LOW:
            low = any(number < wave["min_score"] and cell[:1] != b"!" for number, cell in zip(numbers, cells))
            self.report.expect(not low, f"Wave {name}: a candidate's raw score is below its minimum.")

    def count_bands(self, numbers: list[float]) -> None:
        high, mid = sum(map(HIGH.__le__, numbers)), sum(map(MID.__le__, numbers))
        for band, fans in (("high", high), ("mid", mid - high), ("low", len(numbers) - mid)):
            self.bands[band] += fans

    def digests(self, refs: list[bytes]) -> Iterator[bytes]:
        inner, outer = self.inner.copy, self.outer.copy
        for ref in refs:
            inside, outside = inner(), outer()
            inside.update(ref)
            outside.update(inside.digest())
            yield outside.digest()

    def luck(self, refs: list[bytes]) -> list[float]:
        """u of each fan, in [0, 1)."""
        words = array("Q", b"".join(self.digests(refs)))[::4]
        if sys.byteorder == "little":
            words.byteswap()
        return [(word >> 11) * 2.0**-53 for word in words]

    def ref(self, row: int) -> str:
        return self.refs[row * 32 : row * 32 + 32].hex()

    def in_order(self) -> list[int]:
        """Rows, best first. h is asked only where band scores are equal, for within a band it grows with them."""
        scores = self.scores
        order = sorted(range(len(scores)), key=scores.__getitem__, reverse=True)
        ranked = scores.__getitem__
        if any(map(eq, map(ranked, order), map(ranked, islice(order, 1, None)))):
            order.sort()  # the rows stand in order of their fan_ref
            order.sort(key=lambda row: (scores[row], *self.digests([self.ref(row).encode()])), reverse=True)
        return order


def band_scores(raws: list[float], us: list[float]) -> list[float | None]:
    high, mid, low = 1.0 - HIGH, HIGH - MID, MID - LOW
    return [
        HIGH + u * high if raw >= HIGH
        else min(MID + u * mid, BELOW_HIGH) if raw >= MID
        else min(LOW + u * low, BELOW_MID) if raw >= LOW
        else None
        for raw, u in zip(raws, us)
    ]  # fmt: skip


Members = List[Tuple[int, int, str]]  # noqa: UP006 -- place, row, market


class Selection:
    """One wave selected anew from its candidates."""

    def __init__(self, wave: Json, fans: Fans, order: list[int]) -> None:
        self.wave, self.fans, self.cells = wave, fans, fans.cells[wave["date_key"]]
        self.wishes = {number: cell.decode().split("|") for cell, number in fans.cell_ids.items() if cell[:1] != b"!"}
        self.candidates = [row for row in order if self.cells[row] in self.wishes]
        self.room = {market["market_id"]: market["capacity"] for market in wave["markets"]}
        self.members = self.by_preference() if wave["order"] == "by_preference" else self.market_by_market()

    def by_preference(self) -> Members:
        """Each fan in turn takes the first market of theirs that has room."""
        members, room, firsts, cells = [], self.room, {}, self.cells  # type: Members, Dict[str, int], Dict[int, str | None], Any
        for place, row in enumerate(self.candidates, 1):
            cell = cells[row]
            if cell not in firsts:
                firsts[cell] = next((market for market in self.wishes[cell] if room[market]), None)
            market = firsts[cell]
            if market is not None:
                members.append((place, row, market))
                room[market] -= 1
                if not room[market]:
                    firsts.clear()
                    if not any(room.values()):
                        break
        return members

    def market_by_market(self) -> Members:
        """Each market in turn takes the best who want it and are still free."""
        taken: dict[int, tuple[int, int, str]] = {}
        for market in self.room:
            wanting = {cell for cell, wishes in self.wishes.items() if market in wishes}
            free = ((at, row) for at, row in enumerate(self.candidates, 1) if row not in taken and self.cells[row] in wanting)
            for place, row in islice(free, self.room[market]):
                taken[row] = (place, row, market)
                self.room[market] -= 1
        return sorted(taken.values())

    def check(self, bundle: Bundle, seen: dict[str, str]) -> None:
        name, report = "Wave " + self.wave["date_key"], bundle.report
        self.check_wishes(report)
        due = [(str(at), self.fans.ref(row), market, self.fans.scores[row]) for at, row, market in self.members]
        listed = [
            line.split("\t")
            for block in bundle.lines(self.wave["members_file"], MEMBERS_HEADER)
            for line in block.decode().splitlines()
        ]
        given = [(at, ref, market, float(score)) for at, ref, market, score in listed]
        if given != due:
            row = next((row for row, pair in enumerate(zip(given, due)) if pair[0] != pair[1]), min(len(given), len(due)))
            there, right_one = given[row : row + 1] or "nobody", due[row : row + 1] or "nobody"
            report.problems.append(f"{name}: member {row + 1} is {there}, by the rule it is {right_one}.")
        for market in self.wave["markets"]:
            scores = [score for _, _, where, score in due if where == market["market_id"]]
            cutoff = min(scores) if scores and len(scores) == market["capacity"] else None
            right = (market["selected"], market["cutoff"]) == (len(scores), cutoff)
            report.expect(
                right, f"{name}, market {market['market_id']}: by the rule {len(scores)} are selected, cut-off {cutoff}."
            )
        counts = (self.wave["candidates"], self.wave["waitlist"])
        report.expect(
            counts == (len(self.candidates), len(self.candidates) - len(due)), f"{name}: candidates or waitlist miscounted."
        )
        for _, ref, _, _ in due:
            report.expect(seen.setdefault(ref, name) == name, f"{name} and {seen[ref]} both hold fan_ref {ref}.")
        report.checked["members"] += len(due)

    def check_wishes(self, report: Report) -> None:
        """What a fan was eligible for is part of what they asked for, in their order, and in the wave at all."""
        markets, name = list(self.room), self.wave["date_key"]
        changed = 0
        for asked, cell in self.fans.pairs[name]:
            eligible = cell.decode().split("|")
            if cell[:1] != b"!":
                report.expect(set(eligible) <= set(markets), f"Wave {name}: eligible for {cell.decode()}, not all in the wave.")
                wishes = iter(asked.decode().split("|") if asked else markets)
                changed += not all(market in wishes for market in eligible)
        if changed:
            report.on_trust.append(f"Wave {name}: {changed} wishes differ from what the same fans ask for now: changed since?")

    def standing(self, row: int) -> Json:
        cell = next(cell for cell, number in self.fans.cell_ids.items() if number == self.cells[row]).decode()
        found: Json = {"wave": self.wave["date_key"], "market": None, "waitlist_place": None, "place": None}
        found["cutoffs"] = {market["market_id"]: market["cutoff"] for market in self.wave["markets"]}
        if cell[0] == "!":
            return dict(found, why_not=cell[1:])
        place = self.candidates.index(row) + 1
        found.update(place=place, of=len(self.candidates), eligible=cell.split("|"))
        found["market"] = next((market for _, member, market in self.members if member == row), None)
        if found["market"] is None:
            found["waitlist_place"] = place - sum(at < place for at, _, _ in self.members)
        return found


def check(path: str, options: argparse.Namespace) -> Report:
    """Everything, as far as it goes: what cannot be read is a problem like any other."""
    report = Report()
    try:
        check_bundle(Bundle(path, report), options)
    except Broken as error:
        report.problems.append(str(error))
    except UNREADABLE as error:
        report.problems.append(f"The bundle cannot be read: {type(error).__name__}: {error}")
    return report


def check_bundle(bundle: Bundle, options: argparse.Namespace) -> None:
    report, manifest = bundle.report, bundle.manifest
    bundle.read("README.txt")
    bundle.read("verify_draw.py")
    report.expect(bundle.read_json("rules.json") == RULES, "rules.json does not hold the rules this checker knows.")
    attempts = bundle.read_json("attempts.json")
    numbers = [attempt["attempt"] for attempt in attempts]
    report.expect(numbers == list(range(1, len(numbers) + 1)), f"A score file is left out: the numbers are {numbers}.")
    hidden = [attempt["attempt"] for attempt in attempts if attempt["state"] in DRAWN and not attempt["fans_file"]]
    report.expect(not hidden, f"Score files {hidden} were drawn, but their fans are left out.")
    check_anchors(report, manifest, attempts, options)
    waves = [bundle.read_json(name) for name in manifest["waves"]]
    fan = options.fan and options.fan.strip().lower()
    if options.id is not None and options.salt is not None:
        nonce = hmac.new(options.salt, options.id.encode(), "sha256").digest()
        fan = hashlib.sha256(nonce + options.id.encode()).hexdigest()
    standing: Json = {"fan_ref": fan, "score_files": []}
    seen: dict[str, str] = {}
    for attempt in attempts:
        if attempt["fans_file"]:
            mine = [wave for wave in waves if wave["attempt"] == attempt["attempt"]]
            check_attempt(bundle, attempt, mine, seen, standing)
    for wave in waves:
        if wave["attempt"] is None:
            b"".join(bundle.parts(wave["members_file"]))
            report.on_trust.append(
                "Wave {} was put together elsewhere: its members are listed, not selected by the draw.".format(wave["date_key"])
            )
    report.expect(not bundle.unread, "Files nobody speaks of: {}.".format(", ".join(bundle.unread)))
    if not any(problem.endswith("the manifest's.") for problem in report.problems):
        report.passed.append("Each file is the one the manifest names.")
    report.on_trust.append(
        "Which markets a fan was eligible for (in time, reachable) follows from personal data: each can check their own."
    )
    if fan is not None:
        report.fan = standing


def check_attempt(bundle: Bundle, attempt: Json, waves: list[Json], seen: dict[str, str], standing: Json) -> None:
    """One score file's fans, and the waves selected from it."""
    fan, problems = standing["fan_ref"], len(bundle.report.problems)
    fans = Fans(bundle, attempt, waves, fan.encode() if fan else None)
    report, found = bundle.report, fans.found
    report.checked["attempts"] += 1
    report.checked["fans"] += len(fans.scores)
    report.note(problems, f"Score file {attempt['attempt']}: {len(fans.scores)} band scores and the roster digest.")
    order = fans.in_order() if waves else []
    if found is not None:
        score = fans.scores[found["row"]]
        band = "high" if score >= HIGH else "mid" if score >= MID else "low"
        found.update(attempt=attempt["attempt"], band=band, band_score=score, waves=[])
        standing["score_files"].append(found)
    for wave in waves:
        selection, problems = Selection(wave, fans, order), len(report.problems)
        selection.check(bundle, seen)
        report.checked["waves"] += 1
        report.note(
            problems, f"Wave {wave['date_key']}: {len(selection.members)} members of {len(selection.candidates)} candidates."
        )
        if found is not None:
            found["waves"].append(selection.standing(found["row"]))


def check_anchors(report: Report, manifest: Json, attempts: list[Json], options: argparse.Namespace) -> None:
    """What was public before the bundle was, and what only the salt can show."""
    commitment, anchored = manifest["commitment"], False
    if options.commitment is not None:
        report.expect(options.commitment.strip().lower() == commitment, "The commitment is not the one you were given.")
        anchored = True
    if options.published is not None:
        check_published(report, manifest, attempts, options.published)
        anchored = True
    if not anchored:
        report.on_trust.append(f"Compare the commitment with the one published when registration opened: {commitment}")
    problems, mine = len(report.problems), hashlib.sha256(bytes.fromhex(manifest["seed"])).hexdigest()
    report.expect(mine == commitment, "The commitment is not SHA-256(seed): the seed was exchanged.")
    report.note(problems, "The commitment is SHA-256(seed).")
    if options.salt is None:
        report.on_trust.append("Who holds the salt (support, an auditor) can check with --salt-file whose a fan_ref is.")
        return
    report.expect(hashlib.sha256(options.salt).hexdigest() == manifest["salt_sha256"], "This is not the salt of this draw.")


def check_published(report: Report, manifest: Json, attempts: list[Json], published: Json) -> None:
    problems = len(report.problems)
    for name in ("campaign_id", "commitment", "entropy_source"):
        report.expect(published[name] == manifest[name], f"The public page said another {name}: {published[name]}.")
    known = {attempt["attempt"]: attempt for attempt in attempts}
    for earlier in published["attempts"]:
        later = known.get(earlier["attempt"], {})
        for name in ("sha256", "rules_digest", "roster_digest"):
            right = not earlier[name] or earlier[name] == later.get(name)
            report.expect(right, "The public page said another {} of score file {}.".format(name, earlier["attempt"]))
    report.note(problems, "Commitment and score files are those the public page showed.")


def in_words(report: Report) -> Iterator[str]:
    for line in report.passed:
        yield "OK      " + line
    for line in report.problems:
        yield "WRONG   " + line
    for line in report.on_trust:
        yield "NOTE    " + line
    if report.fan is not None:
        for line in fan_in_words(report.fan):
            yield "FAN     " + line
    yield "SHA-256 of this bundle: " + report.bundle_sha256
    checked = report.checked
    amount = "{files} files, {fans} band scores, {waves} waves, {members} members checked".format(**checked)
    yield f"SOMETHING IS WRONG ({amount})." if report.problems else f"All is as it should be: {amount}."


def fan_in_words(fan: Json) -> Iterator[str]:
    if not fan["score_files"]:
        yield "No accepted row has the fan_ref {}.".format(fan["fan_ref"])
    for file in fan["score_files"]:
        yield "Score file {attempt}: raw score {raw_score}, band {band}, band score {band_score!r}.".format(**file)
        for wave in file["waves"]:
            yield "Wave {}: {}".format(wave["wave"], wave_in_words(wave))


def wave_in_words(wave: Json) -> str:
    if wave["place"] is None:
        return "not a candidate ({}).".format(wave["why_not"].replace("_", " "))
    place = f"place {wave['place']} of {wave['of']} candidates; "
    if wave["market"] is not None:
        return place + "selected for market {}.".format(wave["market"])
    cutoffs = ", ".join("{} at {!r}".format(market, wave["cutoffs"][market]) for market in wave["eligible"])
    return place + f"not selected, number {wave['waitlist_place']} of the waitlist; cut-offs: {cutoffs}."


def options_of(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Checks the proof bundle of a draw.")
    parser.add_argument("bundle", help="the zip")
    parser.add_argument("--fan", metavar="FAN_REF", help="also say where this fan stands")
    parser.add_argument("--commitment", metavar="HEX", help="the commitment as published when the campaign opened")
    parser.add_argument("--published", metavar="FILE", help="draw.json as the public page gave it earlier")
    parser.add_argument("--salt-file", metavar="FILE", help="the salt as 64 hex digits, for support and auditors")
    parser.add_argument("--id", metavar="GLOBAL_USER_ID", help="with --salt-file: the fan by id")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of words")
    options = parser.parse_args(arguments)
    options.salt = None
    if options.id is not None and options.salt_file is None:
        parser.error("--id needs --salt-file")
    if options.fan is not None and not re.fullmatch("[0-9a-f]{64}", options.fan.strip().lower()):
        parser.error("--fan takes a FAN_REF: 64 hexadecimal digits, as a fan was told them")
    try:
        with open(options.bundle, "rb"):  # noqa: PTH123
            pass
        if options.published is not None:
            with open(options.published, encoding="utf-8") as file:  # noqa: PTH123
                options.published = json.load(file)
        if options.salt_file is not None:
            with open(options.salt_file, encoding="ascii") as file:  # noqa: PTH123
                options.salt = bytes.fromhex(file.read().strip())
    except (OSError, ValueError) as error:
        parser.error(str(error))
    return options


def main(arguments: list[str] | None = None) -> int:
    options = options_of(arguments)
    report = check(options.bundle, options)
    if options.json:
        print(json.dumps(report.as_json()))
    else:
        print("\n".join(in_words(report)))
    return 1 if report.problems else 0


if __name__ == "__main__":
    sys.exit(main())
