"""Codes: minted, found, never twice. [K-1, K-5]"""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, transaction

from tests.support.waves import NOW, campaign_with, person, request
from waves.codes import pool
from waves.codes.pool import ALPHABET, custody, find, mint
from waves.errors import CodesExhausted, UnknownCode
from waves.models import Code, Wave
from waves.preparation.prepare import prepare
from waves.preparation.submission import submit


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


@pytest.mark.django_db
def test_k1_a_collision_is_tried_again(monkeypatch):
    campaign = campaign_with(3, {"west": 3})
    Code.objects.create(campaign=campaign_with(1), code="taken22222")
    draws = iter([["TAKEN22222", "FRESH22222", "FRESH33333"], ["FRESH44444"]])
    monkeypatch.setattr(pool, "mint", lambda count, **_: next(draws))
    prepared = prepare(request(campaign), by=person("ann"), now=NOW)
    assert prepared.codes["generated"] == 3
    assert set(Code.objects.filter(wave=prepared.wave).values_list("code", flat=True)) == {
        "FRESH22222",
        "FRESH33333",
        "FRESH44444",
    }


@pytest.mark.django_db
def test_k1_when_no_new_code_can_be_found_the_preparation_fails_with_a_hint(monkeypatch):
    campaign = campaign_with(1, {"west": 1})
    Code.objects.create(campaign=campaign_with(1), code="TAKEN22222")
    monkeypatch.setattr(pool, "mint", lambda count, **_: ["TAKEN22222"] * count)
    with pytest.raises(CodesExhausted, match="code length"):
        prepare(request(campaign), by=person("ann"), now=NOW)


@pytest.mark.django_db
def test_k5_available_codes_of_the_campaign_are_used_before_new_ones():
    campaign = campaign_with(4, {"west": 4})
    ready = {Code.objects.create(campaign=campaign, code=f"READY{n}").code for n in range(3)}
    Code.objects.create(campaign=campaign, code="PARTNER1", source="partner")
    prepared = prepare(request(campaign), by=person("ann"), now=NOW)
    used = set(Code.objects.filter(wave=prepared.wave).values_list("code", flat=True))
    assert ready < used
    assert "PARTNER1" not in used
    assert prepared.codes == {"reserved": 4, "generated": 1, "tm": 0}


@pytest.mark.django_db
def test_k2_a_code_carries_its_validity():
    campaign = campaign_with(2, time_zone="America/New_York")
    day_before = datetime(2028, 2, 29, 2, tzinfo=UTC)  # 28 February there
    wave = prepare(request(campaign, notify_date=day_before), by=person("ann"), now=NOW).wave
    code = Code.objects.filter(wave=wave).first()
    assert (code.begins_at.isoformat(), code.ends_at.isoformat()) == (
        "2028-02-28T02:00:00+00:00",
        "2029-03-01T02:00:00+00:00",
    )


@pytest.mark.django_db
def test_x10_a_codes_custody_is_found_whatever_its_case():
    wave = prepare(request(campaign_with(2)), by=person("ann"), now=NOW).wave
    code = Code.objects.filter(wave=wave).first()
    found = custody(find(f" {code.code.lower()} "))
    assert (found["code"], found["wave"], found["state"]) == (code.code, wave.name, "reserved")
    assert [step["step"] for step in found["custody"]] == ["created", "reserved"]
    with pytest.raises(UnknownCode):
        find("NOSUCHCODE")


@pytest.mark.django_db
def test_k5_one_reservation_for_each_fan_and_wave():
    campaign = campaign_with(1)
    submit(request(campaign), by=person("ann"), now=NOW)
    wave = Wave.objects.get(campaign=campaign)
    Code.objects.create(
        campaign=campaign, code="FIRST222", state="reserved", wave=wave, global_user_id="u"
    )
    with pytest.raises(IntegrityError, match="code_one_reservation"), transaction.atomic():
        Code.objects.create(
            campaign=campaign, code="SECOND22", state="reserved", wave=wave, global_user_id="u"
        )
