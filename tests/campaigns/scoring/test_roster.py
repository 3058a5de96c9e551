"""The roster's digest: the same for the same rows, however they come. [S-10]"""

from __future__ import annotations

import hashlib
import io
import random

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.scoring import roster

HEX = st.text("0123456789abcdef", min_size=64, max_size=64)


ROW = {"fan_ref": pl.String, "raw_text": pl.String, "preferences": pl.String}
Rows = list[tuple[str, str, str | None]]


def plain_lines(rows: Rows) -> bytes:
    return "".join(sorted(f"{ref}\t{raw}\t{wishes or ''}\n" for ref, raw, wishes in rows)).encode()


def in_parts(rows: Rows, pieces: int) -> bytes:
    """The file, whose SHA-256 is the digest."""
    frames = [
        pl.DataFrame(rows[start::pieces], schema=ROW, orient="row") for start in range(pieces)
    ]
    out = io.BytesIO()
    found = roster.write([io.BytesIO(roster.part(each)) for each in frames], out)
    assert found == (hashlib.sha256(out.getvalue()).hexdigest(), len(rows))
    return out.getvalue()


@settings(max_examples=80)
@given(
    st.lists(HEX, max_size=40, unique=True), st.integers(1, 5), st.randoms(use_true_random=False)
)
def test_the_roster_knows_no_row_order_and_no_parts(refs, pieces, dice):
    rows = [
        (ref, dice.choice(["0.95", ".95", "1e0", "0.950"]), dice.choice([None, "", "a", "b|a"]))
        for ref in refs
    ]
    dice.shuffle(rows)
    assert in_parts(rows, pieces) == plain_lines(rows)


def test_references_that_share_their_first_64_bits_are_in_order_too():
    rows = [("ab" * 8 + tail * 48, "0.5", "a") for tail in "f0937"]
    rows.append(("ab" * 8 + "0" * 47 + "1", "1", None))
    random.Random(4).shuffle(rows)
    assert in_parts(rows, 2) == plain_lines(rows)


def test_how_a_score_was_written_and_what_the_fan_asked_for_count():
    """0.5 and 0.50 are one number and two rosters: the digest covers the text of the file."""
    rosters = [("0.5", "a|b"), ("0.50", "a|b"), ("0.5", "b|a"), ("0.5", None)]
    assert len({in_parts([("a" * 64, *each)], 1) for each in rosters}) == len(rosters)


def test_nobody_is_a_roster_too():
    out = io.BytesIO()
    assert roster.write([], out) == (hashlib.sha256(b"").hexdigest(), 0)
    assert in_parts([], 3) == out.getvalue() == b""
