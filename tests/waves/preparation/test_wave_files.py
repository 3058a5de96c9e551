"""The files of a prepared wave. [W-8]"""

from __future__ import annotations

import csv
import io
import json
import random
import zipfile
from datetime import UTC, datetime, timedelta

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from waves.preparation.wave_files import COLUMNS, status_json, wave_zip

text = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=12)
members = st.lists(
    st.fixed_dictionaries(
        {
            name: st.sampled_from(["a", "b"]) if name == "market_id" else text
            for name in COLUMNS.values()
        }
    ),
    max_size=8,
)


def frame(rows: list[dict]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=dict.fromkeys(COLUMNS.values(), pl.String))


def read(content: bytes) -> dict[str, list[dict]]:
    archive = zipfile.ZipFile(io.BytesIO(content))
    return {
        name: list(csv.DictReader(io.StringIO(archive.read(name).decode(), newline="")))
        for name in archive.namelist()
    }


@given(members)
def test_every_member_stands_in_the_lists_of_their_market_and_channels_in_order(rows):
    content, counts = wave_zip(frame(rows), ["b", "a"])
    found = read(content)
    assert list(found) == sorted(found)
    for folder, belongs in (
        ("email", "email"),
        ("sms", "phone"),
        ("masterCodes", "global_user_id"),
    ):
        for market in ("a", "b"):
            kept = [
                r
                for r in rows
                if r["market_id"] == market and (r[belongs] or folder == "masterCodes")
            ]
            assert found[f"{folder}/{market}.csv"] == [
                {title: r[name] for title, name in COLUMNS.items()} for r in kept
            ]
        assert counts[folder] == sum(bool(r[belongs]) or folder == "masterCodes" for r in rows)


@given(members, st.randoms(use_true_random=False))
def test_the_same_members_make_the_same_bytes(rows, chance: random.Random):
    ids = ["a", "b"]
    assert wave_zip(frame(rows), ids) == wave_zip(frame(rows), chance.sample(ids, 2))


def test_an_empty_list_has_its_header_only():
    content, _ = wave_zip(frame([]), ["west"])
    archive = zipfile.ZipFile(io.BytesIO(content))
    assert {archive.read(name) for name in archive.namelist()} == {
        b"globalUserId,memberId,marketId,email,phone,code\n"
    }


def test_the_status_leaves_out_what_is_not_known_yet():
    started = datetime(2026, 1, 18, 10, tzinfo=UTC)
    assert json.loads(status_json(status="TRIGGERED", attempts=1, started=started)) == {
        "date": {"started": "2026-01-18T10:00:00.000Z"},
        "status": "TRIGGERED",
        "attempts": 1,
    }


def test_a_failed_status_has_message_and_developers_message():
    started = datetime(2026, 1, 18, 10, tzinfo=UTC)
    status = status_json(
        status="FAILED",
        attempts=2,
        started=started,
        finished=started + timedelta(minutes=15),
        error=("no codes", "Timeout"),
    )
    assert json.loads(status) == {
        "date": {"started": "2026-01-18T10:00:00.000Z", "finished": "2026-01-18T10:15:00.000Z"},
        "status": "FAILED",
        "attempts": 2,
        "error": {"message": "no codes", "developer_message": "Timeout"},
    }
