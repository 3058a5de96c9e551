#!/usr/bin/env python3
# ruff: noqa: T201, B905 -- it prints, and runs on Python 3.9 (so no zip(strict=))
"""Checks the proof of a draw. Needs nothing but Python 3.9 or newer; it shares no code with the system that drew.

    python verify_draw.py proof.zip                          check everything that anybody can check
    python verify_draw.py proof.zip --published draw.json    … against the public page as it was saved earlier (may be given often)
    python verify_draw.py proof.zip --commitment HEX         … against the commitment alone
    python verify_draw.py proof.zip --fan FAN_REF            … and say where this fan stands, and why
    python verify_draw.py proof.zip --fan FAN_REF --nonce HEX --id ID    … and that the reference is bound to this id
    python verify_draw.py proof.zip --salt-file FILE [--id ID | --ids FILE]   for auditors, who hold the salt (and a list of all ids)
    python verify_draw.py --recount FACTS CLAIM              used by the system itself: count a wave again before it is approved

It ends with 0 if nothing is wrong, 1 if anything is, 2 if it was called wrongly. `--json` prints one object instead of words.
It reads the bundle within bounds, runs nothing that is in it, and writes no file.

From top to bottom: Report (what was found) · Archive (the zip, read within bounds) · parse_json and misfit (the shapes of what may
stand in it) · Luck and Roster (fans as columns: luck, band scores, order) · Fans (one score file of the bundle) · Eligible (the
markets of candidates) · select (who gets a seat) · Selection (one wave selected anew) · Taken and Earlier (what earlier waves left
to a wave) · Exclusions (why the others were no candidates, and whether luck had a part in it) · check_draw (the page in itself) ·
Saved (the page against its saved copies) · leave_what_cannot_be_checked · check_bundle (all of it, in order) · Shards (the root of
the small files that browsers read) · Places (each candidate's place and market in them) · in_words · Recount (one wave counted again
before it is approved) · main.
"""

from __future__ import annotations

import argparse
import hashlib
import hmac
import json
import math
import re
import struct
import sys
import zipfile
import zlib
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import cached_property
from itertools import accumulate, compress, count, groupby, islice, repeat
from operator import eq, ge, lt, not_
from pathlib import Path
from typing import Any, BinaryIO

Json = dict[str, Any]
Members = list[tuple[int, int, str]]  # place, row, market
FORMAT, VERSION, SCHEME = "fairwave-proof", 2, 2
BLOCK, BLOCK_OF_FANS = 1 << 20, 10_000
MOST_FILES, MOST_DIRECTORY = 4_000, 1 << 20
MOST_JSON = 32 << 20  # bytes of one JSON file
MOST_EXPANDED, MOST_UNPACKED = 100, 64 << 20  # so often the zip's size, and so much more
LONGEST_LINE = 1 << 16
LONGEST_TEXT = 20_000
MOST = 10**12  # of anything that is counted
FANS_COLUMNS = ["fan_ref", "raw_score", "band_score", "preferences"]
MEMBERS_HEADER = b"place\tfan_ref\tmarket_id\tband_score\n"
HIGH, MID, LOW = 0.95, 0.80, 0.22
BELOW_HIGH, BELOW_MID = 0.9499999999999998, 0.7999999999999999  # the doubles next below
RULES = {
    "scheme": SCHEME,
    "bands": [
        {"name": "high", "from_raw": HIGH, "low": HIGH, "high": 1.0},
        {"name": "mid", "from_raw": MID, "low": MID, "high": HIGH},
        {"name": "low", "from_raw": LOW, "low": LOW, "high": MID},
    ],
    "commitment": "SHA-256(seed) in hex",
    "salt_commitment": "SHA-256(salt) in hex",
    "fan_nonce": "HMAC-SHA256(salt, global_user_id in UTF-8)",
    "fan_ref": "SHA-256(fan_nonce + global_user_id in UTF-8) in hex",
    "key": "HMAC-SHA256(seed, trimmed value of the public source in UTF-8, or nothing)",
    "h": "HMAC-SHA256(key, campaign_id + 0x1f + fan_ref)",
    "u": "(first 64 bits of h, big-endian, >> 11) / 2^53",
    "band_score": "low + u * (high - low) in IEEE doubles; for mid and low at most the double below high",
    "order": "band score descending, then h descending, then fan_ref",
    "roster_digest": "SHA-256 over the lines fan_ref TAB raw_score TAB preferences LF of all accepted fans, sorted",
    "room": "the smaller of capacity - given and own_capacity, where the wave has one",
}
# Reasons of exclusion, in the order in which they are asked. A fan has the first that applies.
BEFORE_TAKEN = ("not_registered", "below_minimum_score")
BY_LUCK = ("already_in_wave", "holds_code")
SUPPRESSED = "suppressed"  # can follow from luck once a wave was sent: who gets a message can reply to stop them
ERASED = "erased"  # so can this: who got a code can ask to be erased
CONTACT = (ERASED, "blacklisted_email", "blacklisted_domain", "disposable_domain", "intl_phone", "no_contact", SUPPRESSED)
MARKET = ("no_market_wanted", "registered_too_late")
REASONS = {*BEFORE_TAKEN, *BY_LUCK, *CONTACT, *MARKET}
NO_CANDIDATE = (b"!", b"=", b"")  # how a cell begins that lists no markets
FANS_PER_SHARD, PLACES_PER_SHARD, SHARDS_PER_INDEX, MOST_BITS = 500, 500, 64, 24
FEWEST_TESTED = 50
FAILS, UNUSUAL = 1e-6, 1e-3
# drand's default chain: round 1 came in second 1595431050 of Unix time, and one more every 30 seconds
DRAND_CHAIN = "8990e7a9aaed2ffed73dbd7092123d6f289930540d7651336225dc172e51b2ce"
DRAND_FORM = "randomness of the round: 64 lower-case hex digits"
DRAND_GENESIS, DRAND_PERIOD = 1_595_431_050, 30
LATE_KINDS = ("score_file", "activation", "lists", "registrations", "wave_rules")


class Broken(Exception):
    """The bundle, or a file beside it, cannot be read any further; the message is one sentence."""


