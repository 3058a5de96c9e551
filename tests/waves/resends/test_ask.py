"""Support sends a fan's code again: judged, limited, once. [X-12]"""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from campaigns.errors import WrongStatus
from campaigns.models import Campaign, ListEntry
from operations.models import StatusChange
from tests.console.page_cases import sending_wave
from tests.support.waves import person
from waves.choices import Channel, Queue, SuppressedBy
from waves.errors import ReasonMissing, ResendRefused
from waves.models import Assignment, Member, Resend, Send, Wave
from waves.resends.ask import Wanted, ask
from waves.sending import accounts, new_messages
from waves.suppression.contacts import Contact
from waves.suppression.suppressed import Ground, suppress

pytestmark = pytest.mark.django_db


def sent_wave() -> Wave:
    """Its fans hold codes, and all of its messages were sent."""
    wave = sending_wave()
    new_messages.make_sends(wave)
    Send.objects.filter(wave=wave).update(state="sent")
    Wave.objects.filter(pk=wave.pk).update(state="completed")
    wave.refresh_from_db()
    return wave


def fan_of(wave: Wave) -> Member:
    return wave.members.order_by("place").first()


def wanted(wave: Wave, **values) -> Wanted:
    asked = {"campaign": wave.campaign, "fan": fan_of(wave).global_user_id, "reason": "mistyped"}
    return Wanted(**asked | {"request": uuid.uuid4()} | values)


def refused(asked: Wanted, match: str, error: type[Exception] = ResendRefused) -> None:
    before = Resend.objects.count()
    with pytest.raises(error, match=match):
        ask(asked, by=person("desk"))
    assert Resend.objects.count() == before


def test_x12_a_corrected_contact_is_judged_as_every_contact_and_the_request_is_in_the_history():
    wave = sent_wave()
    (row,) = ask(wanted(wave, email=" Ann@Band.Example "), by=person("desk"))
    assert (row.channel, row.contact, row.is_corrected) == ("email", "ann@band.example", True)
    assert row.key not in set(Send.objects.values_list("key", flat=True))
    assert (row.member, row.wave, row.state) == (fan_of(wave), wave, "pending")
    history = StatusChange.objects.get(subject_id=wave.name, to_state="code sent again")
    assert history.by.username == "desk"
    assert history.reason == f"e-mail to fan {row.member.global_user_id}: mistyped"
    assert "band.example" not in history.reason


def test_x12_without_a_contact_it_goes_where_the_wave_went():
    wave = sent_wave()
    member = fan_of(wave)
    rows = ask(wanted(wave), by=person("desk"))
    assert {(row.channel, row.contact) for row in rows} == {
        ("sms", member.phone),
        ("email", member.email),
    }
    assert not any(row.is_corrected for row in rows)
    Resend.objects.update(state="sent")
    Wave.objects.filter(pk=wave.pk).update(notify_channels="sms_first")
    assert [row.channel for row in ask(wanted(wave), by=person("desk"))] == ["sms"]


def test_x12_what_cannot_be_used_is_refused_with_its_reason():
    wave = sent_wave()
    ListEntry.objects.create(campaign=wave.campaign, kind="blacklist", pattern="bad@band.example")
    refused(wanted(wave, email="bad@band.example"), "Address is on the blacklist")
    refused(wanted(wave, email="ann@band"), "e-mail address cannot be used. Check it")
    refused(wanted(wave, phone="123"), "phone number cannot be used")
    refused(wanted(wave, phone="+4915123456789"), "International phone number")
    refused(wanted(wave, phone="206 555 0142", email="x"), "e-mail address cannot be used")
    refused(wanted(wave, reason="  "), "Enter why", ReasonMissing)
    Member.objects.filter(pk=fan_of(wave).pk).update(email="", phone="")
    refused(wanted(wave), "no contact of the fan")


def test_n8_who_is_on_the_suppression_list_gets_nothing():
    wave = sent_wave()
    to = Contact(Channel.EMAIL, "ann@band.example")
    suppress([to], Ground(SuppressedBy.COMPLAINT, wave.campaign))
    refused(wanted(wave, email=to.value), "is on the suppression list")


