"""What a wave says of itself, for the second count to be compared with. [X-14]"""

from __future__ import annotations

import json
import zipfile
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from campaigns.opening import draw_of
from operations.database.statements import run
from tests.support.database import kept
from tests.support.waves import NOW, campaign_with, person, request
from waves.locks import lock_wave
from waves.models import Member, Wave
from waves.preparation.prepare import prepare
from waves.second_count.claim import Claim, write_claim

pytestmark = pytest.mark.django_db


@pytest.fixture
def wave() -> Wave:
    return kept.prepared()


def test_x14_a_claim_holds_members_as_they_are_stored(wave, tmp_path):
    claim = write_claim(wave, tmp_path / "claim.zip")
    assert (claim.content_digest, claim.unchanged) == (wave.content_digest, True)
    with zipfile.ZipFile(tmp_path / "claim.zip") as archive:
        said = json.loads(archive.read("wave.json"))
        lines = archive.read("members.tsv").decode().splitlines()
    assert (said["candidates"], said["selected"], said["waitlist"]) == (12, 10, 2)
    first = Member.objects.filter(wave=wave).order_by("place").first()
    ref = draw_of(wave.campaign).fan_ref(first.global_user_id)
    market = first.market.market_id
    assert lines[0] == f"1\t{ref}\t{market}\t{first.band_score!r}"
    assert first.global_user_id not in "".join(lines)


def test_x14_a_claim_says_when_members_are_not_those_of_the_content(wave, tmp_path):
    Member.objects.filter(wave=wave).first().delete()
    assert write_claim(wave, tmp_path / "claim.zip").unchanged is False


@pytest.mark.django_db(transaction=True)
def test_x14_a_claim_waits_for_nobody_and_nobody_for_it(tmp_path):
    """It is of one moment though the wave's row is locked: its members may be many."""
    wave = prepare(request(campaign_with(12)), by=person("ann"), now=NOW).wave

    def write() -> Claim:
        run("SET lock_timeout = '1ms'")
        try:
            return write_claim(wave, tmp_path / "claim.zip")
        finally:
            connection.close()

    with transaction.atomic(), ThreadPoolExecutor(1) as other:
        lock_wave(wave.pk)
        assert other.submit(write).result().unchanged is True