class Report:
    """What was checked, what is wrong, what is unusual, what others or nobody can check."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.passed: list[str] = []
        self.unusual: list[str] = []
        self.late: list[str] = []
        self.unchecked: list[Json] = []
        self.luck_tests: list[Json] = []
        self.checked = {"files": 0, "attempts": 0, "fans": 0, "waves": 0, "members": 0, "luck_tests": 0}
        self.bundle_sha256 = ""
        self.fan: Json | None = None

    def expect(self, right: bool, problem: str) -> None:
        if not right:
            self.problems.append(problem)

    def note(self, problems_before: int, passed: str) -> None:
        """Say that something passed if no problem has come up since."""
        if len(self.problems) == problems_before:
            self.passed.append(passed)

    def leave(self, why: str, *fields: str) -> None:
        """Say that these fields, as `file field`, could be otherwise without being noticed here, and who can check them."""
        self.unchecked.append({"why": why, "fields": list(fields)})

    def as_json(self) -> Json:
        found: Json = {"ok": not self.problems, "bundle_sha256": self.bundle_sha256, "checked": self.checked}
        found.update(problems=self.problems, passed=self.passed, unusual=self.unusual, late=self.late)
        found.update(unchecked=self.unchecked, luck_tests=self.luck_tests)
        if self.fan is not None:
            found["fan"] = self.fan
        return found


# ---------------------------------------------------------------------------------------------------- the zip


def sha256_of(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    for part in iter(lambda: file.read(BLOCK), b""):
        digest.update(part)
    return digest.hexdigest()


class Entry:
    """One file of the zip: where its packed bytes begin, how many they are, and what they must become."""

    def __init__(self, position: int, packed: int, size: int, crc: int) -> None:
        self.position, self.packed, self.size, self.crc = position, packed, size, crc


class Archive:
    """The zip. Every byte of its frame must be as a bundle's is, so nothing hides in it; each file is read once and within the
    size that it says, and its SHA-256 is compared with the manifest's as it is read.
    """

    def __init__(self, path: str, report: Report) -> None:
        self.report = report
        self.files: Json = {}
        self.changed = 0
        self.file = open(path, "rb")  # noqa: PTH123, SIM115
        report.bundle_sha256 = sha256_of(self.file)
        self.size = self.file.tell()
        self.entries = self.directory()
        self.unread = list(self.entries)
        if sum(entry.size for entry in self.entries.values()) > self.size * MOST_EXPANDED + MOST_UNPACKED:
            raise Broken("The zip says that it unpacks to more than any bundle of its size does.")

    def close(self) -> None:
        self.file.close()

    def directory(self) -> dict[str, Entry]:
        frame = self.piece(self.size - 22, 22)
        if len(frame) < 22 or frame[:4] != b"PK\5\6":
            raise Broken("This is not a zip, or its end is missing.")
        _, disk, first, here, entries, length, start, comment = struct.unpack("<4s4H2LH", frame)
        if (disk, first, comment) != (0, 0, 0) or here != entries or start + length + 22 != self.size:
            raise Broken("The zip's directory is not as a bundle's is: it was packed again, or changed.")
        if entries > MOST_FILES or length > MOST_DIRECTORY:
            raise Broken("The zip holds more files than any bundle does.")
        content, position, at = self.piece(start, length), 0, 0
        found: dict[str, Entry] = {}
        while at < length:
            name, entry = self.entry(content, at, position)
            if name in found:
                raise Broken(f"The zip holds two files named {name}.")
            found[name] = entry
            at += 46 + len(name)
            position = entry.position + entry.packed
        if len(found) != entries or at != length or position != start:
            raise Broken("The zip's directory is not as a bundle's is: it was packed again, or changed.")
        return found

    def entry(self, frame: bytes, at: int, position: int) -> tuple[str, Entry]:
        """Read one entry of the directory, and compare it and the header before its contents with what they must be."""
        if len(frame) < at + 46:
            raise Broken("The zip's directory ends in the middle of an entry.")
        packing, _, _, crc, packed, size, length = struct.unpack_from("<3H3LH", frame, at + 10)
        raw_name = frame[at + 46 : at + 46 + length]
        if len(raw_name) != length or not re.fullmatch(rb"[A-Za-z0-9._/-]{1,100}", raw_name):
            raise Broken("The zip holds a file whose name is none of a bundle.")
        name = raw_name.decode("ascii")
        common = struct.pack("<5H3L2H", 20, 0, 8, 0, 33, crc, packed, size, length, 0)
        expected = b"PK\1\2\x14\3" + common + struct.pack("<3H2L", 0, 0, 0, 0o644 << 16, position)
        header = self.piece(position, 30 + length)
        if packing != 8 or frame[at : at + 46] != expected or header != b"PK\3\4" + common + raw_name:
            raise Broken(f"The zip's entry for {name} is not as a bundle's is: it was packed again, or changed.")
        return name, Entry(position + 30 + length, packed, size, crc)

    def piece(self, position: int, length: int) -> bytes:
        self.file.seek(max(position, 0))
        return self.file.read(length)

    def read(self, name: str, most: int = MOST_JSON) -> bytes:
        if name in self.entries and self.entries[name].size > most:
            raise Broken(f"{name} is larger than any bundle's is.")
        return b"".join(self.parts(name))

    def read_json(self, name: str) -> Any:
        return parse_json(self.read(name), name)

    def parts(self, name: str) -> Iterator[bytes]:
        if name not in self.unread:
            raise Broken(f"{name} is missing, or asked for twice.")
        self.unread.remove(name)
        digest = hashlib.sha256()
        for part in self.unpacked(name, self.entries[name]):
            digest.update(part)
            yield part
        self.report.checked["files"] += 1
        if self.files.get(name, digest.hexdigest()) != digest.hexdigest():
            self.changed += 1
            self.report.problems.append(f"{name} was changed: its SHA-256 is not the manifest's.")

    def unpacked(self, name: str, entry: Entry) -> Iterator[bytes]:
        """The contents in pieces; never more than the entry says, however much is packed in it."""
        inflate, left, size, crc, waiting = zlib.decompressobj(-15), entry.packed, 0, 0, b""
        position = entry.position
        try:
            while not inflate.eof:
                if not waiting and left:
                    waiting = self.piece(position, min(BLOCK, left))
                    position, left = position + len(waiting), left - len(waiting)
                part = inflate.decompress(waiting, BLOCK)
                if not part and not inflate.eof and not left and not inflate.unconsumed_tail:
                    break
                waiting, size, crc = inflate.unconsumed_tail, size + len(part), zlib.crc32(part, crc)
                if size > entry.size:
                    raise Broken(f"{name} unpacks to more than the zip says.")
                if part:
                    yield part
        except zlib.error:
            raise Broken(f"{name} cannot be unpacked: the zip was changed or cut.") from None
        if not inflate.eof or left or inflate.unused_data or (size, crc) != (entry.size, entry.crc):
            raise Broken(f"{name} is not what the zip says of it: the zip was changed or cut.")

    def lines(self, name: str, header: bytes, *, again: bool = False) -> Iterator[bytes]:
        """Blocks of whole lines below the header; `again`: of a file that was read, and so checked, before."""
        rest, begun = b"", False
        for part in self.unpacked(name, self.entries[name]) if again else self.parts(name):
            whole, newline, rest = (rest + part).rpartition(b"\n")
            block = whole + newline
            if len(rest) > LONGEST_LINE:
                raise Broken(f"{name} has a line that is longer than any bundle's.")
            if not begun and block:
                if not block.startswith(header):
                    raise Broken(f"{name} does not begin with the columns it should have.")
                begun, block = True, block[len(header) :]
            if block:
                yield block
        if rest or not begun:
            raise Broken(f"{name} has no header, or ends in the middle of a line.")


# ---------------------------------------------------------------------------------------------------- JSON


def parse_json(content: bytes, name: str) -> Any:
    """JSON in UTF-8, where each key stands once and each number is one. Raises Broken."""

    def once(pairs: list[tuple[str, Any]]) -> Json:
        found = dict(pairs)
        if len(found) != len(pairs):
            twice = next(key for key, times in Counter(key for key, _ in pairs).items() if times > 1)
            raise Broken(f"{name} names {twice!r} twice in one place.")
        return found

    def refuse(text: str) -> Any:
        raise Broken(f"{name} holds {text[:20]}, which is no number.")

    def whole(text: str) -> int:
        return int(text) if len(text) <= 20 else refuse(text)

    def real(text: str) -> float:
        number = float(text) if len(text) <= 60 else math.inf
        return number if math.isfinite(number) else refuse(text)

    try:
        return json.loads(content.decode("utf-8"), object_pairs_hook=once, parse_constant=refuse, parse_int=whole, parse_float=real)
    except UnicodeError:
        raise Broken(f"{name} is not text in UTF-8.") from None
    except RecursionError:
        raise Broken(f"{name} is nested too deeply.") from None
    except ValueError as error:
        raise Broken(f"{name} is not JSON ({str(error)[:100]}).") from None


def is_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= LONGEST_TEXT and not re.search("[\ud800-\udfff]", value)


def is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value <= MOST


def is_score(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value <= 1


def is_flag(value: Any) -> bool:
    return type(value) is bool


def is_time(value: Any) -> bool:
    """As the page writes it: ISO 8601 in UTC."""
    if not written_as(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?\+00:00")(value):
        return False
    try:
        return datetime.fromisoformat(value) is not None
    except ValueError:
        return False


def written_as(pattern: str) -> Any:
    return lambda value: isinstance(value, str) and re.fullmatch(pattern, value, re.ASCII) is not None


def or_null(shape: Any) -> Any:
    return lambda value: value is None or shape(value)


def one_of(*words: str) -> Any:
    return lambda value: isinstance(value, str) and value in words


is_digest = written_as("[0-9a-f]{64}")
is_digest_or_empty = written_as("([0-9a-f]{64})?")
is_market = written_as("[A-Za-z0-9-]{1,40}")
is_date_key = written_as(r"\d{8}(-\d{1,9})?")
is_number_or_null, is_time_or_null, is_text_or_null = or_null(is_count), or_null(is_time), or_null(is_text)

SOURCE = {
    "source": is_text, "chain": is_text_or_null, "round": is_number_or_null,
    "form": is_text_or_null, "public_at": is_time_or_null,
}  # fmt: skip
SHAPE_OF_MOVE = {"at": is_time, "reason": is_text, **SOURCE}
SHAPE_OF_ENTROPY = {**SOURCE, "value": is_text_or_null, "entered_at": is_time_or_null, "moved": SHAPE_OF_MOVE}
SHAPE_OF_ATTEMPT = {
    "attempt": is_count, "received_at": is_time, "state": one_of("uploaded", "processing", "validated", "streamed", "failed"),
    "active": is_flag, "late": is_flag, "supplement_of": is_number_or_null, "sha256": is_digest,
    "rules_digest": is_digest_or_empty, "roster_digest": is_digest_or_empty, "rows_in": is_count, "accepted": is_count,
    "rejected": is_count, "bands": {"high": is_count, "mid": is_count, "low": is_count}, "min_score": or_null(is_score),
}  # fmt: skip
SHAPE_OF_RULE_CHANGE = {
    "at": is_time, "market_id": or_null(is_market), "rule": is_text, "before": is_text, "after": is_text, "reason": is_text,
}  # fmt: skip
SHAPE_OF_LATE = {
    "number": is_count, "at": is_time, "kind": one_of(*LATE_KINDS), "subject": is_text, "reason": is_text, "moved": is_number_or_null,
}  # fmt: skip
SHAPE_OF_MARKET = {
    "market_id": is_market, "name": is_text, "position": is_count, "selection_time": is_time, "capacity": is_count,
    "own_capacity": is_number_or_null, "given": is_count, "room": is_count, "selected": is_count, "cutoff": or_null(is_score),
}  # fmt: skip
WAVE_STATES = ("triggered", "paused", "completed", "cancelled")
SHAPE_OF_WITHDRAWN = {
    "date_key": is_date_key, "state": one_of(*WAVE_STATES), "kind": one_of("drawn", "uploaded", "not_selected", "withdrawn"),
    "preparations": is_count, "first_prepared_at": is_time_or_null, "prepared_at": is_time_or_null,
    "triggered_at": is_time_or_null, "cancelled_at": is_time_or_null, "notify_date": is_time,
}  # fmt: skip
SHAPE_OF_DRAWN = {
    **SHAPE_OF_WITHDRAWN, "attempt": is_count, "order": one_of("by_preference", "by_market_order", "single_market"),
    "single_market": or_null(is_market), "min_score": is_score, "candidates": is_count, "selected": is_count,
    "returned": is_count, "waitlist": is_count, "excluded": dict.fromkeys(sorted(REASONS), is_count),
    "markets": [SHAPE_OF_MARKET], "reassign": is_flag, "tops_up": or_null(is_date_key),
}  # fmt: skip
SHAPE_OF_NOT_SELECTED = {
    **SHAPE_OF_WITHDRAWN, "attempt": is_count, "min_score": is_score, "fans": is_count,
    "excluded": dict.fromkeys(sorted(REASONS), is_count), "markets": [SHAPE_OF_MARKET],
}  # fmt: skip
SHAPE_OF_UPLOADED = {
    **SHAPE_OF_WITHDRAWN, "fans": is_count, "uploaded_by_role": is_text_or_null, "reason": is_text_or_null,
    "markets": [SHAPE_OF_MARKET],
}  # fmt: skip
SHAPES_OF_WAVES = {
    "drawn": SHAPE_OF_DRAWN, "uploaded": SHAPE_OF_UPLOADED, "not_selected": SHAPE_OF_NOT_SELECTED, "withdrawn": SHAPE_OF_WITHDRAWN,
}  # fmt: skip
PROVEN = ("drawn", "not_selected")  # selected by the order of the draw, so that fans' cells are in the bundle
SHAPE_OF_DRAW = {
    "scheme": is_count, "campaign_id": is_market, "name": is_text, "artist": is_text,
    "status": one_of("open", "closed", "archived"), "opened_at": is_time_or_null, "closed_at": is_time_or_null,
    "commitment": is_digest, "salt_commitment": is_digest, "draw_supplied": is_flag, "entropy": SHAPE_OF_ENTROPY,
    "first_drawn_at": is_time_or_null, "late_since": is_time_or_null, "named_attempt": is_number_or_null,
    "seed": or_null(is_digest), "attempts": [SHAPE_OF_ATTEMPT], "rule_changes": [SHAPE_OF_RULE_CHANGE],
    "late": [SHAPE_OF_LATE], "waves": [SHAPES_OF_WAVES],
    "proof": {"sha256": is_digest, "shards_root": is_digest},
}  # fmt: skip
MAY_BE_NULL = {"entropy", "moved", "proof"}
ONLY_SOME = {"excluded"}  # reasons that exclude nobody are left out


def misfit(value: Any, shape: Any, where: str, key: str = "") -> str:
    """What first stands there that should not, or does not stand there that should; empty if all is as it should be. `key`: that of
    the value in its object; empty for the whole, and for an item of a list.
    """
    if key in MAY_BE_NULL and value is None:
        return ""
    if isinstance(shape, list):
        if not isinstance(value, list):
            return f"{where} is no list."
        found = (misfit(each, shape[0], f"{where}[{number}]") for number, each in enumerate(value))
        return next((sentence for sentence in found if sentence), "")
    if shape is SHAPES_OF_WAVES:
        kind = value.get("kind") if isinstance(value, dict) else None
        if not isinstance(kind, str) or kind not in SHAPES_OF_WAVES:
            return f"{where} is no wave of a kind that this checker knows."
        shape = SHAPES_OF_WAVES[kind]
    if isinstance(shape, dict):
        return misfit_of_object(value, shape, where, whole=key not in ONLY_SOME)
    return "" if shape(value) else f"{where} holds {shown(value)}, which cannot stand there."


def misfit_of_object(value: Any, shape: Json, where: str, *, whole: bool) -> str:
    if not isinstance(value, dict):
        return f"{where} is no object."
    if more := sorted(set(value) - set(shape)):
        return f"{where} has {shown(more[0])}, which this checker does not know."
    if whole and (missing := sorted(set(shape) - set(value))):
        return f"{where} lacks {missing[0]!r}."
    found = (misfit(each, shape[name], f"{where} {name}", name) for name, each in value.items())
    return next((sentence for sentence in found if sentence), "")


def shown(value: Any) -> str:
    """A value from outside, short and without what a terminal would obey."""
    text = value if isinstance(value, str) else json.dumps(value)
    text = text if len(text) <= 80 else text[:77] + "..."
    return "".join(mark if mark.isprintable() else repr(mark)[1:-1] for mark in text)


# ---------------------------------------------------------------------------------------------------- fans


class Luck:
    """h = HMAC-SHA256(key, campaign_id + 0x1f + fan_ref) of many fans: both halves of it are begun once, and copied for each."""

    def __init__(self, campaign_id: str, seed: bytes, value: str | None) -> None:
        key = hmac.new(seed, (value or "").strip().encode(), "sha256").digest().ljust(64, b"\0")
        self.inner = hashlib.sha256(bytes(b ^ 0x36 for b in key) + campaign_id.encode() + b"\x1f")
        self.outer = hashlib.sha256(bytes(b ^ 0x5C for b in key))

    def digests(self, refs: Iterable[bytes]) -> Iterator[bytes]:
        """h of each fan, by the reference in hex."""
        inner, outer = self.inner.copy, self.outer.copy
        for ref in refs:
            inside, outside = inner(), outer()
            inside.update(ref)
            outside.update(inside.digest())
            yield outside.digest()

    def of(self, refs: list[bytes]) -> list[float]:
        """u of each fan, in [0, 1)."""
        words = array("Q", b"".join(self.digests(refs)))[::4]
        if sys.byteorder == "little":
            words.byteswap()
        return [(word >> 11) * 2.0**-53 for word in words]


class Roster:
    """Fans as columns (40 bytes a fan), in order of their fan_ref, with what follows from that, raw score and preferences. `least`:
    the raw score below which nobody is accepted.
    """

    def __init__(self, name: str, report: Report, luck: Luck, least: float) -> None:
        self.name, self.report, self.luck, self.least = name, report, luck, least
        self.refs, self.scores, self.last = bytearray(), array("d"), b""
        self.bands = {"high": 0, "mid": 0, "low": 0}
        self.digest = hashlib.sha256()

    def columns_of(self, block: bytes, width: int) -> list[list[bytes]]:
        """A block of whole lines by columns: to check them so is several times as fast as line by line."""
        rows, flat = block.count(b"\n"), block.replace(b"\n", b"\t\n\t").split(b"\t")
        flat.pop()
        if len(flat) != rows * (width + 1) or flat[width :: width + 1].count(b"\n") != rows:
            raise Broken(f"{self.name}: a line after line {len(self.scores) + 1} has too many or too few columns.")
        return [flat[column :: width + 1] for column in range(width)]

    def add(self, refs: list[bytes], raws: list[bytes], preferences: list[bytes]) -> tuple[list[float], list[float]]:
        """Take these fans in behind the others; their raw scores, and the band scores that the rule gives them."""
        after, joined = f"{self.name}: after line {len(self.scores) + 1}", b"".join(refs)
        plain = set(map(len, refs)) == {64} and not joined.translate(None, b"0123456789abcdef")
        if not plain or b"".join(raws).translate(None, b"0123456789.+-eE"):
            raise Broken(f"{after} a fan_ref or a number is not written as one.")
        try:
            numbers = list(map(float, raws))
        except ValueError:
            raise Broken(f"{after} a raw score is not written as a number.") from None
        if not (min(numbers) >= self.least and max(numbers) <= 1):
            raise Broken(f"{after} a raw score is below the file's minimum, or above 1.")
        in_order = self.last < refs[0] and all(map(lt, refs, refs[1:]))
        self.report.expect(in_order, f"{self.name}: fans not in order, or one twice.")
        self.digest.update(b"\n".join(map(b"\t".join, zip(refs, raws, preferences))) + b"\n")
        self.refs += bytes.fromhex(joined.decode())
        self.last = refs[-1]
        scores = band_scores(numbers, self.luck.of(refs))
        self.scores.extend(scores)
        high, mid = sum(map(HIGH.__le__, numbers)), sum(map(MID.__le__, numbers))
        for band, fans in (("high", high), ("mid", mid - high), ("low", len(numbers) - mid)):
            self.bands[band] += fans
        return numbers, scores

    def ref(self, row: int) -> str:
        return self.refs[row * 32 : row * 32 + 32].hex()

    def best_first(self, rows: Iterable[int]) -> list[int]:
        """Rising rows in the order of the draw. h is asked only where band scores are equal, for within a band it grows with them;
        rows are in order of fan_ref, and sorting keeps that where h is equal too.
        """
        scores, score_of = self.scores, self.scores.__getitem__
        order = sorted(rows, key=score_of, reverse=True)
        if any(map(eq, map(score_of, order), map(score_of, islice(order, 1, None)))):
            order.sort(key=lambda row: (scores[row], *self.luck.digests([self.ref(row).encode()])), reverse=True)
        return order


class Fans(Roster):
    """The fans of one score file of the bundle, with a cell (4 bytes) for each wave that was selected from it."""

    def __init__(self, bundle: Archive, draw: Json, attempt: Json, waves: list[Json], wanted: bytes | None) -> None:
        value = draw["entropy"] and draw["entropy"]["value"]
        luck = Luck(draw["campaign_id"], bytes.fromhex(draw["seed"]), value)
        super().__init__(f"fans-{attempt['attempt']}.tsv", bundle.report, luck, max(attempt["min_score"] or LOW, LOW))
        self.waves, self.wanted = waves, wanted
        self.found: Json | None = None
        self.cell_ids: dict[bytes, int] = defaultdict(count().__next__)
        self.cells = {wave["date_key"]: array("I") for wave in waves}
        self.kinds: dict[str, set[tuple[bytes, bytes, bool]]] = {wave["date_key"]: set() for wave in waves}
        columns = FANS_COLUMNS + ["wave " + wave["date_key"] for wave in waves]
        self.header = "\t".join(columns).encode() + b"\n"
        for block in bundle.lines(self.name, self.header):
            self.take(self.columns_of(block, len(columns)))
        self.report.expect(
            self.digest.hexdigest() == attempt["roster_digest"], f"{self.name}: its roster digest is not the one published."
        )
        self.report.expect(
            len(self.scores) == attempt["accepted"],
            f"{self.name} does not hold the fans accepted: {len(self.scores)} of {attempt['accepted']}.",
        )
        self.report.expect(self.bands == attempt["bands"], f"{self.name}: the bands hold other numbers of fans than published.")

    def take(self, columns: list[list[bytes]]) -> None:
        refs, raws, written, preferences, *cells = columns
        before = len(self.scores)
        numbers, scores = self.add(refs, raws, preferences)
        due = [repr(score).encode() for score in scores]
        if written != due:
            row = next(row for row, text in enumerate(written) if text != due[row])
            given, ref = shown(written[row].decode("ascii", "replace")), refs[row].decode()
            self.report.problems.append(f"{self.name}, fan_ref {ref}: the band score is {given}, the rule gives {scores[row]}.")
        asked = list(map(self.cell_ids.__getitem__, preferences)) if self.waves else []
        for wave, its in zip(self.waves, cells):
            self.take_wave(wave, numbers, preferences, asked, its)
        if self.wanted in refs:
            row = refs.index(self.wanted)
            self.found = {"row": before + row, "raw_score": raws[row].decode(), "preferences": text_of(preferences[row])}

    def take_wave(self, wave: Json, raws: list[float], preferences: list[bytes], asked: list[int], cells: list[bytes]) -> None:
        """Take in what a wave says of each fan. Who has the minimum and is a candidate for all that they asked for is as the rules
        want it, if these are markets of the wave; of all others each kind (preferences, cell, below the minimum) is kept once.
        """
        name = wave["date_key"]
        below = list(map(float(wave["min_score"]).__gt__, raws))
        other = [*map(ge, below, map(eq, preferences, cells))]  # below the minimum, or another cell
        named = set(b"|".join(compress(cells, map(not_, other))).split(b"|"))
        if not named <= {market["market_id"].encode() for market in wave["markets"]}:
            other = [True] * len(cells)
        self.kinds[name].update(compress(zip(preferences, cells, below), other))
        numbers = array("I", asked)
        for row in compress(count(), other):
            numbers[row] = self.cell_ids[cells[row]]
        self.cells[name].extend(numbers)

    def row_of(self, ref: bytes | bytearray) -> int | None:
        """The row of a reference (32 bytes), or None."""
        low, high = 0, len(self.scores)
        while low < high:
            middle = (low + high) // 2
            if self.refs[middle * 32 : middle * 32 + 32] < ref:
                low = middle + 1
            else:
                high = middle
        return low if self.refs[low * 32 : low * 32 + 32] == ref and ref else None

    @cached_property
    def order(self) -> Any:
        """All rows, best first, 4 bytes each."""
        return array("I", self.best_first(range(len(self.scores))))

    @cached_property
    def eligible(self) -> Eligible:
        return Eligible(self.cell_ids)

    @cached_property
    def said(self) -> dict[int, str]:
        """What the cells of those who are no candidates say, `!reason` or `=market`, by the cell's number."""
        bodies = ((number, body_of(cell)) for cell, number in self.cell_ids.items())
        return {number: body.decode("utf-8", "replace") for number, body in bodies if body[:1] in NO_CANDIDATE}

    def candidates(self, wave: Json) -> Any:
        """The rows of a wave's candidates, best first, 4 bytes each."""
        out = bytes(map(self.said.__contains__, self.cells[wave["date_key"]]))
        return array("I", compress(self.order, map(not_, map(out.__getitem__, self.order))))

    def band(self, row: int) -> str:
        score = self.scores[row]
        return "high" if score >= HIGH else "mid" if score >= MID else "low"