def test_x12_only_a_fan_with_an_assigned_code_and_only_that_code():
    wave = sent_wave()
    refused(wanted(wave, fan="fan-999999"), "no assigned code")
    member = fan_of(wave)
    Member.objects.filter(pk=member.pk).update(code="ANOTHER234")
    refused(wanted(wave), "No wave that was sent has this fan's code")


def test_c2_a_closed_campaign_allows_it_and_an_archived_one_does_not():
    wave = sent_wave()
    Campaign.objects.update(status="archived", archived_at=timezone.now())
    refused(wanted(wave), "is archived", WrongStatus)
    Campaign.objects.update(status="closed", archived_at=None)
    assert ask(wanted(wave), by=person("desk"))


def test_n6_nothing_is_taken_while_sending_is_stopped_or_a_message_is_on_its_way():
    wave = sent_wave()
    accounts.pause("sms_http", "drill")
    refused(wanted(wave, phone="+12065550142"), "is stopped: drill")
    accounts.resume("sms_http")
    Wave.objects.filter(pk=wave.pk).update(queue=Queue.PAUSED)
    refused(wanted(wave), "are paused")
    Wave.objects.filter(pk=wave.pk).update(queue=Queue.RUNNING, state="paused")
    refused(wanted(wave), "is paused")
    Wave.objects.filter(pk=wave.pk).update(state="cancelled")
    refused(wanted(wave), "is cancelled, so nothing of it is sent")
    Wave.objects.filter(pk=wave.pk).update(state="completed", queue=Queue.CANCELLED)
    refused(wanted(wave), "its remaining messages are cancelled")
    Wave.objects.filter(pk=wave.pk).update(queue=Queue.RUNNING, state="triggered")
    Send.objects.filter(member=fan_of(wave), channel="sms").update(state="pending")
    refused(wanted(wave), "still to be sent")
    ask(wanted(wave, email="ann@band.example"), by=person("desk"))
    refused(wanted(wave, email="bob@band.example"), "still to be sent")


def test_x12_it_is_limited_per_fan_and_per_person(settings):
    settings.RESENDS_PER_FAN, settings.RESENDS_PER_PERSON = 2, 3
    wave = sent_wave()
    first, second = (each.global_user_id for each in wave.members.order_by("place")[:2])
    for number in range(2):
        ask(wanted(wave, fan=first), by=person("desk"))
        Resend.objects.update(state="sent")
        assert number == 1 or ask(wanted(wave, fan=second, phone="+12065550142"), by=person("bob"))
        Resend.objects.update(state="sent")
    refused(wanted(wave, fan=first), "This fan's code was sent again 2 times")
    ask(wanted(wave, fan=second), by=person("desk"))
    Resend.objects.update(state="sent")
    third = wave.members.order_by("place")[2].global_user_id
    refused(wanted(wave, fan=third), "You have sent codes again 3 times")


@pytest.mark.django_db(transaction=True)
def test_x12_a_double_click_writes_it_down_once():
    wave = sent_wave()
    asked, desk = wanted(wave, phone="+12065550142"), person("desk")

    def click() -> list[int]:
        try:
            return [row.pk for row in ask(asked, by=desk)]
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        first, second = [threads.submit(click) for _ in range(2)]
        assert first.result() == second.result()
    assert Resend.objects.count() == 1


def test_x12_the_newest_wave_with_the_fans_code_is_the_one_that_is_sent_again():
    wave = sent_wave()
    fan = fan_of(wave)
    newer = Wave.objects.create(
        campaign=wave.campaign,
        date_key="20260125",
        name=f"{wave.campaign.campaign_id}_20260125",
        notify_date=wave.notify_date,
        state="completed",
        triggered_at=wave.triggered_at + timedelta(days=4),
    )
    held = Assignment.objects.get(campaign=wave.campaign, global_user_id=fan.global_user_id)
    again = Member.objects.create(
        wave=newer,
        campaign=wave.campaign,
        market=fan.market,
        global_user_id=fan.global_user_id,
        phone=fan.phone,
        code=fan.code,
        place=0,
        band_score=fan.band_score,
        reassigned=held,
    )
    rows = ask(wanted(wave), by=person("desk"))
    assert {row.member_id for row in rows} == {again.pk}
