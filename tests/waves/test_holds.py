from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction

from campaigns.errors import WrongStatus
from campaigns.models import Campaign
from campaigns.opening import close_campaign
from tests.support.database import kept
from tests.support.people import keeper
from tests.support.waves import (
    KEY,
    NOW,
    campaign_with,
    counted,
    members_of,
    person,
    published,
    request,
    scheduled,
    sent_out,
)
from waves.actions import cancel
from waves.choices import SendState, WaveState
from waves.errors import NoMembers
from waves.holds import freed_by, market_users, returning_fans, seats_given, unfinished
from waves.models import Assignment, Code, Member, Resend, Send, Wave
from waves.preparation.prepare import prepare
from waves.schedule import check_due_waves
from waves.sending import new_messages, results

pytestmark = pytest.mark.django_db(transaction=True)


def given(campaign) -> dict[str, int]:
    seats = seats_given(campaign.pk)
    return {market.market_id: seats.get(market.pk, 0) for market in campaign.markets.all()}


def triggered(**options) -> Wave:
    wave = scheduled(**options)
    check_due_waves(now=wave.notify_date)
    wave.refresh_from_db()
    return wave


def test_members_of_live_waves_use_seats_and_a_cancelled_waves_do_not():
    """W-5"""
    campaign = campaign_with(20, {"west": 5, "east": 5})
    wave = prepare(request(campaign), by=person("ann"), now=NOW).wave
    assert given(campaign) == {"west": 5, "east": 5}
    cancel(wave, by=person("ann"), reason="rain")
    assert given(campaign) == {"west": 0, "east": 0}


def test_a_market_is_used_by_the_codes_reserved_in_it_and_by_those_imported_for_it_alone():
    """C-3"""
    campaign = campaign_with(20, {"west": 3, "east": 2})
    wave = prepare(request(campaign), by=person("ann"), now=NOW).wave
    west = campaign.markets.get(market_id="west")
    Code.objects.create(campaign=campaign, code="IMPORTED1", source="partner", only_market=west)
    Code.objects.create(campaign=campaign, code="IMPORTED2", source="partner")
    assert market_users(west.pk) == [f"wave {wave.name}", "4 codes"]


def test_an_assigned_code_uses_its_seat_whatever_became_of_the_wave_and_counts_once():
    """W-5"""
    wave = triggered(capacities={"west": 3})
    campaign = wave.campaign
    assert given(campaign) == {"west": 3}
    cancel(wave, by=person("bob"), reason="wrong text")
    assert Assignment.objects.filter(wave=wave).count() == 3
    assert given(campaign) == {"west": 3}


@pytest.mark.parametrize(
    "state", [state for state in WaveState if state not in ("completed", "cancelled")]
)
def test_a_campaign_is_not_closed_before_each_wave_is_completed_or_cancelled(state):
    """C-2"""
    campaign = campaign_with(0)
    Wave.objects.create(
        campaign=campaign,
        date_key=KEY,
        name=f"{campaign.campaign_id}_{KEY}",
        notify_date=NOW,
        state=state,
        error="why",
        **_approval(),
    )
    with pytest.raises(WrongStatus, match=f"is {state}. Complete or cancel it"):
        close_campaign(campaign.pk, by=None)


def _approval() -> dict:
    digests = ("content_digest", "counted_digest", "approved_digest")
    return dict.fromkeys(digests, "a" * 64) | {"approved_by": person("bob")}


@pytest.mark.parametrize("open_state", [SendState.PENDING, SendState.SENDING])
def test_a_campaign_is_not_closed_while_a_message_is_pending_queued_or_in_flight(open_state):
    """C-2"""
    wave = triggered(capacities={"west": 2})
    new_messages.make_sends(wave)
    Send.objects.filter(wave=wave, channel="sms").update(state=SendState.SENT)
    assert results.complete(wave.pk)
    assert "2 messages of the campaign are still pending" in unfinished(wave.campaign_id)
    Send.objects.filter(channel="email").update(state=SendState.SENT)
    assert unfinished(wave.campaign_id) == ""
    last = Send.objects.filter(channel="sms").first()
    Send.objects.filter(pk=last.pk).update(state=open_state)
    with pytest.raises(WrongStatus, match="1 message of the campaign is still pending"):
        close_campaign(wave.campaign_id, by=None)
    Send.objects.filter(pk=last.pk).update(state=SendState.UNKNOWN)
    assert close_campaign(wave.campaign_id, by=None).status == "closed"


def test_what_was_never_sent_of_a_cancelled_wave_does_not_keep_its_campaign_open():
    wave = triggered(capacities={"west": 2})
    new_messages.make_sends(wave)
    one = Send.objects.filter(wave=wave, channel="sms").first()
    Send.objects.filter(pk=one.pk).update(state=SendState.SENDING)
    cancel(wave, by=person("bob"), reason="wrong text")
    assert "1 message of the campaign is still" in unfinished(wave.campaign_id)
    Send.objects.filter(pk=one.pk).update(state=SendState.SENT)
    assert unfinished(wave.campaign_id) == ""