def band_scores(raws: list[float], us: list[float]) -> list[float]:
    """NaN below the lowest band."""
    high, mid, low = 1.0 - HIGH, HIGH - MID, MID - LOW
    return [
        HIGH + u * high if raw >= HIGH
        else min(MID + u * mid, BELOW_HIGH) if raw >= MID
        else min(LOW + u * low, BELOW_MID) if raw >= LOW
        else math.nan
        for raw, u in zip(raws, us)
    ]  # fmt: skip


def body_of(cell: bytes) -> bytes:
    """A cell without the mark of who registered after the roster was made."""
    return cell[1:] if cell[:1] == b"+" else cell


def text_of(cell: bytes) -> str:
    return shown(cell.decode("utf-8", "replace"))


# ---------------------------------------------------------------------------------------------------- waves


def eligible_of(cell: bytes) -> list[str]:
    """The markets of a candidate's cell; none where it says why the fan was no candidate."""
    body = body_of(cell)
    return [] if body[:1] in NO_CANDIDATE else body.decode("utf-8", "replace").split("|")


class Eligible(dict[int, list[str]]):
    """The markets of candidates' cells, best first, by the cell's number; read when they are asked for, since most never are."""

    def __init__(self, cells: Iterable[bytes]) -> None:
        self.texts = list(cells)

    def __missing__(self, number: int) -> list[str]:
        self[number] = eligible_of(self.texts[number])
        return self[number]


def select(order: str, candidates: list[int], cells: Any, eligible: dict[int, list[str]], room: dict[str, int]) -> Members:
    """Who of the candidates (rows, best first) gets a seat, in their order. `eligible`: the markets of each cell, best first; `room`:
    the seats of each market, in the order of the markets.
    """
    if order == "by_preference":
        return by_preference(candidates, cells, eligible, dict(room))
    return market_by_market(candidates, cells, eligible, room)


def by_preference(candidates: list[int], cells: Any, eligible: dict[int, list[str]], room: dict[str, int]) -> Members:
    """Each fan in turn takes the first market of theirs that has room."""
    members: Members = []
    firsts: dict[int, str | None] = {}
    for place, row in enumerate(candidates, 1):
        cell = cells[row]
        if cell not in firsts:
            firsts[cell] = next((market for market in eligible[cell] if room.get(market)), None)
        market = firsts[cell]
        if market is not None:
            members.append((place, row, market))
            room[market] -= 1
            if not room[market]:
                firsts.clear()
                if not any(room.values()):
                    break
    return members


def market_by_market(candidates: list[int], cells: Any, eligible: dict[int, list[str]], room: dict[str, int]) -> Members:
    """Each market in turn takes the best who want it and are still free."""
    taken: dict[int, tuple[int, int, str]] = {}
    most = dict(zip(room, accumulate(room.values())))  # so many are taken by a market and those before it: it looks at no more
    wanting: dict[str, list[tuple[int, int]]] = {market: [] for market, seats in room.items() if seats}
    short = set(wanting)
    for place, row in enumerate(candidates, 1):
        for market in short.intersection(eligible[cells[row]]):
            wanting[market].append((place, row))
            if len(wanting[market]) == most[market]:
                short.remove(market)
        if not short:
            break
    for market, its in wanting.items():
        free = ((place, row) for place, row in its if row not in taken)
        for place, row in islice(free, room[market]):
            taken[row] = (place, row, market)
    return sorted(taken.values())


class Selection:
    """One wave selected anew from its candidates."""

    def __init__(self, wave: Json, fans: Fans) -> None:
        self.wave, self.fans, self.cells = wave, fans, fans.cells[wave["date_key"]]
        self.candidates = fans.candidates(wave)
        room = {market["market_id"]: market["room"] for market in wave["markets"]}
        self.members = select(wave["order"], self.candidates, self.cells, fans.eligible, room)

    def check(self, bundle: Archive) -> None:
        name, report, fans = "Wave " + self.wave["date_key"], bundle.report, self.fans
        due = [f"{at}\t{fans.ref(row)}\t{market}\t{fans.scores[row]!r}" for at, row, market in self.members]
        given: list[str] = []
        members = f"waves/{self.wave['date_key']}.members.tsv"
        for block in bundle.lines(members, MEMBERS_HEADER) if self.wave["kind"] == "drawn" else ():
            given += block.decode("ascii", "replace").split("\n")[:-1]
        if given != due:
            row = next((row for row, pair in enumerate(zip(given, due)) if pair[0] != pair[1]), min(len(given), len(due)))
            there, right_one = ((shown(lines[row]) if row < len(lines) else "nobody") for lines in (given, due))
            report.problems.append(f"{name}: member {row + 1} is {there}, by the rule it is {right_one}.")
        selected = Counter(market for _, _, market in self.members)
        lowest = {market: fans.scores[row] for _, row, market in self.members}  # the last one wins, and is the lowest
        for market in self.wave["markets"]:
            its = market["market_id"]
            cutoff = lowest[its] if selected[its] and selected[its] == market["room"] else None
            right = (market["selected"], market["cutoff"]) == (selected[its], cutoff)
            report.expect(right, f"{name}, market {its}: by the rule {selected[its]} are selected, cut-off {cutoff}.")
        counts = (self.wave["candidates"], self.wave["waitlist"], self.wave["selected"])
        real = (len(self.candidates), len(self.candidates) - len(due), len(due) + self.wave["returned"])
        report.expect(counts == real, f"{name}: candidates, waitlist or selected miscounted.")
        report.checked["members"] += len(due)

    def standing(self, row: int) -> Json:
        cell = self.fans.eligible.texts[self.cells[row]].decode("utf-8", "replace")
        found: Json = {"wave": self.wave["date_key"], "market": None, "waitlist_place": None, "place": None, "why_not": None}
        found["cutoffs"] = {market["market_id"]: market["cutoff"] for market in self.wave["markets"]}
        if row_reason := cell.lstrip("+")[:1] == "!" and cell.lstrip("+!"):
            return dict(found, why_not=row_reason)
        if cell[:1] == "=":
            return dict(found, market=cell[1:], why_not="comes_back_with_a_code")
        place = self.candidates.index(row) + 1
        found.update(place=place, of=len(self.candidates), eligible=cell.lstrip("+").split("|"))
        if self.wave["kind"] == "not_selected":
            return dict(found, why_not="told_not_selected", waitlist_place=place)
        found["market"] = next((market for _, member, market in self.members if member == row), None)
        if found["market"] is None:
            found["waitlist_place"] = place - sum(at < place for at, _, _ in self.members)
        return found


class Taken:
    """What a wave that was selected left behind: its members, and what is known of the luck of all its candidates."""

    def __init__(self, wave: Json, selection: Selection) -> None:
        self.wave, self.fans, self.cells = wave, selection.fans, selection.cells
        self.members = {row: market for _, row, market in selection.members}
        if wave["kind"] == "not_selected":  # it holds them all, for no market
            self.members = dict.fromkeys(selection.candidates, "")
        self.cutoffs = {market["market_id"]: market["cutoff"] or 0.0 for market in wave["markets"] if market["room"]}
        self.returned = returning(self.fans, self.cells)

    def between(self, row: int) -> tuple[float, float]:
        """The band scores between which the fan must lie: whoever reached the cut-off of one of their markets got a seat, by every
        order of selection. 0 and 1 for who was no candidate.
        """
        reached = min((self.cutoffs[market] for market in self.fans.eligible[self.cells[row]] if market in self.cutoffs), default=0.0)
        return (reached, 1.0) if row in self.members else (0.0, reached or 1.0)


def rows_with(cells: Any, numbers: Iterable[int]) -> Iterator[int]:
    return compress(count(), map(set(numbers).__contains__, cells))


def returning(fans: Fans, cells: Any) -> dict[int, str]:
    """The rows of who comes back with their code to a wave, and the market of each."""
    markets = {number: said[1:] for number, said in fans.said.items() if said[:1] == "="}
    return {row: markets[cells[row]] for row in rows_with(cells, markets)}


class Earlier:
    """The waves before a wave: which seats they had given, whom they held, and what is not known of them."""

    def __init__(self, waves: list[Json], taken: dict[str, Taken], wave: Json) -> None:
        self.wave, at = wave, wave["prepared_at"]
        place = [each["date_key"] for each in waves].index(wave["date_key"])
        before = [each for each in waves[:place] if each["kind"] != "withdrawn"]
        sent = [each for each in before if came_before(each["cancelled_at"], at) and each["triggered_at"]]
        # whom it told that they were not selected, no wave selects later
        told = [each for each in sent if each["kind"] == "not_selected" and wave["kind"] != "not_selected"]
        self.sent = any(came_before(each["triggered_at"], at) for each in waves)
        self.live = [each for each in before if not came_before(each["cancelled_at"], at) or each in told]
        self.ended = [each for each in sent if each not in told]
        # whom another wave held when this one was prepared is not known where that was not its last preparation
        over = [each for each in waves if came_before(each["cancelled_at"], at) and not each["triggered_at"]]
        others = [each for each in waves if each is not wave and each not in over and came_before(each["first_prepared_at"], at)]
        self.unclear = [
            each["date_key"]
            for each in others
            if each["kind"] == "withdrawn" or (each["preparations"] > 1 and each not in waves[:place])
        ]
        self.holders = [taken[each["date_key"]] for each in self.live if each["date_key"] in taken]
        self.spent = [taken[each["date_key"]] for each in self.ended if each["date_key"] in taken]
        self.uploaded_live = sum(each["fans"] for each in self.live if each["kind"] == "uploaded")
        self.uploaded_ended = sum(each["fans"] for each in self.ended if each["kind"] == "uploaded")

    def check_seats(self, report: Report) -> None:
        """Capacity, seats given and room of each market; given is counted again from the members of earlier waves."""
        name = "Wave " + self.wave["date_key"]
        sure: Counter[str] = Counter()
        perhaps: Counter[str] = Counter()
        for counted, waves in ((sure, self.live), (perhaps, self.ended)):
            for wave in waves:
                counted.update({market["market_id"]: market["selected"] for market in wave["markets"]})
        for market in self.wave["markets"]:
            its, given, own = market["market_id"], market["given"], market["own_capacity"]
            room = market["capacity"] - given
            room = room if own is None else min(room, own)
            report.expect(
                room >= 0 and market["room"] == room, f"{name}, market {its}: the room is {market['room']}, by the rule {room}."
            )
            right = given >= sure[its] if self.unclear else sure[its] <= given <= sure[its] + perhaps[its]
            report.expect(
                right, f"{name}, market {its}: {given} seats are said to be given, the earlier waves hold {sure[its]}."
            )
            if self.unclear and given > sure[its] + perhaps[its]:
                report.unusual.append(
                    f"{name}, market {its}: {given} seats are said to be given, {given - sure[its] - perhaps[its]} of them only by a"
                    f" preparation that was taken back ({', '.join(self.unclear)}), whose members are not in the bundle."
                )
        if self.unclear or self.ended:
            why = ", ".join(dict.fromkeys([*self.unclear, *(each["date_key"] for each in self.ended)]))
            report.leave(
                f"{name}: the seats given before it are known only within bounds, and so is who was taken, because of waves"
                f" that were prepared again or cancelled ({why}).",
                f"draw.json waves {self.wave['date_key']} markets given",
            )

    def check_taken(self, report: Report, fans: Fans) -> None:
        """Who is said to be in a wave already is; and nobody whom a wave holds is a candidate of another."""
        name, cells, said = self.wave["date_key"], fans.cells[self.wave["date_key"]], fans.said
        held: dict[int, str] = {}
        holding: dict[int, str] = {}
        for holder in self.holders:
            its = rows_in(fans, holder, [*holder.members, *holder.returned])
            held.update(its)
            if self.wave["reassign"] and came_before(holder.wave["triggered_at"], self.wave["prepared_at"]):
                holding.update((row, market) for row, market in its.items() if market)
        spent = {row: market for each in self.spent for row, market in rows_in(fans, each, each.members).items()}
        first = {"!" + reason for reason in (*BEFORE_TAKEN, "already_in_wave")}
        # who comes once more with a code uses no seat, so nothing is taken from anybody
        again = {row for row in holding if said.get(cells[row]) == "=" + holding[row]} if self.wave["reassign"] else set()
        out = first | {"!" + reason for reason in CONTACT} if self.wave["reassign"] else first
        free = sum(said.get(cells[row]) not in out for row in held if row not in again)
        report.expect(not free, f"Wave {name}: {free} fans whom an earlier wave holds are not left out of it.")
        back = returning(fans, cells)
        wrong = sum(market not in (spent.get(row), holding.get(row)) for row, market in back.items())
        report.expect(len(back) == self.wave["returned"], f"Wave {name}: the fans who come back with a code are miscounted.")
        report.expect(
            wrong <= self.uploaded_ended + (self.uploaded_live if self.wave["reassign"] else 0),
            f"Wave {name}: {wrong} fans are said to come with a code that no earlier wave gave them.",
        )
        # each fan of a list that was uploaded explains one fan, for the reason that the list's wave can give
        budgets = (("already_in_wave", held, self.uploaded_live), ("holds_code", spent, max(0, self.uploaded_ended - wrong)))
        for reason, known, allowed in budgets:
            numbers = [number for number, text in said.items() if text == "!" + reason]
            strangers = sum(row not in known for row in rows_with(cells, numbers))
            if strangers > allowed and self.unclear and reason == "already_in_wave":
                report.unusual.append(
                    f"Wave {name}: {strangers} fans are left out as {reason} only because of a preparation that was taken back"
                    f" ({', '.join(self.unclear)}), whose members are not in the bundle."
                )
                allowed = strangers
            report.expect(
                strangers <= allowed, f"Wave {name}: {strangers} fans are left out as {reason} whom no earlier wave holds."
            )
            if strangers and allowed:
                report.leave(
                    f"Wave {name}: {strangers} fans are left out as {reason} by waves whose members are not in the bundle.",
                    "fans-N.tsv wave",
                )


