"""Positions as large as Kinesis' sequence numbers. [T-1]"""

from __future__ import annotations

import pytest

from datalake.models import Claim, DeadLetter

LARGE = 49_590_338_271_490_256_608_559_692_538_361_571_095_921_575_989_136_588_898

pytestmark = pytest.mark.django_db


def test_t1_a_position_of_56_digits_comes_back_as_it_was_and_in_its_order():
    for position in (LARGE + 1, 9, LARGE):
        DeadLetter.objects.create(consumer="a", source="input", position=position, index=0)
    letters = DeadLetter.objects.order_by("position").values_list("position", flat=True)
    assert list(letters) == [9, LARGE, LARGE + 1]
    assert all(type(position) is int for position in letters)  # decimals are rounded when added
    assert DeadLetter.objects.filter(position__range=(LARGE, LARGE)).count() == 1


def test_t1_the_largest_number_that_kinesis_gives_is_kept_to_its_last_digit():
    """Kinesis' sequence numbers have up to 129 digits."""
    largest = 10**129 - 1
    DeadLetter.objects.create(consumer="a", source="input", position=largest, index=0)
    assert DeadLetter.objects.get(position__gt=largest - 1).position == largest


def test_t1_a_claim_of_such_positions_names_both_ends_in_full():
    Claim.objects.create(consumer="a", source="input", first=LARGE, last=LARGE + 4_096)
    assert str(Claim.objects.get()) == f"a: input {LARGE}–{LARGE + 4_096}"
