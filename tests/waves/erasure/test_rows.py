"""A fan is taken out of waves, codes and messages. [X-11, K-6, X-5]"""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

import campaigns.erasure
from campaigns.locks import lock_campaign
from campaigns.models import Campaign, Registrant
from datalake.erased.erasing import Sought
from datalake.erased.fans import mark
from datalake.erased.names import name_of
from datalake.errors import EraseLater
from operations.database.locks import try_lock_in_transaction
from operations.database.statements import run
from tests.support.campaigns import make_campaign
from tests.support.connections import elsewhere
from tests.support.sending import triggered_wave
from tests.support.waves import NOW, add_scores, campaign_with, counted, person, request, sent_out
from tests.waves.uploads.lists import row, uploaded
from waves.choices import SendState
from waves.digest import content_digest, require_approved_content
from waves.erasure.rows import erase_rows, locked, refuse_while_at_work
from waves.errors import NoMembers
from waves.models import Assignment, Code, Member, Send, Wave
from waves.preparation.prepare import prepare
from waves.sending import new_messages

pytestmark = pytest.mark.django_db


def prepared(campaign: Campaign, key: str = "20260121", **values) -> Wave:
    asked = request(campaign, key, **values)
    return Wave.objects.get(pk=prepare(asked, by=person("ann"), now=NOW).wave.pk)


def refused(campaign: Campaign, fan: str) -> str:
    with pytest.raises(EraseLater) as why, locked(campaign.pk) as held:
        refuse_while_at_work(held, Sought(fan, 1))
    return str(why.value)


def erased(campaign: Campaign, fan: str) -> str:
    with transaction.atomic():
        run("SET LOCAL fairwave.erasure = 'on'")
        erase_rows(lock_campaign(campaign.pk), Sought(fan, 1), lambda place: None)
    return name_of(campaign.campaign_id, fan, 1)


def test_x11_a_fan_of_a_wave_that_is_not_sent_is_not_erased_and_the_words_name_the_wave():
    campaign = campaign_with(12)
    wave = prepared(campaign)
    fan = wave.members.first().global_user_id
    assert f"The fan is in wave {wave.name}, which was not sent yet" in refused(campaign, fan)
    with locked(campaign.pk) as held:
        refuse_while_at_work(held, Sought("somebody", 1))


def test_x11_from_the_moment_that_it_is_asked_for_the_fan_is_in_no_wave():
    campaign = campaign_with(12)
    mark("fan-000011")
    wave = prepared(campaign)
    assert wave.excluded["erased"] == 1
    assert not wave.members.filter(global_user_id="fan-000011").exists()


def test_x11_who_registers_again_is_in_a_wave_whatever_the_first_date_of_registration():
    campaign = campaign_with(12)
    known = mark("fan-000011")
    own = Registrant.objects.filter(campaign=campaign, global_user_id="fan-000011")
    own.update(changed_at=known.erased_at + timedelta(seconds=1))
    wave = prepared(campaign)
    assert wave.excluded.get("erased", 0) == 0
    assert counted(wave).count_problems == []
    assert wave.members.filter(global_user_id="fan-000011").exists()


def registered_again(campaign: Campaign, fan: str) -> None:
    """Erased with everything of the campaign, then registered and scored anew."""
    known = mark(fan)
    erased(campaign, fan)
    with transaction.atomic():
        run("SET LOCAL fairwave.erasure = 'on'")
        campaigns.erasure.erase_rows(lock_campaign(campaign.pk), Sought(fan, 1), lambda _: None)
    later = known.erased_at + timedelta(seconds=1)
    Registrant.objects.create(
        campaign=campaign,
        global_user_id=fan,
        email="new@example.com",
        preferences=[],
        registered_at=NOW - timedelta(days=1),
        changed_at=later,
    )
    file = add_scores(campaign, [f"fan-{n:06d}" for n in range(12)], [0.9] * 12)
    Campaign.objects.filter(pk=campaign.pk).update(active_score_file=file)


def test_w5_k6_who_had_a_seat_before_the_erasure_gets_no_second_one_in_the_campaign():
    campaign = campaign_with(12, {"west": 3, "east": 3})
    first = sent_out(prepared(campaign))
    fan = first.members.order_by("place").first().global_user_id
    registered_again(campaign, fan)
    second = prepared(campaign, "20260122", reassign=True)
    assert second.excluded == {"already_in_wave": 1}
    assert not second.members.filter(global_user_id=fan).exists()
    assert counted(second).count_problems == []
    with pytest.raises(NoMembers, match="1 × Already in a wave"):
        uploaded(campaign, [row(int(fan[-6:]))], by=person("ann"), key="20260123")


def test_w5_k6_who_held_a_code_of_a_cancelled_wave_before_the_erasure_gets_no_other_one():
    campaign = campaign_with(12, {"west": 6})
    first = sent_out(prepared(campaign))
    Wave.objects.filter(pk=first.pk).update(state="cancelled")
    campaign.markets.update(capacity=12)
    fan = first.members.order_by("place").first().global_user_id
    registered_again(campaign, fan)
    second = prepared(campaign, "20260122")
    assert (second.selected, second.excluded) == (6, {"holds_code": 6})
    assert counted(second).count_problems == []