def came_before(earlier: str | None, later: str | None) -> bool:
    """Whether both times are there and the first is not after the second."""
    if earlier is None or later is None:
        return False
    return datetime.fromisoformat(earlier) <= datetime.fromisoformat(later)


def comes_before(earlier: str | None, later: str | None) -> bool:
    """Whether both times are there and the first lies before the second."""
    return came_before(earlier, later) and not came_before(later, earlier)


def rows_in(fans: Fans, taken: Taken, rows: Iterable[int]) -> dict[int, str]:
    """The rows, in this score file, of an earlier wave's members, and their markets."""
    everybody = {**taken.returned, **taken.members}
    if taken.fans is fans:
        return {row: everybody[row] for row in rows}
    found = ((fans.row_of(taken.fans.refs[row * 32 : row * 32 + 32]), row) for row in rows)
    return {here: everybody[row] for here, row in found if here is not None}


# ---------------------------------------------------------------------------------------------------- exclusions


class Exclusions:
    """Why the fans of one wave who were no candidates were none: the reasons counted, those that follow from the bundle checked
    one by one, and the luck of the others asked whether it had a part in it.
    """

    def __init__(self, wave: Json, fans: Fans, earlier: Earlier) -> None:
        self.wave, self.fans, self.earlier, self.cells = wave, fans, earlier, fans.cells[wave["date_key"]]
        self.market_ids = [market["market_id"] for market in wave["markets"]]
        self.closes = {market["market_id"]: datetime.fromisoformat(market["selection_time"]) for market in wave["markets"]}
        rows = Counter(filter(fans.said.__contains__, self.cells))
        self.numbers: dict[str, list[int]] = defaultdict(list)
        self.counts: dict[str, int] = Counter()
        for number in sorted(rows):
            if fans.said[number][:1] == "!":
                reason = shown(fans.said[number][1:])
                self.numbers[reason].append(number)
                self.counts[reason] += rows[number]
        late = (number for cell, number in fans.cell_ids.items() if cell[:1] == b"+")
        self.unrostered = sum(1 for _ in rows_with(self.cells, late))

    def check(self, report: Report) -> None:
        name = "Wave " + self.wave["date_key"]
        said = {reason: fans for reason, fans in self.wave["excluded"].items() if fans}
        report.expect(dict(self.counts) == said, f"{name}: the fans left out, by reason, are miscounted.")
        kinds, low = self.fans.kinds[self.wave["date_key"]], {b"!" + reason.encode() for reason in BEFORE_TAKEN}
        applied = all(body_of(cell) in low if below else body_of(cell) != b"!below_minimum_score" for _, cell, below in kinds)
        minimum = self.wave["min_score"]
        report.expect(applied, f"{name}: its minimum of {minimum} is not applied to the raw score of each fan.")
        wrong = [(asked, cell) for asked, cell, _ in kinds if not self.fits(asked, cell)]
        if wrong:
            asked, cell = map(text_of, min(wrong))
            asked = asked or "any market"
            report.problems.append(f"{name}: {cell} does not follow from the rules for a fan who asked for {asked}.")

    def fits(self, preferences: bytes, cell: bytes) -> bool:
        """Whether what a cell says can be so for a fan with these preferences."""
        asked = preferences.decode("utf-8", "replace").split("|") if preferences else list(self.market_ids)
        unrostered = cell[:1] == b"+"
        body = body_of(cell).decode("utf-8", "replace")
        if unrostered and (preferences or body[:1] == "="):
            return False
        wanted = [market for market in asked if market in self.closes]
        if body[:1] == "!":
            reason = body[1:]
            if reason in MARKET and not unrostered:
                return bool(wanted) == (reason == "registered_too_late")
            return reason in REASONS
        if body[:1] == "=":
            return body[1:] in self.closes
        eligible = body.split("|")
        if not set(eligible) <= set(self.market_ids):
            return False
        if unrostered:
            return True
        rest = iter(wanted)
        missing = [market for market in wanted if market not in eligible]
        in_time = not missing or max(map(self.closes.__getitem__, missing)) < min(map(self.closes.__getitem__, eligible))
        return in_time and all(market in rest for market in eligible)

    def luck_tests(self) -> list[Json]:
        """Per reason and band, and per band of all groups that are too small alone: how many fans, and p, the chance that even luck
        is as uneven as theirs; None where not asked.
        """
        tests: list[Json] = []
        small: dict[str, list[tuple[Json, list[float]]]] = defaultdict(list)
        for reason in sorted(self.counts):
            by_band: dict[str, list[int]] = defaultdict(list)
            for row in rows_with(self.cells, self.numbers[reason]):
                by_band[self.fans.band(row)].append(row)
            for band, its in sorted(by_band.items()):
                test = {"wave": self.wave["date_key"], "reason": reason, "band": band, "fans": len(its), "p": None, "together": False}
                tests.append(test)
                if reason in BY_LUCK or (reason in (SUPPRESSED, ERASED) and self.earlier.sent):
                    continue
                lucks = self.even_lucks(its, conditional=reason not in BEFORE_TAKEN)
                if len(lucks) >= FEWEST_TESTED:
                    test["p"] = chance_of(lucks, too_good=self.may_be_worse(reason))
                else:
                    small[band].append((test, lucks))
        for band, groups in sorted(small.items()):
            lucks = [luck for _, its in groups for luck in its]
            if len(lucks) >= FEWEST_TESTED:
                reasons = [test["reason"] for test, _ in groups]
                for test, _ in groups:
                    test["together"] = True
                p = chance_of(lucks, too_good=any(map(self.may_be_worse, reasons)))
                all_of_them = {"reason": " or ".join(reasons), "band": band, "fans": len(lucks), "p": p, "together": True}
                tests.append({"wave": self.wave["date_key"], **all_of_them})
        return tests

    def may_be_worse(self, reason: str) -> bool:
        """Whether honest luck may be worse than even: a preparation that was taken back, of unknown members, held lucky fans."""
        return bool(self.earlier.unclear) and reason not in BEFORE_TAKEN

    def even_lucks(self, rows: list[int], *, conditional: bool) -> list[float]:
        """The fans' luck on a scale where it is even if nothing but chance made it. Who was a candidate of an earlier wave is known
        to have reached its cut-off, as a member, or not to have: such luck is measured between the two ends that are left.
        `conditional`: whether the reason is asked only of fans whom no wave holds, or who come again with their code.
        """
        scores = self.fans.scores
        lows, highs = [0.0] * len(rows), [1.0] * len(rows)
        for taken in self.earlier.holders + self.earlier.spent if conditional else []:
            for at, row in enumerate(rows):
                there = row if taken.fans is self.fans else taken.fans.row_of(self.fans.refs[row * 32 : row * 32 + 32])
                if there is not None:
                    low, high = (luck_in_band(end, taken.fans.scores[there]) for end in taken.between(there))
                    lows[at], highs[at] = max(lows[at], low), min(highs[at], high)
        lucks = (luck_in_band(scores[row], scores[row]) for row in rows)
        return [min(max(0.0, luck - low) / (high - low), 1.0) if high > low else 1.0 for luck, low, high in zip(lucks, lows, highs)]


def luck_in_band(score: float, of: float) -> float:
    """Where a score lies in the band of the score `of`: 0 at its lower end, 1 at its upper end."""
    low, high = (HIGH, 1.0) if of >= HIGH else (MID, HIGH) if of >= MID else (LOW, MID)
    return (score - low) / (high - low)


def chance_of(lucks: list[float], *, too_good: bool = False) -> float:
    """The two-sided p-value of Kolmogorov and Smirnov: the chance that so many even numbers from 0 to 1 are as uneven as these.
    `too_good`: only what is too high counts (the chance of that is half as much, and never more than p).
    """
    fans, lucks = len(lucks), sorted(lucks)
    high = max(luck - at / fans for at, luck in enumerate(lucks))
    low = max((at + 1) / fans - luck for at, luck in enumerate(lucks))
    return p_value(fans, high if too_good else max(high, low))


def p_value(fans: int, distance: float) -> float:
    """Above 0.01 the asymptotic series with Stephens' correction (off by at most 0.015 from 50 fans on): nothing is decided
    there. Below, twice the exact one-sided chance, in Smirnov's finite sum; that both sides are so far off at once, which it counts
    twice, is less than a millionth of it.
    """
    if distance >= 1:
        return 0.0
    root = math.sqrt(fans)
    reach = (root + 0.12 + 0.11 / root) * distance
    series = 1.0
    if reach > 0.2:
        series = 2 * sum((-1) ** (term - 1) * math.exp(-2 * (term * reach) ** 2) for term in range(1, 101))
    if series > 0.01:
        return min(1.0, series)
    total, everybody = 0.0, math.lgamma(fans + 1)
    for below in range(int(fans * (1 - distance)) + 1):
        above = 1 - distance - below / fans
        ways = everybody - math.lgamma(below + 1) - math.lgamma(fans - below + 1)
        if above > 0:
            total += math.exp(ways + (below - 1) * math.log(distance + below / fans) + (fans - below) * math.log(above))
    return min(1.0, 2 * distance * total)


def judge_luck(report: Report, tests: list[Json]) -> None:
    """Holm: of m tests the least p counts m times, the next m - 1 times, and none less than the one before it."""
    asked = sorted((test for test in tests if test["p"] is not None), key=lambda test: test["p"])
    problems, reached = len(report.problems), 0.0
    for place, test in enumerate(asked):
        reached = max(reached, min(1.0, test["p"] * (len(asked) - place)))
        test["corrected"] = reached
        sentence = (
            f"Wave {test['wave']}: the {test['fans']} fans of the {test['band']} band who were left out as {test['reason']} have"
            f" uneven luck (p = {reached:.2g}, corrected for {len(asked)} tests)."
        )
        if reached < UNUSUAL:
            (report.problems if reached < FAILS else report.unusual).append(sentence)
    report.luck_tests = tests
    report.checked["luck_tests"] = len(asked)
    if asked:
        least = asked[0]["corrected"]
        report.note(problems, f"Luck of those left out: {len(asked)} groups tested, the least even has p = {least:.2g}, corrected.")
    untested: dict[str, int] = Counter()
    for test in tests:
        if test["p"] is None and not test["together"]:
            untested[test["reason"]] += test["fans"]
    if untested:
        groups = ", ".join(f"{fans} {reason}" for reason, fans in sorted(untested.items()))
        report.leave(
            "Whether luck had a part in these exclusions is not tested, because the reason can follow from luck, or fewer than"
            f" {FEWEST_TESTED} fans of a band have it or any other such reason: {groups}."
        )
    together = sum(test["fans"] for test in tests if test["p"] is None and test["together"])
    if together:
        report.leave(
            f"Reasons that fewer than {FEWEST_TESTED} fans of a band have are tested only together, {together} fans in all: what is"
            " uneven in one of them may not show."
        )


# ---------------------------------------------------------------------------------------------------- the page


def require_shape(draw: Any, name: str) -> Json:
    """A public page as it must be. Raises Broken with the first thing that is otherwise."""
    if isinstance(draw, dict) and draw.get("scheme") != SCHEME:
        raise Broken(f"{shown(name)} is of another scheme than {SCHEME}: use the checker inside its own bundle.")
    if sentence := misfit(draw, SHAPE_OF_DRAW, shown(name)):
        raise Broken(sentence)
    found: Json = draw
    return found


def check_draw(report: Report, draw: Json) -> None:
    """The page at the close, in itself."""
    problems = len(report.problems)
    report.expect(draw["status"] == "closed", "draw.json is not of a closed campaign.")
    report.expect(draw["proof"] is None, "draw.json in the bundle names a proof, which it cannot know.")
    if draw["seed"] is None or draw["opened_at"] is None or draw["closed_at"] is None:
        raise Broken("draw.json lacks the seed, or when the campaign opened or closed.")
    report.expect(came_before(draw["opened_at"], draw["closed_at"]), "The campaign closed before it opened.")
    mine = hashlib.sha256(bytes.fromhex(draw["seed"])).hexdigest()
    report.expect(draw["commitment"] == mine, "The commitment is not SHA-256(seed): the seed was exchanged.")
    report.note(problems, "The commitment is SHA-256(seed).")
    check_times(report, draw)
    check_moments(report, draw)
    check_attempts(report, draw)
    check_lists(report, draw)
    check_late(report, draw)
    check_active(report, draw)
    check_waves(report, draw)
    check_capacities(report, draw)


def check_times(report: Report, draw: Json) -> None:
    """Since when luck could be known: the earlier of the source's time and the value's entry; without a source, the first draw."""
    problems, entropy = len(report.problems), draw["entropy"]
    known = (draw["first_drawn_at"],) if entropy is None else (entropy["public_at"], entropy["entered_at"])
    since = min((time for time in known if time is not None), key=datetime.fromisoformat, default=None)
    report.expect(draw["late_since"] == since, f"late_since is {draw['late_since']}, by the times on the page it is {since}.")
    drawn = [wave for wave in draw["waves"] if wave["kind"] in PROVEN]
    streamed = bool(drawn) or any(attempt["state"] == "streamed" for attempt in draw["attempts"])
    report.expect(draw["first_drawn_at"] is not None or not streamed, "Fans were drawn, and nothing says when first.")
    for wave in drawn:
        in_time = came_before(draw["first_drawn_at"], wave["first_prepared_at"])
        report.expect(in_time, f"Wave {wave['date_key']} was prepared before the first draw.")
    if entropy is not None:
        report.expect(entropy["value"] is not None or not streamed, "Fans were drawn without the value of the public source.")
        check_source(report, draw, entropy)
    for attempt in draw["attempts"]:
        # a file that waited while luck became known is late, too, though it was received before
        late = attempt["late"] or not came_before(since, attempt["received_at"])
        report.expect(late, f"Score file {attempt['attempt']} is late by the times on the page, which does not say so.")
    named = draw["named_attempt"]
    there = named is None or named in [attempt["attempt"] for attempt in draw["attempts"] if not attempt["late"]]
    report.expect(there, f"Score file {named}, which was named to become active, is late, or not there.")
    report.note(problems, f"What was late: by the times on the page, luck could be known since {since}.")


