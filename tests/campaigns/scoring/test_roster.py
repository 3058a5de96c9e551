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


def plainly(rows: list[tuple[str, str]]) -> str:
    return hashlib.sha256(
        "".join(sorted(f"{ref}\t{raw}\n" for ref, raw in rows)).encode()
    ).hexdigest()


def in_parts(rows: list[tuple[str, str]], pieces: int) -> str:
    divided = [rows[start::pieces] for start in range(pieces)]
    columns = [
        pl.DataFrame(each, schema={"ref": pl.String, "raw": pl.String}, orient="row")
        for each in divided
    ]
    found = roster.whole([io.BytesIO(roster.part(each["ref"], each["raw"])) for each in columns])
    assert found.rows == len(rows)
    return found.digest


@settings(max_examples=80)
@given(
    st.lists(HEX, max_size=40, unique=True), st.integers(1, 5), st.randoms(use_true_random=False)
)
def test_the_roster_knows_no_row_order_and_no_parts(refs, pieces, dice):
    rows = [(ref, dice.choice(["0.95", ".95", "1e0", "0.950"])) for ref in refs]
    dice.shuffle(rows)
    assert in_parts(rows, pieces) == plainly(rows)


def test_references_that_share_their_first_64_bits_are_in_order_too():
    rows = [("ab" * 8 + tail * 48, "0.5") for tail in "f0937"] + [("ab" * 8 + "0" * 47 + "1", "1")]
    random.Random(4).shuffle(rows)
    assert in_parts(rows, 2) == plainly(rows)


def test_how_a_score_was_written_counts():
    """0.5 and 0.50 are one number and two rosters: the digest covers the text of the file."""
    assert in_parts([("a" * 64, "0.5")], 1) != in_parts([("a" * 64, "0.50")], 1)


def test_nobody_is_a_roster_too():
    assert roster.whole([]) == (hashlib.sha256(b"").hexdigest(), 0)
    assert in_parts([], 3) == roster.whole([]).digest
