"""The sealed record of a wave holds what is known of each fan, and nothing that names anybody.
[X-14]
"""

from __future__ import annotations

import json
import zipfile
from typing import Any

import polars as pl
import pytest

from campaigns.models import Campaign, ListEntry, Market, Registrant
from campaigns.opening import draw_of
from datalake.storage import buckets
from operations.database import copying
from tests.support import waves
from tests.support.seeding.presale import CLOSES_EARLY, FANS, MARKETS, crowded, fan, prepared
from tests.support.waves import NOTIFY, NOW, SALT, SEED, counted, person
from waves.actions import cancel
from waves.lifecycle import wave_named
from waves.models import Wave
from waves.preparation.prepare import prepare
from waves.second_count import sealed_record
from waves.selection.request import WaveRequest

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign() -> Campaign:
    return crowded()


@pytest.fixture
def wave(campaign) -> Wave:
    return prepared(campaign)


def facts_of(wave: Wave) -> tuple[dict[str, Any], dict[str, dict[str, str]]]:
    """The rules, and the facts of each fan by reference, as its preparation sealed them."""
    with buckets.scoring().open(wave.facts_key) as file, zipfile.ZipFile(file) as archive:
        rules = json.loads(archive.read("facts.json"))
        lines = [line.split("\t") for line in archive.read("fans.tsv").decode().splitlines()]
    return rules, {line[0]: dict(zip(lines[0], line, strict=True)) for line in lines[1:]}


def test_x14_the_facts_name_nobody_and_hold_no_secret(wave):
    rules, fans = facts_of(wave)
    text = json.dumps([rules, fans])
    hidden = ("fan-0", "@", "+1206", "m-1", SEED.hex(), SALT.hex())
    assert [words for words in hidden if words in text] == []
    assert len(fans) == FANS == rules["fans"]


def test_x14_the_facts_stand_in_order_of_their_references_however_the_rows_are_read(
    campaign, monkeypatch
):
    monkeypatch.setattr(copying, "NULLABLE_BYTES", 2_000)  # a dozen fans
    _, fans = facts_of(prepared(campaign))
    assert list(fans) == sorted(fans)
    assert len(fans) == FANS


def test_x14_references_are_those_of_the_draw_though_they_are_hashed_here(campaign):
    draw, ids = draw_of(campaign), [fan(n) for n in range(5)] + ["ü"]
    found = sealed_record.references(SALT, pl.Series(ids)).to_list()
    assert found == [draw.fan_ref(each) for each in ids]


def test_x14_facts_are_those_of_the_roster_and_of_late_registrations(wave, campaign):
    _, fans = facts_of(wave)
    ref = draw_of(campaign).fan_ref
    assert (fans[ref(fan(4))]["preferences"], fans[ref(fan(4))]["late_preferences"]) == (
        "",
        "+east",
    )
    rostered = fans[ref(fan(14))]
    assert (rostered["preferences"], rostered["late_preferences"]) == ("north|west", "")
    assert {fans[ref(fan(n))]["registered_us"] for n in (7, 26)} == {""}
    assert fans[ref(fan(9))]["contact"] == "blacklisted_domain"
    assert fans[ref(fan(20))]["in_wave"] == fans[ref(fan(40))]["holds_code"] == "1"
    assert [fans[ref(fan(n))]["returns"] for n in (40, 50, 52, 70)] == ["", "west", "south", ""]


def test_x14_the_waves_own_markets_file_is_read_here_once_more(wave):
    rules, _ = facts_of(wave)
    markets = {market["market_id"]: market for market in rules["markets"]}
    assert set(markets) == {*MARKETS} - {"south"}
    assert {name: each["own_capacity"] for name, each in markets.items()} == {
        "west": None,
        "east": None,
        "alps": 4,
        "north": 2,
    }
    assert markets["east"]["selection_us"] == CLOSES_EARLY.timestamp() * 1_000_000
    assert {name: each["given"] for name, each in markets.items()} == {
        "west": 11,
        "east": 4,
        "alps": 0,
        "north": 0,
    }


def test_x14_what_changes_after_the_preparation_is_no_difference(wave, campaign):
    """However late it is counted, as after a worker that died."""
    later = WaveRequest(campaign.campaign_id, "20260122", notify_date=NOTIFY, market_file=None)
    root = person("root", superuser=True)
    assert prepare(later, by=root, now=NOW, reason="more").planned.selection.members.height > 3
    waves.add_scores(campaign, [fan(1)], [0.5])
    Campaign.objects.filter(pk=campaign.pk).update(min_score=0.9)
    Market.objects.filter(campaign=campaign).update(capacity=1)
    ListEntry.objects.create(campaign=campaign, kind="blacklist", pattern="@mail.example")
    Registrant.objects.filter(campaign=campaign).update(email="", phone="")
    cancel(wave_named(f"{campaign.campaign_id}_20260101"), by=root, reason="wrong")
    assert counted(wave).count_problems == []
    assert wave.counted_digest == wave.content_digest