def check_source(report: Report, draw: Json, entropy: Json) -> None:
    """That nobody could know the value when the draw was committed to, nor when the source was moved. A rehearsal's may be old."""
    moved, entered = entropy["moved"], entropy["entered_at"]
    report.expect((entropy["value"] is None) == (entered is None), "A value without its time, or a time alone.")
    entered_first = draw["first_drawn_at"] is None or came_before(entered, draw["first_drawn_at"])
    report.expect(entered_first, "The first draw was made before the public value was entered.")
    for source in filter(None, (entropy, moved)):
        check_named(report, source, entropy["value"], supplied=draw["draw_supplied"])
    if moved and not (draw["draw_supplied"] and moved["public_at"] is None):
        in_time = comes_before(moved["at"], moved["public_at"]) and comes_before(moved["at"], entropy["public_at"])
        report.expect(in_time, "The public source was exchanged after its value could be known, or for one that was known.")
    report.expect(not moved or came_before(draw["opened_at"], moved["at"]), "The public source was exchanged before the opening.")
    if not draw["draw_supplied"]:
        to_come = comes_before(draw["opened_at"], entropy["public_at"])
        report.expect(to_come, "The value of the public source was known when the campaign opened, or nothing says when it was.")
        in_order = entered is None or came_before(entropy["public_at"], entered)
        report.expect(in_order, "The value of the public source was entered before it was public.")


def check_named(report: Report, source: Json, value: str | None, *, supplied: bool) -> None:
    """A named source; all about a round of drand follows from its number. `value`: of the source that counts."""
    name, at = source["source"], source["public_at"]
    if not re.match(r"drand\s+round\b", name, re.IGNORECASE) and (source["chain"], source["round"]) == (None, None):
        report.expect(supplied or bool(source["form"]), f"{shown(name)}: nothing says how its value is written.")
        return
    number = source["round"] or 0
    says = (name, source["chain"], source["form"])
    report.expect(number > 0 and says == (f"drand round {number}", DRAND_CHAIN, DRAND_FORM), f"{shown(name)} is no round of drand.")
    due = DRAND_GENESIS + (number - 1) * DRAND_PERIOD
    right = supplied if at is None else datetime.fromisoformat(at).timestamp() == due
    report.expect(right, f"{shown(name)} was public at second {due} of Unix time, not at {at}.")
    if "value" in source and value is not None and at is not None:
        report.expect(is_digest(value), f"The value is not the randomness of a round of drand: {shown(value)}.")


def check_moments(report: Report, draw: Json) -> None:
    """All that happened did while the campaign was open; files came in the order of their numbers, and before they were drawn."""
    opened, closed = draw["opened_at"], draw["closed_at"]
    outside = [time for time in moments(draw) if not (came_before(opened, time) and came_before(time, closed))]
    report.expect(not outside, f"{', '.join(outside[:3])}: what is said to have happened then did before the opening or after the close.")
    received = {attempt["attempt"]: attempt["received_at"] for attempt in draw["attempts"]}
    times = list(received.values())
    report.expect(all(map(came_before, times, times[1:])), "The score files are not numbered in the order in which they were received.")
    for wave in draw["waves"]:
        if wave["kind"] in PROVEN:
            there = came_before(received.get(wave["attempt"]), wave["prepared_at"])
            report.expect(there, f"Wave {wave['date_key']} was prepared before its score file was received.")


def moments(page: Json) -> list[str]:
    """When something happened, by the page."""
    times = [page["first_drawn_at"], page["entropy"] and page["entropy"]["entered_at"]]
    times += [attempt["received_at"] for attempt in page["attempts"]]
    times += [change["at"] for change in page["rule_changes"] + page["late"]]
    for wave in page["waves"]:
        times += [wave["first_prepared_at"], wave["prepared_at"], wave["triggered_at"], wave["cancelled_at"]]
    return [time for time in times if time is not None]


def check_late(report: Report, draw: Json) -> None:
    """Each late score file is among the late changes."""
    due = []
    for attempt in draw["attempts"]:
        of = "" if attempt["supplement_of"] is None else f", a supplement of attempt {attempt['supplement_of']}"
        due += [f"attempt {attempt['attempt']}{of}"] if attempt["late"] else []
    said = [late["subject"] for late in draw["late"] if late["kind"] == "score_file"]
    report.expect(said == due, "The late score files are not those among the late changes.")


def check_active(report: Report, draw: Json) -> None:
    """Each wave was selected from the file that was active then: the one that was named, until a late change switched it."""
    switches: list[tuple[str, int | None]] = []
    for late in draw["late"]:
        if late["kind"] == "activation":
            to = re.fullmatch(r"attempt (\d{1,9}) made active|switch undone, (?:attempt (\d{1,9})|no file) active again", late["subject"])
            if to is None:
                report.problems.append(f"Late change {late['number']} does not say which score file became active.")
                return
            number = to[1] or to[2]
            switches.append((late["at"], int(number) if number else None))
    for wave in draw["waves"]:
        if wave["kind"] in PROVEN:
            active = ([draw["named_attempt"]] + [to for at, to in switches if came_before(at, wave["prepared_at"])])[-1]
            report.expect(
                wave["attempt"] == active, f"Wave {wave['date_key']} was selected from score file {wave['attempt']}; {active} was active."
            )
    active = ([draw["named_attempt"]] + [to for _, to in switches])[-1]
    now = next((attempt["attempt"] for attempt in draw["attempts"] if attempt["active"]), None)
    may_be_none = not switches and not any(wave["kind"] in PROVEN for wave in draw["waves"])
    right = now == active or (now is None and may_be_none)
    report.expect(right, f"Score file {now} is said to be active; by what was named and switched it is {active}.")


def check_capacities(report: Report, draw: Json) -> None:
    """A market has the same seats in each wave unless a change of rules says otherwise."""
    events = [
        (datetime.fromisoformat(change["at"]), change["market_id"], change["before"], change["after"])
        for change in draw["rule_changes"]
        if change["rule"] == "capacity" and change["market_id"]
    ]
    for wave in draw["waves"]:
        if wave["kind"] != "withdrawn":
            at = datetime.fromisoformat(wave["prepared_at"])
            events += [(at, market["market_id"], *[str(market["capacity"])] * 2) for market in wave["markets"]]
    seats: dict[str, str] = {}
    for at, market, before, after in sorted(events, key=lambda event: event[0]):
        right = seats.setdefault(market, before) == before
        report.expect(right, f"Market {market}: {shown(seats[market])} seats became {shown(before)} by {at}, by no change of rules.")
        seats[market] = after


def check_attempts(report: Report, draw: Json) -> None:
    attempts = draw["attempts"]
    numbers = [attempt["attempt"] for attempt in attempts]
    if numbers != list(range(1, len(numbers) + 1)):
        raise Broken(f"A score file is left out or listed twice: the numbers are {shown(numbers)}.")
    report.expect(sum(attempt["active"] for attempt in attempts) <= 1, "More than one score file is active.")
    for attempt in attempts:
        name, drawn = f"Score file {attempt['attempt']}", attempt["state"] == "streamed"
        report.expect(attempt["rows_in"] == attempt["accepted"] + attempt["rejected"], f"{name}: rows in are not those out.")
        judged = drawn or attempt["state"] == "validated"
        banded = sum(attempt["bands"].values()) == (attempt["accepted"] if judged else 0)
        report.expect(banded, f"{name}: the bands do not add up to the fans accepted.")
        whole = bool(attempt["roster_digest"] and attempt["rules_digest"] and attempt["min_score"] is not None)
        report.expect(whole or not judged, f"{name} lacks the digest of its roster or rules, or its minimum.")
        report.expect(drawn or not attempt["active"], f"{name} is active and was not drawn.")
        other = attempt["supplement_of"]
        report.expect(other is None or 1 <= other < attempt["attempt"], f"{name} supplements a file that did not come before it.")


def check_lists(report: Report, draw: Json) -> None:
    changes = [json.dumps(change, sort_keys=True) for change in draw["rule_changes"]]
    report.expect(len(set(changes)) == len(changes), "A change of rules is listed twice.")
    times = [datetime.fromisoformat(change["at"]) for change in draw["rule_changes"]]
    report.expect(times == sorted(times), "The changes of rules are not in order of their times.")
    numbers = [late["number"] for late in draw["late"]]
    report.expect(numbers == list(range(1, len(numbers) + 1)), f"A late change is left out: the numbers are {shown(numbers)}.")
    for late in draw["late"]:
        moved = "not counted" if late["moved"] is None else late["moved"]
        parts = (late["at"], late["kind"], late["subject"], late["reason"])
        report.late.append("Late change {}, {}: {}, {}. Reason: {}. Fans moved: {}.".format(late["number"], *map(shown, parts), moved))
    for attempt in draw["attempts"]:
        if attempt["late"]:
            report.late.append(f"Score file {attempt['attempt']} was received at {attempt['received_at']}, when luck could be known.")


def check_waves(report: Report, draw: Json) -> None:
    """Each wave in itself, as the page shows it."""
    keys = [wave["date_key"] for wave in draw["waves"]]
    if len(set(keys)) != len(keys):
        raise Broken("A wave is listed twice.")
    for wave in draw["waves"]:
        name, cancelled = f"Wave {wave['date_key']}", wave["state"] == "cancelled"
        report.expect(cancelled or wave["state"] == "completed", f"{name} is {wave['state']}, though the campaign is closed.")
        report.expect(
            cancelled == (wave["cancelled_at"] is not None), f"{name}: its state and the time of its cancellation contradict."
        )
        report.expect(cancelled or wave["triggered_at"] is not None, f"{name} is completed and was never triggered.")
        first, last = wave["first_prepared_at"], wave["prepared_at"]
        if first is None or last is None or not wave["preparations"]:
            raise Broken(f"{name} was never prepared.")
        times = [time for time in (first, last, wave["triggered_at"], wave["cancelled_at"]) if time is not None]
        report.expect(all(map(came_before, times, times[1:])), f"{name}: its times are not in order.")
        report.expect(wave["preparations"] > 1 or first == last, f"{name}: prepared once, and at two times.")
        if wave["kind"] != "withdrawn":
            check_markets(report, name, wave)
        if wave["kind"] in PROVEN and not any(a["attempt"] == wave["attempt"] and a["state"] == "streamed" for a in draw["attempts"]):
            raise Broken(f"{name} was selected from score file {wave['attempt']}, which was never drawn.")
        if wave["kind"] == "drawn":
            check_top_up(report, draw, wave)
            alone = [market["market_id"] for market in wave["markets"]] == [wave["single_market"]]
            single = wave["order"] == "single_market"
            report.expect(alone if single else wave["single_market"] is None, f"{name}: its order and its markets contradict.")
        elif wave["kind"] == "not_selected":
            seats = any(market["own_capacity"] != 0 for market in wave["markets"])
            report.expect(not seats, f"{name} tells fans that they were not selected, and has seats for them.")
        elif wave["kind"] == "uploaded":
            selected = sum(market["selected"] for market in wave["markets"])
            report.expect(selected == wave["fans"], f"{name}: its fans are not those of its markets.")


def check_top_up(report: Report, draw: Json, wave: Json) -> None:
    """A top-up has the rules of the wave that it tops up, the last one that was selected before it; but for the seats."""
    if wave["tops_up"] is None:
        return
    name = f"Wave {wave['date_key']}"
    place = draw["waves"].index(wave)
    before = [each for each in draw["waves"][:place] if each["kind"] == "drawn" and not came_before(each["cancelled_at"], wave["prepared_at"])]
    if not before or before[-1]["date_key"] != wave["tops_up"]:
        report.problems.append(f"{name} tops up {wave['tops_up']}, which is not the wave that was selected last before it.")
        return
    base = before[-1]
    for rule in ("order", "single_market"):
        report.expect(wave[rule] == base[rule], f"{name}: its {rule.replace('_', ' ')} is not that of the wave that it tops up.")
    times = [{market["market_id"]: market["selection_time"] for market in each["markets"]} for each in (wave, base)]
    report.expect(times[0] == times[1], f"{name}: its markets or their selection times are not those of the wave that it tops up.")
    bare = all(market["own_capacity"] is None for market in wave["markets"]) and not wave["reassign"]
    report.expect(bare, f"{name} is a top-up with capacities of its own, or one that reassigns codes.")
    changed = any(change["rule"] == "minimum score" for change in draw["rule_changes"])
    report.expect(changed or wave["min_score"] == base["min_score"], f"{name}: its minimum is not that of the wave that it tops up.")
    sent = came_before(base["triggered_at"], wave["prepared_at"])
    report.expect(sent, f"{name} tops up a wave that was not sent yet.")
    told = [each for each in draw["waves"][:place] if each["kind"] == "not_selected" and each["triggered_at"] is not None]
    report.expect(not told, f"{name} tops up, though fans had been told that they were not selected.")


def check_markets(report: Report, name: str, wave: Json) -> None:
    order = [(market["position"], market["market_id"]) for market in wave["markets"]]
    if len({market_id for _, market_id in order}) != len(order):
        raise Broken(f"{name} lists a market twice.")
    report.expect(order == sorted(order), f"{name}: its markets are not in order of their positions.")
    for market in wave["markets"]:
        title = f"{name}, market {market['market_id']}"
        report.expect(market["selected"] <= market["room"], f"{title}: more fans than room.")
        closed = wave["kind"] == "uploaded" or came_before(market["selection_time"], wave["prepared_at"])
        report.expect(closed, f"{title}: selected before its selection time.")


