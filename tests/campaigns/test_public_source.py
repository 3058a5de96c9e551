"""What a campaign may name as its public source, and what its value may be. [S-8]"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import pytest

from campaigns.errors import BadPublicSource, BadPublicValue
from campaigns.public_source import (
    DEFAULT_CHAIN,
    RANDOMNESS_FORM,
    PublicSource,
    source_named,
    time_of_round,
    to_lock,
    value_of,
)

NOW = datetime(2026, 1, 19, 12, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
LOTTERY = PublicSource("Mega Millions of 20 January", form="numbers, ascending", public_at=LATER)
ROUND = source_named("drand round 9551234")


def test_the_chain_hash_is_that_of_its_key_period_and_genesis():
    """As drand computes it, with the group's hash of the default chain. [S-8]"""
    seconds = int(DEFAULT_CHAIN.period.total_seconds()).to_bytes(4, "big")
    genesis = int(DEFAULT_CHAIN.genesis.timestamp()).to_bytes(8, "big")
    group = bytes.fromhex("176f93498eac9ca337150b46d21dd58673ea4e3581185f869672e59fa4cb390a")
    info = seconds + genesis + bytes.fromhex(DEFAULT_CHAIN.public_key) + group
    assert hashlib.sha256(info).hexdigest() == DEFAULT_CHAIN.hash


@pytest.mark.parametrize(
    "written", ["drand round 5551234", " Drand  Round 005551234 ", "DRAND ROUND 5551234"]
)
def test_a_drand_round_has_its_chain_its_form_and_the_time_that_follows_from_its_number(written):
    assert source_named(written) == PublicSource(
        "drand round 5551234",
        DEFAULT_CHAIN.hash,
        5_551_234,
        RANDOMNESS_FORM,
        datetime(2025, 11, 1, 3, 34, tzinfo=UTC),
    )
    assert time_of_round(1) == datetime(2020, 7, 22, 15, 17, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "written",
    ["drand round", "drand round 0", "drand round 12a", "drand round -4", "drand round ٣",
     "drand round 1 of quicknet", "drand round 9999999999", "drand round 999999999"],
)  # fmt: skip
def test_what_looks_like_a_drand_round_and_is_none_is_refused(written):
    with pytest.raises(BadPublicSource):
        source_named(written)


def test_a_drand_round_takes_no_other_time_or_form():
    for other in ({"public_at": LATER}, {"form": "decimal"}):
        with pytest.raises(BadPublicSource, match="follow from its number"):
            source_named(ROUND.name, **other)
    assert source_named(ROUND.name, form=ROUND.form, public_at=ROUND.public_at) == ROUND


def test_a_time_or_a_form_of_no_source_is_refused():
    assert source_named("  ") is None
    for alone in ({"public_at": LATER}, {"form": "numbers"}):
        with pytest.raises(BadPublicSource, match="Enter entropy_source"):
            source_named("", **alone)


def test_a_source_is_locked_whose_value_is_still_to_come():
    assert to_lock(LOTTERY, now=NOW, is_rehearsal=False) == LOTTERY
    assert to_lock(ROUND, now=NOW, is_rehearsal=False) == ROUND


@pytest.mark.parametrize(
    ("source", "named"),
    [
        (PublicSource("x", form="f"), "Enter the time"),
        (PublicSource("x", form="f", public_at=NOW), "still to come"),
        (PublicSource("x", form="f", public_at=NOW - timedelta(days=1)), "still to come"),
        (PublicSource("x", public_at=LATER), "Enter how the value"),
    ],
)
def test_a_source_without_a_time_to_come_or_without_a_form_is_refused(source, named):
    with pytest.raises(BadPublicSource, match=named):
        to_lock(source, now=NOW, is_rehearsal=False)


def test_a_rehearsal_takes_any_source_and_one_that_is_over_has_no_time():
    past = PublicSource("x", public_at=NOW)
    assert to_lock(past, now=NOW, is_rehearsal=True) == PublicSource("x")
    assert to_lock(PublicSource("x"), now=NOW, is_rehearsal=True) == PublicSource("x")
    assert to_lock(LOTTERY, now=NOW, is_rehearsal=True) == LOTTERY


def test_the_value_is_trimmed_at_both_ends_and_kept_as_it_is_inside():
    assert value_of(LOTTERY, "\n 03-17 é \t") == "03-17 é"
    assert value_of(ROUND, f" {'0f' * 32}\n") == "0f" * 32


@pytest.mark.parametrize(
    "entered", ["", " \n", "a\nb", "a\0b", "a\u200bb", "a\u202eb", "\ud800", "x" * 10_001]
)
def test_a_value_that_is_empty_or_holds_what_nobody_can_see_is_refused(entered):
    with pytest.raises(BadPublicValue):
        value_of(LOTTERY, entered)


@pytest.mark.parametrize(
    "entered", ["4a7f", "0F" * 32, "0f" * 31 + "0g", "0x" + "0f" * 31, "0f" * 33, "٣" * 64]
)
def test_the_value_of_a_drand_round_is_64_lower_case_hex_digits(entered):
    with pytest.raises(BadPublicValue, match="64 digits"):
        value_of(ROUND, entered)
    assert value_of(PublicSource("drand round 7", "hash", 7), entered) == entered  # rehearsal
