"""Room that is left goes to the next fans in order, by the rules of the last wave. [X-7]"""

from __future__ import annotations

import pytest

from campaigns.models import Campaign
from tests.support.people import keeper
from tests.support.waves import NOTIFY, NOW, campaign_with, counted, request, sent_out
from waves.choices import Order
from waves.errors import NothingToTopUp, WrongState
from waves.models import Member, Wave
from waves.preparation import top_up
from waves.preparation.prepare import prepare
from waves.preparation.previews import preview
from waves.second_count import sealed_record
from waves.selection.waiting_list import opened

pytestmark = pytest.mark.django_db(transaction=True)

TOP_UP = "20260121-2"
WEST_BY_TWO = b"marketId,marketName,capacity,selectionTime\nwest,Far West,2,\n"


def first_wave(campaign: Campaign, **values) -> Wave:
    asked = request(campaign, **values)
    return sent_out(prepare(asked, by=keeper(), now=NOW, reason="a test").wave)


def topped_up(campaign: Campaign, key: str = TOP_UP) -> Wave:
    asked = top_up.request_of(campaign.campaign_id, key, NOTIFY)
    return prepare(asked, by=keeper(), now=NOW, reason="a test").wave


def more_seats(campaign: Campaign, number: int) -> None:
    for market in campaign.markets.all():
        market.capacity += number
        market.save(update_fields=["capacity"])


def test_x7_raised_capacity_goes_to_the_next_on_the_waiting_list():
    """W-5"""
    campaign = campaign_with(12, {"west": 3})
    first = first_wave(campaign)
    with opened(first) as waiting:
        on_list = [fan.global_user_id for fan in waiting.after(0, 12)]
    more_seats(campaign, 2)
    wave = counted(topped_up(campaign))
    found = list(wave.members.order_by("place").values_list("global_user_id", flat=True))
    assert (found, len(on_list)) == (on_list[:2], 9)
    with opened(wave) as waiting:
        assert [fan.global_user_id for fan in waiting.after(0, 12)] == on_list[2:]
    assert (wave.kind, wave.tops_up, wave.count_problems) == ("drawn", first, [])


def test_x7_seats_that_a_wave_left_aside_are_filled_by_its_other_rules():
    """Its markets, their names and times, order and minimum; not its own capacity."""
    campaign = campaign_with(12, {"west": 5, "east": 5})
    first = first_wave(
        campaign, market_file=WEST_BY_TWO, min_score=0.5, order=Order.BY_MARKET_ORDER
    )
    wave = counted(topped_up(campaign))
    assert (wave.order, wave.min_score, wave.count_problems) == (first.order, 0.5, [])
    seats = [(seat.name, seat.room, seat.own_capacity) for seat in wave.wave_markets.all()]
    assert seats == [("Far West", 3, None)]
    assert wave.members.count() == 3


@pytest.mark.parametrize("name", ["@ the Sphere", "~Home~"])
def test_x7_a_market_may_have_a_name_that_no_markets_file_may_give_it(name):
    campaign = campaign_with(12, {"west": 3})
    campaign.markets.update(name=name)
    first_wave(campaign)
    more_seats(campaign, 2)
    assert [seat.name for seat in topped_up(campaign).wave_markets.all()] == [name]


def test_x7_a_wave_whose_rules_needed_a_reason_needs_one_again():
    """S-8"""
    campaign = campaign_with(12, {"west": 5})
    first_wave(campaign, market_file=WEST_BY_TWO, min_score=0.5)
    topped_up(campaign)
    assert [change.reason for change in campaign.late_changes.all()] == ["a test"] * 2


def test_x7_without_room_it_is_refused_at_once():
    campaign = campaign_with(12, {"west": 3})
    first = first_wave(campaign)
    with pytest.raises(NothingToTopUp, match=f"all seats of the markets of wave {first.name} are"):
        topped_up(campaign)
    assert not Wave.objects.filter(date_key=TOP_UP).exists()


def test_x7_without_a_waiting_fan_it_is_refused():
    campaign = campaign_with(3, {"west": 5})
    first_wave(campaign)
    found = preview(top_up.request_of(campaign.campaign_id, TOP_UP, NOTIFY), now=NOW)
    assert "no fan is waiting for a seat in West" in str(found.refusal)
    with pytest.raises(NothingToTopUp, match="no fan is waiting"):
        topped_up(campaign)


def test_x7_there_must_be_a_sent_wave_to_top_up():
    campaign = campaign_with(12, {"west": 3})
    with pytest.raises(NothingToTopUp, match="has no wave to top up"):
        topped_up(campaign)
    prepared = prepare(request(campaign), by=keeper(), now=NOW).wave
    with pytest.raises(WrongState, match=f"Wave {prepared.name} is prepared and was not sent yet"):
        topped_up(campaign)


def test_x7_a_top_up_that_is_given_other_rules_is_none_any_more():
    campaign = campaign_with(12, {"west": 3})
    first_wave(campaign)
    more_seats(campaign, 2)
    wave = topped_up(campaign)
    Wave.objects.filter(pk=wave.pk).update(state="configured", attempts=0)
    Member.objects.filter(wave=wave).delete()
    again = prepare(request(campaign, TOP_UP), by=keeper(), now=NOW).wave
    assert again.tops_up is not None
    Wave.objects.filter(pk=wave.pk).update(state="configured", attempts=0)
    Member.objects.filter(wave=wave).delete()
    asked = request(campaign, TOP_UP, min_score=0.4)
    other = prepare(asked, by=keeper(), now=NOW, reason="a test").wave
    assert other.tops_up is None


@pytest.mark.parametrize(
    ("rule", "other", "says"),
    [
        ("order", "by_market_order", "order"),
        ("single_market", "west", "single market"),
        ("min_score", 0.4, "min score"),
        ("markets", {"west": 0}, "markets"),
    ],
)
def test_x7_the_second_count_finds_a_top_up_by_other_rules(monkeypatch, rule, other, says):
    """X-14"""
    campaign = campaign_with(12, {"west": 3})
    first_wave(campaign)
    more_seats(campaign, 2)
    base = sealed_record._rules_topped_up
    monkeypatch.setattr(sealed_record, "_rules_topped_up", lambda wave: base(wave) | {rule: other})
    assert counted(topped_up(campaign)).count_problems == [
        f"Top-up: its {says} is not that of the wave that it tops up."
    ]