class Saved:
    """The page at the close against a copy of it that was saved: what had been published is still there and still says the same."""

    def __init__(self, report: Report, draw: Json, manifest: Json, saved: Json, name: str) -> None:
        self.report, self.draw, self.saved, self.name = report, draw, saved, shown(name)
        problems = len(report.problems)
        if saved["seed"] is None:
            self.check_before_close()
        else:
            for key in sorted(set(draw) - {"status", "proof", "late"}):
                self.same(key, saved[key], draw[key])
            self.check_late(draw["late"])
            report.expect(saved["status"] != "open", f"{self.name} has a seed, though it says that the campaign is open.")
        if proof := saved["proof"]:
            report.expect(
                proof["sha256"] == report.bundle_sha256, f"{self.name} names another bundle than this one, by its SHA-256."
            )
            self.same("proof shards_root", proof["shards_root"], manifest["shards_root"])
        report.note(problems, f"All that {self.name} shows of the draw is in the bundle.")

    def same(self, what: str, before: Any, after: Any) -> None:
        if isinstance(before, dict) and isinstance(after, dict) and set(before) == set(after):
            for key in before:
                self.same(f"{what} {key}", before[key], after[key])
        elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
            for number, pair in enumerate(zip(before, after), 1):
                self.same(f"{what} {number}", *pair)
        elif json.dumps(before, sort_keys=True) != json.dumps(after, sort_keys=True):
            said = f"{self.name}: the page said that {what} is {shown(before)}, the bundle says {shown(after)}."
            self.report.problems.append(said)

    def check_before_close(self) -> None:
        saved, draw = self.saved, self.draw
        self.report.expect(saved["status"] == "open" and saved["closed_at"] is None, f"{self.name}: closed, and without a seed.")
        for key in ("campaign_id", "opened_at", "commitment", "salt_commitment", "draw_supplied"):
            self.same(key, saved[key], draw[key])
        for key in ("name", "artist"):
            if saved[key] != draw[key]:
                self.report.unusual.append(f"The {key} was {shown(saved[key])} on the page, and is now {shown(draw[key])}.")
        self.check_source(saved["entropy"], draw["entropy"])
        settled = saved["first_drawn_at"] is not None or bool(saved["entropy"] and saved["entropy"]["value"])
        # from then on no file can be named; that it was later when the page was saved is certain if anything happened since
        settled = settled or any(came_before(saved["late_since"], time) for time in moments(saved))
        for key in ("first_drawn_at", *(("named_attempt",) if settled else ())):
            if saved[key] is not None or key == "named_attempt":
                self.same(key, saved[key], draw[key])
        self.check_attempts()
        self.same("rule_changes", saved["rule_changes"], draw["rule_changes"][: len(saved["rule_changes"])])
        self.check_late(draw["late"][: len(saved["late"])])
        waves = {wave["date_key"]: wave for wave in draw["waves"]}
        for wave in saved["waves"]:
            self.check_wave(wave, waves.get(wave["date_key"]))

    def check_late(self, now: list[Json]) -> None:
        """How many fans a late change moved may not have been known yet; all else of it was said at once."""
        before = [dict(change) for change in self.saved["late"]]
        for earlier, later in zip(before, now):
            if earlier["moved"] is None:
                earlier["moved"] = later["moved"]
        self.same("late", before, now)

    def check_source(self, before: Json | None, after: Json | None) -> None:
        """A value may have come since; the source may have been exchanged once, and then says what it was."""
        if before is None or after is None:
            self.same("entropy", before, after)
            return
        since = after
        if before["moved"] is None and after["moved"] is not None:
            since = after["moved"]
            self.report.expect(before["value"] is None, "The public source was exchanged after its value was entered.")
        for key in SOURCE:
            self.same(f"entropy {key}", before[key], since[key])
        for key in ("value", "entered_at", "moved"):
            if before[key] is not None:
                self.same(f"entropy {key}", before[key], after[key])

    def check_attempts(self) -> None:
        forward = ("uploaded", "processing", "validated", "streamed")
        for number, before in enumerate(self.saved["attempts"], 1):
            what = f"score file {number}"
            if number > len(self.draw["attempts"]):
                self.report.problems.append(f"{self.name}: the page listed {what}, the bundle does not.")
                continue
            after = self.draw["attempts"][number - 1]
            for key in ("attempt", "received_at", "late", "supplement_of", "sha256"):
                self.same(f"{what} {key}", before[key], after[key])
            judged = before["state"] in ("validated", "streamed")
            keys = ("rules_digest", "min_score", "roster_digest", "rows_in", "accepted", "rejected", "bands")
            for key in keys if judged else ():
                self.same(f"{what} {key}", before[key], after[key])
            if before["state"] in forward and after["state"] in forward:
                further = forward.index(after["state"]) >= forward.index(before["state"])
                self.report.expect(further, f"{self.name}: {what} was {before['state']}, and is {after['state']} now.")
            undone = before["state"] == "streamed" and after["state"] != "streamed"
            self.report.expect(not undone, f"{self.name}: {what} was drawn, and is {after['state']} now.")
            if before["state"] == "failed" and after["state"] == "failed":
                self.same(what, {**before, "active": False}, {**after, "active": False})

    def check_wave(self, before: Json, after: Json | None) -> None:
        what = f"wave {before['date_key']}"
        if after is None:
            self.report.problems.append(f"{self.name}: the page listed {what}, the bundle does not.")
            return
        moves = {"state", "cancelled_at"} if before["state"] in ("triggered", "paused") else set()
        for key in sorted(set(before) | set(after)):
            if key not in moves:
                self.same(f"{what} {key}", before.get(key), after.get(key))


# ---------------------------------------------------------------------------------------------------- all of it


def leave_what_cannot_be_checked(report: Report, draw: Json, saved: list[Json], options: argparse.Namespace) -> None:
    """Each thing by name, and who can check it."""
    report.leave("The words of README.txt. Nothing that is in the bundle is run.", "README.txt")
    if all(page["seed"] is None for page in saved):
        report.leave(
            "When the campaign closed, its name and artist, which score file is active at the end if no wave was drawn, and what was"
            " added since the page was saved: compare a copy of the page that is saved after the close.",
            *("draw.json closed_at", "draw.json name", "draw.json artist", "draw.json attempts active", "draw.json attempts[+]"),
            *("draw.json rule_changes[+]", "draw.json late[+]", "draw.json waves[+]"),
        )
    if not saved:
        report.leave(
            "Whether all this is what the public page showed while the draw was sealed: without --published a bundle that was made up"
            f" as a whole passes. The least to compare is the commitment: {draw['commitment']}",
            "draw.json",
        )
    if options.salt is None:
        report.leave(
            "That each fan has one reference, and that nonces come from the salt: an auditor with the salt (its SHA-256 is"
            " salt_commitment) and the list of all ids can check it, with --salt-file and --ids."
        )
    elif options.ids is None:
        report.leave("That each fan has one reference: an auditor with the list of all ids can check it, with --ids.")
    if entropy := draw["entropy"]:
        report.leave(f"That the public value is what its source published: look it up there ({shown(entropy['source'])}).")
        if entropy["round"] is not None and entropy["chain"]:
            report.leave(
                f"The signature of drand's round. Fetch https://api.drand.sh/{shown(entropy['chain'])}/public/{entropy['round']} from"
                " several of its mirrors: its randomness must be the value here, and the SHA-256 of its signature; that the signature"
                " is the network's is checked with BLS12-381 (by the drand client, or py_ecc)."
            )
    else:
        report.leave("Without a public source, whoever could read the database knew the luck of each fan beforehand.")
    if draw["draw_supplied"]:
        report.leave("The seed was supplied by the operators (a rehearsal): that nobody knew it beforehand cannot be shown.")
    report.leave(
        "Which fans could be contacted, were on a list, or were registered at all, and when; which of the markets that a fan asked for"
        " were still open to them; and the preferences of those who registered after the roster (marked +). It follows from"
        " personal data: each fan can check their own, and an auditor all.",
        "fans-N.tsv wave",
    )
    report.leave(
        "That raw scores are deserved, and that files and rules are those of the SHA-256 published: who has the files can compare."
    )
    if draw["late"]:
        known = {late["number"] for page in saved for late in page["late"] if late["moved"] is not None}
        counted_since = any(late["number"] not in known for late in draw["late"])
        report.leave(
            "How many fans a late change moved: the page says it, an auditor can count.",
            *(["draw.json late moved"] if counted_since else []),
        )
    report.leave(
        "That each late change of lists, registrations or a wave's own rules is among the late changes: of late score files and of"
        " switches of the active file it is checked, of these only the site's own record tells."
    )


def check(path: str, options: argparse.Namespace) -> Report:
    """Everything, as far as it goes: what cannot be read is a problem like any other."""
    report = Report()
    try:
        bundle = Archive(path, report)
        try:
            check_bundle(bundle, options)
        finally:
            bundle.close()
    except Broken as error:
        report.problems.append(str(error))
    except (OSError, MemoryError) as error:
        report.problems.append(f"The bundle cannot be read: {type(error).__name__}.")
    return report


def check_bundle(bundle: Archive, options: argparse.Namespace) -> None:
    report = bundle.report
    manifest = read_manifest(bundle)
    report.expect(bundle.read_json("rules.json") == RULES, "rules.json does not hold the rules this checker knows.")
    draw = require_shape(bundle.read_json("draw.json"), "draw.json")
    saved = [(require_shape(parse_json(content, name), name), name) for name, content in options.saved]
    check_draw(report, draw)
    for page, name in saved:
        Saved(report, draw, manifest, page, name)
    if options.commitment is not None:
        report.expect(options.commitment.strip().lower() == draw["commitment"], "The commitment is not the one you were given.")
    drawn = [as_selected(wave) for wave in draw["waves"] if wave["kind"] in PROVEN]
    used = {wave["attempt"] for wave in drawn} | {each["attempt"] for each in draw["attempts"] if each["active"]}
    require_files(bundle, drawn, sorted(used))
    check_salt(report, draw, options)
    wanted = reference_of(report, options)
    standing: Json = {"fan_ref": wanted, "score_files": []}
    rosters: dict[int, Fans] = {}
    shards = Shards(bundle)
    for number in sorted(used):
        problems, mine = len(report.problems), [wave for wave in drawn if wave["attempt"] == number]
        fans = Fans(bundle, draw, draw["attempts"][number - 1], mine, wanted.encode() if wanted else None)
        report.checked["attempts"] += 1
        report.checked["fans"] += len(fans.scores)
        report.note(problems, f"Score file {number}: {len(fans.scores)} band scores and the roster digest.")
        check_ids(report, fans, options)
        if fans.found is not None:
            row = fans.found["row"]
            fans.found.update(attempt=number, band=fans.band(row), band_score=fans.scores[row], waves=[])
            standing["score_files"].append(fans.found)
        shards.add_file(fans)
        if mine:
            rosters[number] = fans
    check_drawn_waves(bundle, draw, drawn, rosters, shards)
    shards.check(manifest)
    say_of_other_waves(report, draw)
    if not bundle.changed:
        report.passed.append("Each file is the one the manifest names.")
    leave_what_cannot_be_checked(report, draw, [page for page, _ in saved], options)
    if wanted is not None:
        report.fan = standing


def read_manifest(bundle: Archive) -> Json:
    noted = bundle.read("manifest.sha256", 200)
    content = bundle.read("manifest.json")
    if noted != hashlib.sha256(content).hexdigest().encode() + b"\n":
        raise Broken("manifest.json is not the file that manifest.sha256 names: one of the two was changed.")
    manifest = parse_json(content, "manifest.json")
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise Broken("This is not the proof of a draw.")
    if manifest.get("version") != VERSION or type(manifest["version"]) is not int:
        raise Broken(f"This is version {shown(manifest.get('version'))} of a proof: check it with the verify_draw.py inside it.")
    files = dict.fromkeys(set(bundle.entries) - {"manifest.json", "manifest.sha256"}, is_digest)
    shape = {"format": is_text, "version": is_count, "shards_root": is_digest, "files": files}
    if sentence := misfit(manifest, shape, "manifest.json"):
        raise Broken(sentence)
    bundle.files = manifest["files"]
    return dict(manifest)


def require_files(bundle: Archive, drawn: list[Json], used: list[int]) -> None:
    """The bundle holds exactly the files that the page calls for, in their order."""
    expected = ["README.txt", "verify_draw.py", "rules.json", "draw.json", *(f"fans-{number}.tsv" for number in used)]
    expected += [f"waves/{wave['date_key']}.members.tsv" for wave in drawn if wave["kind"] == "drawn"]
    expected += ["manifest.json", "manifest.sha256"]
    if list(bundle.entries) != expected:
        odd = sorted(set(bundle.entries) ^ set(expected)) or expected
        raise Broken(f"Files are missing, too many, or in another order: {shown(', '.join(odd[:5]))}.")
    bundle.read("README.txt")
    if bundle.read("verify_draw.py") != Path(__file__).read_bytes():
        bundle.report.leave("The verify_draw.py in the bundle is another one than this, and is not run.", "verify_draw.py")


def as_selected(wave: Json) -> Json:
    """A wave that tells fans that they were not selected is one with no seats, where everybody waits."""
    if wave["kind"] == "drawn":
        return wave
    none = {"order": "by_preference", "single_market": None, "selected": 0, "returned": 0, "reassign": False, "tops_up": None}
    return {**wave, **none, "candidates": wave["fans"], "waitlist": wave["fans"]}


def check_drawn_waves(bundle: Archive, draw: Json, drawn: list[Json], rosters: dict[int, Fans], shards: Shards) -> None:
    """The waves in the order in which they were prepared, each with what the earlier ones left to it."""
    report = bundle.report
    taken: dict[str, Taken] = {}
    places: dict[int, list[Places]] = defaultdict(list)
    tests: list[Json] = []
    prepared = [datetime.fromisoformat(wave["prepared_at"]) for wave in draw["waves"]]
    report.expect(prepared == sorted(prepared), "The waves are not in the order in which they were prepared.")
    for wave in drawn:
        problems, fans, name = len(report.problems), rosters[wave["attempt"]], f"Wave {wave['date_key']}"
        earlier = Earlier(draw["waves"], taken, wave)
        exclusions, selection = Exclusions(wave, fans, earlier), Selection(wave, fans)
        everybody = wave["candidates"] + wave["returned"] + sum(wave["excluded"].values())
        report.expect(everybody == len(fans.scores), f"{name}: candidates and excluded are not all fans of the score file.")
        exclusions.check(report)
        earlier.check_seats(report)
        earlier.check_taken(report, fans)
        selection.check(bundle)
        places[wave["attempt"]].append(Places(selection))
        tests += exclusions.luck_tests()
        taken[wave["date_key"]] = Taken(wave, selection)
        report.checked["waves"] += 1
        told = wave["kind"] == "not_selected"
        rest = "all of them told that they were not selected" if told else f"{len(selection.members)} of them members"
        report.note(problems, f"{name}: {len(selection.candidates)} candidates, {rest}.")
        if exclusions.unrostered:
            report.late.append(f"{name}: {exclusions.unrostered} fans registered after the roster of their score file was made.")
        if fans.found is not None:
            fans.found["waves"].append(selection.standing(fans.found["row"]))
    for number, its in places.items():
        shards.add_waves(rosters[number], its)
    judge_luck(report, tests)


