"""What cannot be prepared is refused before anything is written. [W-4, W-9]"""

from __future__ import annotations

from datetime import timedelta

import pytest

from campaigns.errors import UnknownCampaign
from datalake.storage import buckets
from tests.support.people import keeper
from tests.support.waves import (
    KEY,
    NOTIFY,
    NOW,
    campaign_with,
    members_of,
    nothing_written,
    request,
)
from waves.choices import Order, WaveState
from waves.errors import (
    BadMarketFile,
    BadMinimumScore,
    BadTemplate,
    NaiveDate,
    NotPermitted,
    SelectionNotOpen,
    TooLate,
    UnknownMarket,
    WrongState,
)
from waves.models import Template, Wave, WaveMarket
from waves.preparation.prepare import prepare
from waves.preparation.previews import preview
from waves.selection.request import WaveRequest

pytestmark = pytest.mark.django_db


def test_k3_a_template_for_tm_that_names_the_code_refuses_the_preparation(ann):
    campaign = campaign_with(4, {"west": 4}, code_source="tm")
    Template.objects.create(campaign=campaign, channel="sms", body="Your code: {code}")
    with pytest.raises(BadTemplate, match="TM"):
        prepare(request(campaign), by=ann, now=NOW)
    assert not Wave.objects.exists()  # refused before anything is written, so it costs no attempt


def test_w5_a_given_market_file_is_kept_in_the_bucket(ann):
    campaign = campaign_with(10)
    text = b"marketId,marketName,capacity,selectionTime\nwest,,3,\neast,,0,\n"
    preview(request(campaign, market_file=text), now=NOW)
    key = f"wavePrep/{campaign.campaign_id}/data/{KEY}.csv"
    assert not buckets.scoring().exists(key)
    assert prepare(request(campaign, market_file=text), by=ann, now=NOW).wave.selected == 3
    assert buckets.scoring().exists(key)


def test_w5_the_orders_of_a_request_are_kept_with_the_wave():
    campaign = campaign_with(10, preferences=[["east"]] * 10)
    wave = prepare(
        request(campaign, order=Order.SINGLE_MARKET, single_market="east"),
        by=keeper(),
        now=NOW,
        reason="a test",
    ).wave
    assert (wave.order, wave.single_market, wave.selected) == ("single_market", "east", 5)
    assert list(
        WaveMarket.objects.filter(wave=wave).values_list("market__market_id", "selected")
    ) == [("east", 5)]


def test_w4_preparation_less_than_a_day_ahead_needs_a_reason_and_the_right(ann, root):
    campaign = campaign_with(5)
    late = NOTIFY - timedelta(hours=23)
    with pytest.raises(TooLate, match="short notice"):
        prepare(request(campaign), by=root, now=late)
    with pytest.raises(NotPermitted):
        prepare(request(campaign), by=ann, now=late, expedite="the venue changed")
    assert nothing_written()
    wave = prepare(request(campaign), by=root, now=late, expedite="the venue changed").wave
    assert wave.expedited == "the venue changed"


def test_w4_exactly_a_day_ahead_is_in_time(ann):
    assert (
        prepare(request(campaign_with(5)), by=ann, now=NOTIFY - timedelta(days=1)).wave.state
        == WaveState.PREPARED
    )


def refused_cases():
    yield (
        "unknown campaign",
        lambda c: WaveRequest("nobody", KEY, notify_date=NOTIFY),
        UnknownCampaign,
    )
    yield "no notify date", lambda c: request(c, notify_date=None), NaiveDate
    yield "naive date", lambda c: request(c, notify_date=NOTIFY.replace(tzinfo=None)), NaiveDate
    header = "marketId,marketName,capacity,selectionTime\n"
    yield (
        "unknown market",
        lambda c: request(c, market_file=f"{header}north,,5,\n".encode()),
        UnknownMarket,
    )
    yield (
        "negative capacity",
        lambda c: request(c, market_file=f"{header}west,,-5,\n".encode()),
        BadMarketFile,
    )
    later = (NOW + timedelta(minutes=1)).isoformat()
    yield (
        "selection time to come",
        lambda c: request(c, market_file=f"{header}west,,5,{later}\n".encode()),
        SelectionNotOpen,
    )
    yield "unknown single market", lambda c: request(c, single_market="north"), UnknownMarket
    yield "no score", lambda c: request(c, min_score=float("nan")), BadMinimumScore
    yield "score above all", lambda c: request(c, min_score=1.5), BadMinimumScore


@pytest.mark.parametrize(
    ("_name", "make", "error"),
    list(refused_cases()),
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_prepared_is_refused_and_nothing_is_written(ann, _name, make, error):
    campaign = campaign_with(5)
    with pytest.raises(error):
        prepare(make(campaign), by=ann, now=NOW)
    assert nothing_written()
    assert not list(buckets.scoring().list("wavePrep/"))


def test_w2_a_prepared_wave_is_not_prepared_again(ann):
    campaign = campaign_with(5)
    wave = prepare(request(campaign), by=ann, now=NOW).wave
    before = members_of(wave)
    with pytest.raises(WrongState, match="prepared"):
        prepare(request(campaign), by=ann, now=NOW)
    assert members_of(wave) == before
