"""Pages of a wave's messages. [N-3, N-7]"""

from __future__ import annotations

import itertools
import random

import pytest
from django.db import connection

from campaigns.models import Market
from console.wave_page import messages
from console.wave_page.messages import STATES, Filters, of_fans, page_of
from tests.conftest import FULL
from tests.support.sending import triggered_wave
from waves.models import Member, Send, Wave
from waves.sending import new_messages

pytestmark = pytest.mark.django_db


@pytest.fixture
def wave(monkeypatch) -> Wave:
    """Of 20 fans in two markets, 14 with both contacts, whose messages came to different ends."""
    monkeypatch.setattr(messages, "PAGE", 4)
    wave = triggered_wave(20, phones=17, emails=17)
    east = Market.objects.create(
        campaign=wave.campaign,
        market_id="us-east",
        name="US East",
        capacity=20,
        selection_time=wave.notify_date,
    )
    members = list(wave.members.order_by("pk"))
    for place, member in enumerate(reversed(members)):
        values = {"place": place // 2}  # two fans at each place, against the order of their numbers
        wave.members.filter(pk=member.pk).update(
            **values, **({"market": east} if member.pk % 3 else {})
        )
    new_messages.make_sends(wave)
    chance = random.Random(3)
    for send in Send.objects.filter(wave=wave).exclude(state="skipped"):
        state = chance.choice(["pending", "sent", "failed", "failed", "delivered", "unknown"])
        reason = chance.choice(["http_400", "http_500"]) if state == "failed" else ""
        Send.objects.filter(pk=send.pk).update(state=state, reason=reason)
    return wave


def read_through(wave: Wave, wanted: Filters) -> list[int]:
    """All of them from the first page to the last; and the same backwards."""
    forth, page = [], page_of(wave, wanted, hidden=True)
    assert page.before is None
    while True:
        forth.append([row["send"].pk for row in page.rows])
        if page.after is None:
            break
        page = page_of(wave, wanted, after=page.after, hidden=True)
    back = [forth[-1]]
    while page.before is not None:
        page = page_of(wave, wanted, before=page.before, hidden=True)
        back.insert(0, [row["send"].pk for row in page.rows])
    assert back == forth
    assert all(len(page) == messages.PAGE for page in forth[:-1])
    return [pk for page in forth for pk in page]


def expected(wave: Wave, wanted: Filters) -> set[int]:
    found = Send.objects.filter(wave=wave).select_related("member")
    return {
        send.pk
        for send in found
        if wanted.channel in ("", send.channel)
        and (not wanted.state or send.state in STATES[wanted.state][1])
        and wanted.reason in ("", send.reason)
        and wanted.market in (None, send.member.market_id)
    }


def test_n7_every_filter_shows_its_messages_each_once_forwards_and_backwards(wave):
    east = Market.objects.filter(campaign=wave.campaign, market_id="us-east")
    rest = Market.objects.filter(campaign=wave.campaign) if FULL else east
    markets = [None, *rest.values_list("pk", flat=True)]
    states = STATES if FULL else ("open", "accepted", "failed")
    asked = itertools.product(("", "sms"), ("", *states), ("", "http_400"), markets)
    shown = 0
    for channel, state, reason, market in asked:
        wanted = Filters(channel, state, reason, market)
        found = read_through(wave, wanted)
        assert len(set(found)) == len(found)
        assert set(found) == expected(wave, wanted), wanted
        shown += len(found)
    assert shown


def test_n7_within_a_market_fans_come_in_the_order_of_their_places(wave):
    market = wave.campaign.markets.get(market_id="us-east").pk
    found = read_through(wave, Filters(market=market))
    places = dict(Send.objects.values_list("pk", "member__place"))
    assert [places[pk] for pk in found] == sorted(places[pk] for pk in found)


def test_n3_contacts_are_masked_where_they_are_hidden(wave):
    fan = wave.members.order_by("pk").first().global_user_id
    hidden = {row["to"] for row in of_fans(wave, [fan], hidden=True)}
    shown = {row["to"] for row in of_fans(wave, [fan], hidden=False)}
    assert hidden == {"+1••••••••01", "f•••@e•••.com"}
    assert shown == {"+12020000001", "fan1@example.com"}


def test_n7_each_page_is_read_by_an_index(wave):
    """Whatever is asked for of a large wave, no more is read than is shown. [O-7]"""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE waves_send")  # or it plans for the rows of other tests
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
        of_kind = Send.objects.filter(wave=wave, state="failed", channel="sms", reason="http_400")
        plan = of_kind.filter(pk__gt=5).order_by("pk").values_list("pk")[:51].explain()
    assert "send_listed" in plan
    assert "Sort" not in plan


def test_n7_a_page_of_a_market_can_end_between_the_two_messages_of_a_fan(wave, monkeypatch):
    """And between two fans at one place."""
    for size in (1, 3):
        monkeypatch.setattr(messages, "PAGE", size)
        for market in Market.objects.filter(campaign=wave.campaign).values_list("pk", flat=True):
            found = read_through(wave, Filters(market=market))
            assert (len(found), set(found)) == (
                len(set(found)),
                expected(wave, Filters(market=market)),
            )


def test_n7_a_page_of_a_market_begins_at_its_place_in_the_index():
    """Fans before it are not read: the condition on the place bounds the index from both sides."""
    edge = Send(pk=7, member=Member(pk=5, place=3))
    assert messages._beyond(edge, "gt").children[0] == ("member__place__gte", 3)
    assert messages._beyond(edge, "lt").children[0] == ("member__place__lte", 3)