def say_of_other_waves(report: Report, draw: Json) -> None:
    for wave in draw["waves"]:
        name, times = f"Wave {wave['date_key']}", wave["preparations"]
        if wave["kind"] == "uploaded":
            who, why = wave["uploaded_by_role"], wave["reason"]
            by = f"uploaded by {shown(who)}" if who else "uploaded (the page does not say by whom)"
            reason = f"Reason: {shown(why)}" if why else "The page does not say why"
            report.leave(f"{name} was not drawn: {wave['fans']} fans, {by}. {reason}.")
        elif wave["kind"] == "withdrawn":
            report.leave(f"{name} was prepared ({times}×) and taken back: whom it would have taken is not in the bundle.")
        elif times > 1:
            report.late.append(f"{name} was prepared {times} times; the last one counts.")


def reference_of(report: Report, options: argparse.Namespace) -> str | None:
    """Whose entry is asked for: by reference, or by id where the salt is there; and whether reference, nonce and id fit."""
    fan: str | None = options.fan and options.fan.strip().lower()
    if options.id is None:
        return fan
    its_id = options.id.strip().encode()
    nonce = bytes.fromhex(options.nonce) if options.nonce else hmac.new(options.salt, its_id, "sha256").digest()
    found = hashlib.sha256(nonce + its_id).hexdigest()
    if fan is not None:
        problems = len(report.problems)
        report.expect(found == fan, "This reference does not belong to this id and nonce.")
        report.note(problems, "The reference is SHA-256(nonce + id): it belongs to this id and to no other.")
    return fan or found


def check_salt(report: Report, draw: Json, options: argparse.Namespace) -> None:
    if options.salt is not None:
        problems = len(report.problems)
        right = hashlib.sha256(options.salt).hexdigest() == draw["salt_commitment"]
        report.expect(right, "This is not the salt of this draw: its SHA-256 is not salt_commitment.")
        report.note(problems, "salt_commitment is SHA-256(salt).")


def check_ids(report: Report, fans: Fans, options: argparse.Namespace) -> None:
    """With salt and all ids: each reference is that of one id."""
    if options.ids is None:
        return
    known = set()
    for fan in options.ids:
        nonce = hmac.new(options.salt, fan, "sha256").digest()
        known.add(hashlib.sha256(nonce + fan).digest())
    rows = (bytes(fans.refs[start : start + 32]) for start in range(0, len(fans.refs), 32))
    strangers = sum(ref not in known for ref in rows)
    report.expect(not strangers, f"{fans.name}: {strangers} references belong to none of the {len(known)} ids.")
    if not strangers:
        report.passed.append(f"{fans.name}: each reference is that of one of the {len(known)} ids.")


# ---------------------------------------------------------------------------------------------------- shards


class Shards:
    """The small files from which a browser checks one entry hang on one hash, the root; here it is computed again. `fans-N/…` are
    the lines of score file N by the first bits of their reference, behind each the fan's place and market in each wave; `order-KEY/…`
    the candidates of a wave by place. Each section's digests stand in indexes, and theirs in index.json, whose SHA-256 is the root.
    """

    def __init__(self, bundle: Archive) -> None:
        self.bundle = bundle
        self.files: list[tuple[str, bytes, int, list[str]]] = []
        self.waves: dict[str, Places] = {}

    def add_file(self, fans: Fans) -> None:
        self.files.append((fans.name, fans.header, len(fans.scores), [wave["date_key"] for wave in fans.waves]))

    def add_waves(self, fans: Fans, waves: list[Places]) -> None:
        """The waves that were selected from a score file. References and scores are written once for all of them."""
        rows = iter(fans.order)
        for block in iter(lambda: list(islice(rows, BLOCK_OF_FANS)), []):
            written = [f"\t{fans.ref(row)}\t{fans.scores[row]!r}\t" for row in block]
            for wave in waves:
                wave.add(block, written)
        self.waves.update((wave.key, wave) for wave in waves)

    def check(self, manifest: Json) -> None:
        sections = []
        for name, header, fans, keys in self.files:
            bits = next(bits for bits in range(MOST_BITS + 1) if fans >> bits <= FANS_PER_SHARD or bits == MOST_BITS)
            contents = by_first_bits(self.lines_of(name, header, keys), bits)
            sections.append(section(name[:-4], map(sha256_hex, contents), bits=bits, waves=keys))
            sections += [self.waves[key].section() for key in keys]
        index = {"format": "fairwave-shards", "version": 1, "draw": manifest["files"]["draw.json"], "sections": sections}
        index.update(places_per_shard=PLACES_PER_SHARD, shards_per_index=SHARDS_PER_INDEX)
        root = hashlib.sha256(json.dumps(index, indent=1, sort_keys=True).encode() + b"\n").hexdigest()
        problems = len(self.bundle.report.problems)
        wrong = "The files from which browsers check one entry are others than this bundle's: their root, manifest.json shards_root, "
        self.bundle.report.expect(manifest["shards_root"] == root, wrong + f"would be {root}.")
        self.bundle.report.note(problems, f"The root of the files from which browsers check one entry: {root}.")

    def lines_of(self, name: str, header: bytes, keys: list[str]) -> Iterator[bytes]:
        """The lines of a score file's fans, each wave's place and market behind them."""
        before = 0
        for block in self.bundle.lines(name, header, again=True):
            lines = block.split(b"\n")[:-1]
            rows = range(before, before + len(lines))
            cells = [self.waves[key].cells(rows) for key in keys]
            yield from map(b"\t".join, zip(lines, *cells))
            before += len(lines)


class Places:
    """The place and market of each candidate of a wave, and the shards that hold them by place."""

    def __init__(self, selection: Selection) -> None:
        self.key, self.candidates = selection.wave["date_key"], len(selection.candidates)
        self.markets = {row: market for _, row, market in selection.members}
        self.places = array("I", bytes(4 * len(selection.fans.scores)))
        for place, row in enumerate(selection.candidates, 1):
            self.places[row] = place
        self.lines: list[str] = []
        self.digests: list[str] = []

    def add(self, rows: list[int], written: list[str]) -> None:
        """The next fans in the order of the draw, with what is written of each between place and market."""
        places, market_of = map(self.places.__getitem__, rows), self.markets.get
        self.lines += [f"{place}{text}{market_of(row, '')}\n" for row, place, text in zip(rows, places, written) if place]
        self.close_shards(len(self.lines) - len(self.lines) % PLACES_PER_SHARD)

    def close_shards(self, lines: int) -> None:
        contents = ("".join(self.lines[at : at + PLACES_PER_SHARD]).encode() for at in range(0, lines, PLACES_PER_SHARD))
        self.digests += map(sha256_hex, contents)
        del self.lines[:lines]

    def section(self) -> Json:
        self.close_shards(len(self.lines))
        return section(f"order-{self.key}", self.digests, places=self.candidates)

    def cells(self, rows: range) -> Iterator[bytes]:
        """What stands behind each fan's line."""
        market_of = self.markets.get
        for row, place in zip(rows, self.places[rows.start : rows.stop]):
            yield f"{place}:{market_of(row, '')}".encode() if place else b""


def by_first_bits(lines: Iterable[bytes], bits: int) -> Iterator[bytes]:
    """The content of each shard of fans, empty ones too."""
    at = 0
    for number, group in groupby(lines, lambda line: int(line[:8], 16) >> (32 - bits)):
        yield from repeat(b"", number - at)
        yield b"\n".join(group) + b"\n"
        at = number + 1
    yield from repeat(b"", (1 << bits) - at)


