"""Own codes: minted, and stored by the constraint's leave. [K-1]"""

from __future__ import annotations

import re
from collections import Counter

import polars as pl
import pytest
from django.db import IntegrityError, transaction

from tests.support.waves import KEY, NOTIFY, campaign_with
from waves.codes import minting
from waves.codes.minting import ALPHABET, make, mint
from waves.models import Code, Wave


def test_k1_minted_codes_have_prefix_and_length_over_the_alphabet_and_differ():
    minted = mint(5_000, prefix="TB", length=10)
    assert len(set(minted)) == 5_000
    assert all(re.fullmatch(f"TB[{ALPHABET}]{{10}}", code) for code in minted)


def test_k1_the_alphabet_has_no_signs_that_look_alike():
    assert ALPHABET == "23456789ABCDEFGHJKMNPQRSTVWXYZ"
    assert not set(ALPHABET) & set("01ILOU")


def test_k1_every_sign_is_as_likely_as_any_other():
    """Chi-square over 300,000 signs, 29 degrees of freedom: above 90 once in ten million runs."""
    counts = Counter("".join(mint(30_000, prefix="", length=10)))
    expected = 300_000 / len(ALPHABET)
    assert sum((counts[sign] - expected) ** 2 / expected for sign in ALPHABET) < 90


def test_no_codes_are_minted_for_nobody():
    assert mint(0, prefix="", length=10) == []


def stock(count: int) -> pl.DataFrame:
    return pl.DataFrame({"state": ["available"] * count})


@pytest.mark.django_db
def test_a_code_that_is_made_for_nobody_is_an_own_one_and_available():
    campaign = campaign_with(2, code_prefix="TB")
    assert make(campaign, stock(3)) == 3
    made = Code.objects.filter(campaign=campaign)
    assert set(made.values_list("source", "state", "origin", "global_user_id", "wave")) == {
        ("own", "available", "", "", None)
    }
    codes = made.values_list("code", flat=True)
    assert all(re.fullmatch(f"TB[{ALPHABET}]{{10}}", code) for code in codes)


@pytest.mark.django_db
def test_k1_a_code_that_exists_already_is_left_out_and_the_others_are_stored(monkeypatch):
    campaign, elsewhere = campaign_with(2), campaign_with(2)
    Code.objects.create(campaign=elsewhere, code="taken22222")
    codes = ["FREE222222", "TAKEN22222", "FREE333333"]
    monkeypatch.setattr(minting, "mint", lambda count, **_: codes)
    assert make(campaign, stock(3)) == 2
    made = Code.objects.filter(campaign=campaign).values_list("code", flat=True)
    assert set(made) == {"FREE222222", "FREE333333"}


@pytest.mark.django_db
def test_k5_a_fan_who_holds_a_code_of_the_wave_gets_no_second_one():
    campaign = campaign_with(2)
    wave = Wave.objects.create(
        campaign=campaign, date_key=KEY, name=f"{campaign.campaign_id}_{KEY}", notify_date=NOTIFY
    )
    fans = pl.DataFrame({"global_user_id": ["a\\b", "c"]}).with_columns(
        pl.lit("reserved").alias("state"), pl.lit(wave.pk).alias("wave_id")
    )
    assert make(campaign, fans.head(1)) == 1
    assert make(campaign, fans) == 1
    held = Code.objects.filter(wave=wave).values_list("global_user_id", flat=True)
    assert sorted(held) == ["a\\b", "c"]


@pytest.mark.django_db
def test_k1_a_code_is_unique_over_all_campaigns_whatever_its_case():
    one, other = campaign_with(1), campaign_with(1)
    Code.objects.create(campaign=one, code="ABC23456")
    with pytest.raises(IntegrityError, match="code_once_whatever_its_case"), transaction.atomic():
        Code.objects.create(campaign=other, code="abc23456")


@pytest.mark.django_db
def test_k3_tm_is_no_row_in_the_table_of_codes():
    with pytest.raises(IntegrityError, match="code_is_no_placeholder"), transaction.atomic():
        Code.objects.create(campaign=campaign_with(1), code="tm")