def test_x8_a_message_that_reached_its_fan_or_may_have_has_contacted_somebody():
    wave = kept.scheduled()
    check_due_waves(now=wave.notify_date)
    wave.refresh_from_db()
    new_messages.make_sends(wave)
    cancel(wave, by=person("bob"), reason="wrong text")
    one = Send.objects.filter(pk=wave.sends.first().pk)
    states = [SendState.SENT, SendState.UNKNOWN, SendState.DELIVERED, SendState.UNDELIVERABLE]
    for fate in (*({"state": state} for state in states), {"maybe_accepted": True}):
        one.update(state=SendState.PENDING, maybe_accepted=False)
        assert not freed_by(wave).contacted
        one.update(**fate)
        assert freed_by(wave).contacted, fate


def test_w6_fans_of_a_wave_of_which_support_sent_a_message_again_do_not_come_back():
    """X-12"""
    wave = triggered(capacities={"west": 2})
    cancel(wave, by=person("bob"), reason="wrong text")
    assert returning_fans(wave.campaign_id).height == 2
    member = wave.members.first()
    sent = {"by": person("desk"), "why": "mistyped", "key": uuid4(), "request": uuid4()}
    Resend.objects.create(
        wave=wave,
        member=member,
        channel="email",
        contact="x",
        is_corrected=True,
        state="sent",
        **sent,
    )
    assert freed_by(wave).contacted
    assert returning_fans(wave.campaign_id).height == 0


@pytest.fixture
def completed() -> Wave:
    """Both fans of the west hold a code."""
    campaign = campaign_with(6, {"west": 2, "east": 2})
    only = {"single_market": "west"}
    wave = prepare(request(campaign, **only), by=keeper(), now=NOW, reason="a test").wave
    return sent_out(wave)


def again(campaign: Campaign, date_key: str = "20260121-2", **values: Any) -> Wave:
    asked = request(campaign, date_key, **({"reassign": True} | values))
    return prepare(asked, by=person("ann"), now=NOW).wave


def test_w6_a_wave_that_reassigns_takes_code_holders_with_the_same_code_and_no_further_seat(
    completed,
):
    campaign = completed.campaign
    held = members_of(completed)
    wave = again(campaign)
    found = {each.global_user_id: each for each in Member.objects.filter(wave=wave)}
    assert len(found) == 4
    assert {fan: found[fan].code for fan in held} == held
    assert {found[fan].market.market_id for fan in held} == {"west"}
    assert {found[fan].place for fan in held} == {0}
    assert given(campaign) == {"west": 2, "east": 2}
    assert wave.excluded == {}


def test_w6_without_it_code_holders_stay_out(completed):
    wave = again(completed.campaign, reassign=None)
    assert wave.excluded == {"already_in_wave": 2}
    assert wave.members.filter(market__market_id="west").count() == 0


def test_w6_a_reassigned_code_is_assigned_and_published_once(completed):
    published_before = published()
    wave = sent_out(again(completed.campaign))
    assert wave.state == "completed"
    assert Assignment.objects.filter(campaign=completed.campaign).count() == 4
    codes = [record["code"] for record in published()[len(published_before) :]]
    assert len(codes) == 2
    assert set(codes).isdisjoint(members_of(completed).values())


def test_w6_a_fan_is_reassigned_by_one_wave_that_is_not_completed(completed):
    """Two reminders at once would reach them twice."""
    first = again(completed.campaign)
    assert first.members.filter(reassigned__isnull=False).count() == 2
    with pytest.raises(NoMembers):
        again(completed.campaign, "20260121-3")


def test_w6_the_second_count_finds_the_same_fans_who_keep_their_code(completed):
    wave = counted(again(completed.campaign))
    assert wave.count_problems == []
    assert wave.counted_digest == wave.content_digest


@transaction.atomic
def change_member(member: Member, **change: Any) -> None:
    Member.objects.filter(pk=member.pk).update(**change)
    connection.check_constraints()


def test_k6_a_constraint_lets_nobody_be_reassigned_what_they_do_not_hold(completed):
    """Neither without a code, nor for another market, nor with another fan's code."""
    wave = again(completed.campaign)
    mine, other = wave.members.filter(reassigned__isnull=False)
    new = wave.members.filter(reassigned=None).first()
    east = completed.campaign.markets.get(market_id="east")
    for member, change in (
        (mine, {"reassigned": None}),
        (mine, {"reassigned": other.reassigned_id}),
        (mine, {"market": east}),
        (new, {"reassigned": mine.reassigned_id}),
    ):
        with pytest.raises(IntegrityError):
            change_member(member, **change)


def test_k6_a_constraint_lets_nobody_be_a_member_without_a_market_where_fans_are_selected(
    completed,
):
    """X-8"""
    with pytest.raises(IntegrityError, match="member_has_a_market"), transaction.atomic():
        Member.objects.filter(wave=completed).update(market=None, code="")