def sha256_hex(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def section(name: str, shards: Iterable[str], **about: Any) -> Json:
    """What index.json says of the shards with these digests."""
    digests = list(shards)
    indexes = ("".join(f"{each}\n" for each in digests[at : at + SHARDS_PER_INDEX]) for at in range(0, len(digests), SHARDS_PER_INDEX))
    hashes = [hashlib.sha256(index.encode()).hexdigest() for index in indexes]
    return dict(about, name=name, shards=len(digests), indexes=hashes)


# ---------------------------------------------------------------------------------------------------- words


def in_words(report: Report) -> Iterator[str]:
    for line in report.passed:
        yield "OK           " + line
    for line in report.late:
        yield "LATE         " + line
    for line in report.unusual:
        yield "UNUSUAL      " + line
    for line in report.problems:
        yield "WRONG        " + line
    for left in report.unchecked:
        yield "NOT CHECKED  " + left["why"]
    if report.fan is not None:
        for line in fan_in_words(report.fan):
            yield "FAN          " + line
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
    if wave["why_not"] == "told_not_selected":
        return "told that they were not selected; place {place} of {of} who were left.".format(**wave)
    if wave["why_not"] == "comes_back_with_a_code":
        return "keeps the code of an earlier wave, for market {}.".format(wave["market"])
    if wave["place"] is None:
        return "not a candidate ({}).".format(wave["why_not"].replace("_", " "))
    place = f"place {wave['place']} of {wave['of']} candidates; "
    if wave["market"] is not None:
        return place + "selected for market {}.".format(wave["market"])
    cutoffs = ", ".join("{} at {!r}".format(market, wave["cutoffs"].get(market)) for market in wave["eligible"])
    return place + f"not selected, number {wave['waitlist_place']} of the waitlist; cut-offs: {cutoffs}."


# --- The second count: one wave recounted before it is approved -------------------------------------------------------
# `--recount FACTS.zip CLAIM.zip`: FACTS holds what is known of each fan of the score file, and the wave's rules; CLAIM what
# the wave says of itself. The seed comes through standard input with the SHA-256 of both files, as one JSON object. Each
# line that is printed is a JSON object: {"progress": [fans, of]} while it works, and the verdict as the last.

FACT_COLUMNS = [
    "fan_ref", "raw_score", "band_score", "preferences", "late_preferences", "registered_us", "in_wave", "holds_code",
    "returns", "again", "contact",
]  # fmt: skip
ORDERS = ("by_preference", "by_market_order", "single_market")
MOST_PROBLEMS = 12
UNCOUNTED = [
    "Whether a fan's e-mail address and phone number can be used, by the lists and options: that needs personal data. The record gives the outcome for each fan.",
    "Whether each reference is that of its fan: that needs the salt.",
    "The fans' codes and messages: approval names their digest.",
]


def recount(facts_path: str, claim_path: str, handed: Json) -> Json:
    """The verdict: whether this count comes to what the wave says, and each difference in a sentence."""
    report = Report()
    report.checked = dict.fromkeys(("fans", "candidates", "members", "markets"), 0)
    try:
        recount_record(facts_path, claim_path, handed, report)
    except Broken as error:
        report.problems.append(str(error))
    except (OSError, zipfile.BadZipFile) as error:
        report.problems.append(f"The sealed record cannot be read: {type(error).__name__}: {error}")
    except (KeyError, TypeError, ValueError) as error:  # something is missing; null; or not a number, a time or JSON
        report.problems.append(f"The sealed record does not hold what it should: {type(error).__name__}: {error}")
    problems = report.problems[:MOST_PROBLEMS]
    more = len(report.problems) - len(problems)
    problems += [f"And {more} more differences."] if more else []
    return {"agrees": not problems, "problems": problems, "counted": report.checked, "unchecked": UNCOUNTED}


def recount_record(facts_path: str, claim_path: str, handed: Json, report: Report) -> None:
    for path, name in ((facts_path, "facts"), (claim_path, "claim")):
        with open(path, "rb") as file:  # noqa: PTH123
            if sha256_of(file) != handed[name]:
                raise Broken(f"The record's {name} are not those that were sealed.")
    with zipfile.ZipFile(facts_path) as facts, zipfile.ZipFile(claim_path) as claim:
        listed = sorted(facts.namelist())
        if listed not in (["facts.json", "fans.tsv"], ["facts.json", "rows.tsv"]) or sorted(claim.namelist()) != ["members.tsv", "wave.json"]:
            raise Broken("The sealed record does not hold the files that it should.")
        rules, claimed = json.loads(facts.read("facts.json")), json.loads(claim.read("wave.json"))
        members = [line.split("\t") for line in claim.read("members.tsv").decode().splitlines()]
        if listed[1] == "rows.tsv":
            recount_uploaded(rules, claimed, facts.read("rows.tsv").decode(), members, report)
            return
        wave = Recount(rules, claimed, bytes.fromhex(handed["seed"]), report)
        wave.read_fans(facts)
        wave.compare(members)


ROW_COLUMNS = ["fan_ref", "market_id", "in_wave", "holds_code", "registered"]


def recount_uploaded(facts: Json, claim: Json, text: str, members: list[list[str]], report: Report) -> None:
    """A wave whose list was uploaded: its members are the accepted rows, one of each fan, within the seats that were left."""
    if facts["format"] != "fairwave-recount" or facts["version"] != 2 or facts["kind"] != "uploaded":
        raise Broken("The sealed record is of another format.")
    same = (claim["campaign_id"], claim["date_key"], claim["kind"]) == (facts["campaign_id"], facts["date_key"], "uploaded")
    report.expect(same, "The facts are those of another wave.")
    report.expect(claim["attempt"] is None, "The wave was uploaded, but names a score file.")
    header, *lines = [line.split("\t") for line in text.splitlines()]
    if header != ROW_COLUMNS or any(len(line) != len(ROW_COLUMNS) for line in lines):
        raise Broken("The facts do not have the columns that they should have.")
    report.checked.update(fans=len(lines), members=len(members), markets=len(claim["markets"]))
    report.expect(len(lines) == facts["rows"], f"The facts list {len(lines)} rows, not {facts['rows']}.")
    due = [(at, ref, market) for at, (ref, market, *_) in enumerate(lines, start=1)]
    given = [(int(at), ref, market) for at, ref, market, _ in members]
    if given != due:
        differing = len(set(given) ^ set(due))
        report.problems.append(f"Its members are not the accepted rows of its list: {differing} differ, or the order does.")
    report.expect(len({ref for _, ref, _ in given}) == len(given), "A fan is a member twice.")
    for place, what in ((2, "in another wave"), (3, "holding a code already")):
        found = sum(line[place] != "0" for line in lines)
        report.expect(not found, f"Fans {what}: {found}.")
    strangers = sum(line[4] != "1" for line in lines)
    report.expect(not strangers, f"Fans who are not registered: {strangers}.")
    report.expect(claim["selected"] == len(due), f"Selected: the wave says {claim['selected']}, this count gives {len(due)}.")
    taken, known = Counter(market for _, _, market in due), {market["market_id"]: market for market in facts["markets"]}
    told = [market["market_id"] for market in claim["markets"]]
    report.expect(len(set(told)) == len(told), "A market is listed twice.")
    report.expect(set(taken) <= set(told), "A market of the members is not listed.")
    for market in claim["markets"]:
        name = market["market_id"]
        if name not in known:
            raise Broken(f"The campaign has no market {shown(name)}.")
        right = dict(known[name], selected=taken[name])
        right["room"] = max(0, right["capacity"] - right["given"])
        report.expect(taken[name] <= right["room"], f"Market {name}: {taken[name]} fans, but room for {right['room']}.")
        for column in ("position", "capacity", "given", "room", "selection_us", "selected"):
            words = column.replace("_us", " time").replace("_", " ")
            report.expect(
                market[column] == right[column],
                f"Market {name}, {words}: the wave says {market[column]}, this count gives {right[column]}.",
            )


class Recount(Roster):
    """One wave counted again from the facts of its sealed record. `claim`: what the wave says of itself."""

    def __init__(self, facts: Json, claim: Json, seed: bytes, report: Report) -> None:
        if facts["format"] != "fairwave-recount" or facts["version"] != 2:
            raise Broken("The sealed record is of another format.")
        super().__init__("The facts", report, Luck(facts["campaign_id"], seed, facts["entropy_value"]), LOW)
        self.facts, self.claim, self.expect = facts, claim, report.expect
        self.expect(hashlib.sha256(seed).hexdigest() == facts["commitment"], "The seed is not the one that was committed.")
        same = (claim["campaign_id"], claim["date_key"]) == (facts["campaign_id"], facts["date_key"])
        self.expect(same, "The facts are those of another wave.")
        self.expect(
            claim["attempt"] == facts["attempt"],
            f"The wave was selected from score file {claim['attempt']}, but file {facts['attempt']} is active.",
        )
        self.told = facts["kind"] == "not_selected"  # whom it holds are told that they were not selected
        self.expect(facts["kind"] in PROVEN and claim["kind"] == facts["kind"], f"A wave of kind {claim['kind']} is not selected.")
        self.markets = self.markets_in_play()
        self.check_top_up()
        self.minimum = max([LOW] + [score for score in facts["min_scores"] if score is not None])
        self.closes = {market["market_id"].encode(): market["selection_us"] for market in self.markets}
        self.cells = array("I")
        self.cell_ids: dict[Any, int] = defaultdict(count().__next__)  # a reason, a market returned to, or the markets in order
        self.wanted_by: dict[bytes, Any] = {}

    def markets_in_play(self) -> list[Json]:
        """The markets that the wave fills, in position order, with the room that they have."""
        order, single = self.facts["order"], self.facts["single_market"]
        self.expect(order in ORDERS, f"The order {order!r} is none that the rules know.")
        markets = sorted(self.facts["markets"], key=lambda market: (market["position"], market["market_id"]))
        if order == "single_market":
            markets = [market for market in markets if market["market_id"] == single]
        for market in markets:
            left = market["capacity"] - market["given"]
            name = market["market_id"]
            self.expect(left >= 0, f"Market {name}: {market['given']} seats are given, but it has {market['capacity']}.")
            own = market["own_capacity"]
            market["room"] = max(0, left if own is None else min(left, own))
            self.expect(
                market["selection_us"] <= self.facts["prepared_us"], f"Market {name}: its selection time had not passed yet."
            )
        return markets

    def check_top_up(self) -> None:
        """A top-up has the rules of the wave that it tops up, but for the seats."""
        base = self.facts["tops_up"]
        if base is None:
            return
        own = {"order": self.facts["order"], "single_market": self.facts["single_market"], "min_score": self.facts["min_scores"][1]}
        own["markets"] = {market["market_id"]: market["selection_us"] for market in self.markets}
        for rule in sorted(own):
            self.expect(base[rule] == own[rule], f"Top-up: its {rule.replace('_', ' ')} is not that of the wave that it tops up.")
        self.expect(not self.facts["reassign"], "Top-up: it reassigns codes, which the free seats are not for.")
        bare = all(market["own_capacity"] is None for market in self.markets)
        self.expect(bare, "Top-up: it has capacities of its own.")

    def read_fans(self, archive: zipfile.ZipFile) -> None:
        rest, header, total = b"", "\t".join(FACT_COLUMNS).encode() + b"\n", self.facts["fans"]
        with archive.open("fans.tsv") as file:
            if file.readline(len(header) + 1) != header:
                raise Broken("The facts do not begin with the columns that they should have.")
            for part in iter(lambda: file.read(BLOCK), b""):
                whole, newline, rest = (rest + part).rpartition(b"\n")
                if newline:
                    self.take(self.columns_of(whole + newline, len(FACT_COLUMNS)))
                    print(json.dumps({"progress": [len(self.scores), total]}), flush=True)
        if rest:
            raise Broken("The facts end in the middle of a line.")
        self.report.checked["fans"] = len(self.scores)
        self.expect(len(self.scores) == total, f"The facts list {len(self.scores)} fans, the score file has {total}.")
        if self.facts["roster_digest"]:
            same = self.digest.hexdigest() == self.facts["roster_digest"]
            self.expect(same, "The fans, their raw scores and preferences are not those of the published roster.")
        if self.facts["bands"]:
            self.expect(
                self.bands == self.facts["bands"], f"The bands hold {self.bands} fans, the score file says {self.facts['bands']}."
            )

    def take(self, columns: list[list[bytes]]) -> None:
        refs, raws, written, preferences, *facts = columns
        numbers, due = self.add(refs, raws, preferences)
        stored = [float(text) if text else None for text in written]
        wrong = [row for row, score in enumerate(stored) if score != due[row]]
        for row in wrong[:2]:
            self.report.problems.append(
                f"Fan {refs[row].decode()[:12]}: the band score is {stored[row]!r}, this count gives {due[row]!r}."
            )
        self.expect(len(wrong) <= 2, f"{len(wrong) - 2} more band scores differ.")
        outcome, ids = self.outcome, self.cell_ids
        self.cells.extend([ids[outcome(*fan)] for fan in zip(numbers, preferences, *facts)])

    def outcome(
        self, raw: float, asked: bytes, late: bytes, registered: bytes, in_wave: bytes, holds: bytes, returns: bytes, again: bytes, contact: bytes
    ) -> Any:
        """Why the fan is no candidate, `(b"", market)` for who comes with their code for a market, or the markets, best first."""
        if not registered:
            return "not_registered"
        again = again if self.facts["reassign"] and again in self.closes else b""
        back = b"" if self.told else again or (returns if returns in self.closes else b"")
        if raw < self.minimum:
            reason = "below_minimum_score"
        elif in_wave == b"1" and not again:
            reason = "already_in_wave"
        elif holds == b"1" and not back:
            reason = "holds_code"
        elif contact:
            reason = contact.decode()
        elif back:
            return b"", back
        else:
            found = self.eligible(late[1:] if late else asked, int(registered))
            if found.__class__ is tuple:
                return found
            reason = found
        return reason

    def eligible(self, asked: bytes, registered: int) -> Any:
        """The markets of the wave that the fan asked for and registered in time for; or why there are none."""
        if asked not in self.wanted_by:
            wanted = [(market, self.closes[market]) for market in (asked.split(b"|") if asked else self.closes) if market in self.closes]
            self.wanted_by[asked] = wanted, tuple(market for market, _ in wanted), min((at for _, at in wanted), default=0)
        wanted, markets, first_close = self.wanted_by[asked]
        if not wanted:
            return "no_market_wanted"
        if registered <= first_close:
            return markets
        return tuple(market for market, at in wanted if registered <= at) or "registered_too_late"

    def select(self) -> tuple[list[int], Members]:
        """All candidates, best first, and whom the rule takes."""
        eligible = {
            number: [market.decode() for market in cell]
            for cell, number in self.cell_ids.items()
            if cell.__class__ is tuple and cell[0]
        }
        rows = self.best_first(row for row, cell in enumerate(self.cells) if cell in eligible)
        room = {market["market_id"]: market["room"] for market in self.markets}
        return rows, select(self.facts["order"], rows, self.cells, eligible, room)

    def compare(self, listed: list[list[str]]) -> None:
        """Everything that the wave says of itself, against this count."""
        rows, members = self.select()
        claim = self.claim
        if self.told:
            self.expect(not members, "Somebody would be selected who is to be told that they were not.")
            members = [(at, row, "") for at, row in enumerate(rows, 1)]
        self.report.checked.update(candidates=len(rows), members=len(members), markets=len(self.markets))
        due = [(at, self.ref(row), market, self.scores[row]) for at, row, market in members]
        given = [(int(at), ref, market, float(score)) for at, ref, market, score in listed]
        placed = [member for member in given if member[0]]
        if placed != due:
            at = next((at for at, pair in enumerate(zip(placed, due)) if pair[0] != pair[1]), min(len(placed), len(due)))
            there, right = member_in_words(placed[at : at + 1]), member_in_words(due[at : at + 1])
            self.report.problems.append(f"Member {at + 1}: the wave has {there}; this count gives {right}.")
            differing = len({member[1:3] for member in placed} ^ {member[1:3] for member in due})
            self.report.problems.append(f"Members that only one of the two has, or has in another market: {differing}.")
        returning = {number: cell[1].decode() for cell, number in self.cell_ids.items() if cell.__class__ is tuple and not cell[0]}
        due_back = {(self.ref(row), returning[cell]) for row, cell in enumerate(self.cells) if cell in returning}
        back = [(ref, market) for at, ref, market, _ in given if not at]
        self.expect(
            len(back) == len(due_back) and set(back) == due_back,
            f"Fans who come back with their code: the wave has {len(back)}, this count {len(due_back)}, or not the same ones.",
        )
        self.expect(len({ref for _, ref, _, _ in given}) == len(given), "A fan is a member twice.")
        names = [("candidates", len(rows)), ("selected", len(due) + len(due_back)), ("waitlist", len(rows) - len(due))]
        for name, number in names:
            self.expect(claim[name] == number, f"{name.capitalize()}: the wave says {claim[name]}, this count gives {number}.")
        self.expect(
            claim["least_score"] == self.minimum, f"Minimum score: the wave says {claim['least_score']}, the rules give {self.minimum}."
        )
        everybody = len(rows) + len(due_back) + sum(self.claim["excluded"].values())
        self.expect(everybody == len(self.scores), f"{len(self.scores)} fans were accepted; those of the wave and the excluded are {everybody}.")
        self.compare_reasons()
        self.compare_markets(rows, due)

    def compare_reasons(self) -> None:
        """Excluded fans by reason."""
        tally = Counter(self.cells)
        found = {cell: tally[number] for cell, number in self.cell_ids.items() if cell.__class__ is str}
        said = self.claim["excluded"]
        for reason in sorted(set(found) | set(said)):
            there, number, words = said.get(reason, 0), found.get(reason, 0), reason.replace("_", " ")
            self.expect(there == number, f"Excluded, {words}: the wave says {there}, this count gives {number}.")

    def compare_markets(self, rows: list[int], due: list[tuple[int, str, str, float]]) -> None:
        said = self.claim["markets"]
        names = [market["market_id"] for market in self.markets]
        there = [market["market_id"] for market in said]
        self.expect(there == names, f"Markets: the wave has {', '.join(there)}; by the rules it has {', '.join(names)}, in this order.")
        wanted: dict[str, int] = Counter()
        tally = Counter(map(self.cells.__getitem__, rows))
        for cell, number in self.cell_ids.items():
            for market in set(cell) if number in tally else ():
                wanted[market.decode()] += tally[number]
        for market, claimed in zip(self.markets, said):
            name = market["market_id"]
            scores = [score for _, _, where, score in due if where == name]
            full = bool(scores) and len(scores) == market["room"]
            right = dict(market, selected=len(scores), wanted=wanted[name], cutoff=min(scores) if full else None)
            for column in ("position", "capacity", "own_capacity", "given", "room", "selection_us", "selected", "wanted", "cutoff"):
                words = column.replace("_us", " time").replace("_", " ")
                self.expect(
                    claimed[column] == right[column],
                    f"Market {name}, {words}: the wave says {claimed[column]}, this count gives {right[column]}.",
                )


def member_in_words(member: list[tuple[int, str, str, float]]) -> str:
    """Without naming anybody: the beginning of the reference is enough to find them."""
    return "nobody" if not member else "fan {1:.12} at place {0} for market {2}, band score {3!r}".format(*member[0])


def recount_in_lines(facts_path: str, claim_path: str) -> int:
    verdict = recount(facts_path, claim_path, json.load(sys.stdin))
    print(json.dumps(verdict), flush=True)
    return 0 if verdict["agrees"] else 1


def options_of(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Checks the proof of a draw.")
    parser.add_argument("bundle", help="the zip")
    parser.add_argument("--published", metavar="FILE", action="append", help="draw.json as the public page gave it (often)")
    parser.add_argument("--commitment", metavar="HEX", help="the commitment as published when the campaign opened")
    parser.add_argument("--fan", metavar="FAN_REF", help="also say where this fan stands")
    parser.add_argument("--nonce", metavar="HEX", help="with --fan and --id: check that the three fit")
    parser.add_argument("--id", metavar="ID", help="the fan by id, with --nonce or --salt-file")
    parser.add_argument("--salt-file", metavar="FILE", help="the salt as 64 hex digits, for auditors")
    parser.add_argument("--ids", metavar="FILE", help="with --salt-file: all ids, one a line")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of words")
    options = parser.parse_args(arguments)
    if options.nonce is not None and (options.fan is None or options.id is None):
        parser.error("--nonce needs --fan and --id")
    if options.id is not None and options.salt_file is None and options.nonce is None:
        parser.error("--id needs --nonce or --salt-file")
    if options.ids is not None and options.salt_file is None:
        parser.error("--ids needs --salt-file")
    for name, value in (("--fan", options.fan), ("--nonce", options.nonce)):
        if value is not None and not re.fullmatch("[0-9a-fA-F]{64}", value.strip()):
            parser.error(f"{name} takes 64 hexadecimal digits, as they are in a fan's message")
    options.nonce = options.nonce and options.nonce.strip()
    try:
        with open(options.bundle, "rb"):  # noqa: PTH123
            pass
        options.saved = [(Path(name).name, read_bounded(name)) for name in options.published or []]
        options.salt = options.salt_file and bytes.fromhex(Path(options.salt_file).read_text("ascii").strip())
        if options.ids is not None:
            options.ids = [line.strip() for line in Path(options.ids).read_bytes().splitlines() if line.strip()]
    except (OSError, ValueError) as error:
        parser.error(shown(str(error)))
    return options


def read_bounded(name: str) -> bytes:
    """At most one byte more than may be: JSON that is cut there cannot be read, and says so."""
    with open(name, "rb") as file:  # noqa: PTH123
        return file.read(MOST_JSON + 1)


def main(arguments: list[str] | None = None) -> int:
    given = sys.argv[1:] if arguments is None else arguments
    if len(given) == 3 and given[0] == "--recount":
        return recount_in_lines(given[1], given[2])
    options = options_of(arguments)
    report = check(options.bundle, options)
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")
    if options.json:
        print(json.dumps(report.as_json()))
    else:
        print("\n".join(in_words(report)))
    return 1 if report.problems else 0


if __name__ == "__main__":
    sys.exit(main())