def test_w6_x11_who_comes_back_with_the_code_of_a_cancelled_wave_while_their_erasure_waits_stops_no_wave():
    campaign = campaign_with(12)
    first = sent_out(prepared(campaign))
    Send.objects.filter(wave=first).delete()  # cancelled before anybody was notified
    Wave.objects.filter(pk=first.pk).update(state="cancelled")
    fan = first.members.order_by("place").first().global_user_id
    known = mark(fan)
    # the erasure waits, and they register again
    later = known.erased_at + timedelta(microseconds=1)
    Registrant.objects.filter(global_user_id=fan).update(changed_at=later)
    second = prepared(campaign, "20260122")
    Wave.objects.filter(pk=second.pk).update(prepared_at=later)
    assert second.members.get(global_user_id=fan).reassigned is None
    asked = Sought(fan, 1, asked_for=known.erased_at)
    with pytest.raises(EraseLater, match="which was not sent yet"), locked(campaign.pk) as held:
        refuse_while_at_work(held, asked)
    assert sent_out(second).state == "completed"
    with locked(campaign.pk) as held:
        run("SET LOCAL fairwave.erasure = 'on'")
        refuse_while_at_work(held, asked)
        erase_rows(held, asked, lambda place: None)
    assert not Member.objects.filter(global_user_id=fan).exists()


def test_x11_code_seat_and_approval_of_a_sent_wave_stay_as_they_are():
    campaign = campaign_with(12)
    wave = sent_out(prepared(campaign))
    member = wave.members.order_by("place").first()
    before = (member.code, member.place, member.market_id, member.band_score)
    codes = Code.objects.filter(wave=wave).count()
    name = erased(campaign, member.global_user_id)
    member.refresh_from_db()
    assert (member.code, member.place, member.market_id, member.band_score) == before
    assert (member.global_user_id, member.email, member.phone, member.member_id) == (
        *(name, "", ""),
        "",
    )
    assert Assignment.objects.get(global_user_id=name).code.code == member.code
    assert Code.objects.filter(wave=wave).count() == codes
    wave.refresh_from_db()
    require_approved_content(wave)
    assert wave.counted_digest == content_digest(wave)


def test_x11_whose_members_were_changed_before_stays_refused():
    campaign = campaign_with(12)
    wave = sent_out(prepared(campaign))
    first, second = wave.members.order_by("place")[:2]
    Member.objects.filter(pk=second.pk).update(phone="+12065559999")
    erased(campaign, first.global_user_id)
    wave.refresh_from_db()
    assert wave.approved_digest != content_digest(wave)


def test_w6_who_came_again_with_their_code_follows_the_assignment():
    campaign = campaign_with(12)
    first = sent_out(prepared(campaign))
    again = sent_out(prepared(campaign, "20260122", reassign=True))
    member = again.members.filter(reassigned__wave=first).first()
    name = erased(campaign, member.global_user_id)
    members = Member.objects.filter(campaign=campaign, global_user_id=name)
    assert {*members.values_list("wave", flat=True)} == {first.pk, again.pk}


def test_k6_outside_of_an_erasure_an_assignment_keeps_its_fan_and_in_one_its_code():
    campaign = campaign_with(12)
    sent_out(prepared(campaign))
    first, second = Assignment.objects.order_by("pk")[:2]
    with pytest.raises(IntegrityError), transaction.atomic():
        Assignment.objects.filter(pk=first.pk).update(global_user_id="another")
    run("SET LOCAL fairwave.erasure = 'on'")
    with pytest.raises(IntegrityError), transaction.atomic():
        Assignment.objects.filter(pk=first.pk).update(code=second.code)


def test_x11_a_pending_message_is_skipped_and_one_that_is_being_sent_is_waited_for():
    wave = triggered_wave(2)
    new_messages.make_sends(wave)
    campaign, member = wave.campaign, wave.members.order_by("pk").first()
    send = Send.objects.get(member=member, channel="sms")
    in_flight = {"state": SendState.SENDING, "lease_until": timezone.now() + timedelta(minutes=1)}
    Send.objects.filter(pk=send.pk).update(**in_flight)
    assert "A message to the fan is being sent" in refused(campaign, member.global_user_id)
    Send.objects.filter(pk=send.pk).update(state=SendState.PENDING, lease_until=None)
    erased(campaign, member.global_user_id)
    of_fan = Send.objects.filter(member=member, channel="sms").values_list("state", "reason")
    assert {*of_fan} == {(SendState.SKIPPED, "erased")}
    assert not Send.objects.exclude(member=member).filter(reason="erased").exists()


@pytest.mark.parametrize(
    "begun",
    [
        {"state": SendState.SENDING, "lease_until": NOW, "claim": uuid.uuid4()},
        {"state": SendState.PENDING, "maybe_accepted": True},
    ],
)
def test_n4_a_message_of_an_erased_fan_that_may_have_arrived_is_unknown(begun):
    wave = triggered_wave(2)
    new_messages.make_sends(wave)
    member = wave.members.order_by("pk").first()
    send = Send.objects.get(member=member, channel="sms")
    Send.objects.filter(pk=send.pk).update(**begun)
    erased(wave.campaign, member.global_user_id)
    send.refresh_from_db()
    assert (send.state, send.maybe_accepted, send.claim) == (SendState.UNKNOWN, True, None)


@pytest.mark.django_db(transaction=True)
def test_t4_no_selection_is_saved_while_a_fan_is_erased():
    campaign = make_campaign()
    with locked(campaign.pk):
        assert not elsewhere(lambda: try_lock_in_transaction("selections"))
    assert elsewhere(lambda: try_lock_in_transaction("selections"))
