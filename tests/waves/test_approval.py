"""Approval by a second person, of exactly this content. [W-7, W-10, X-5]"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from campaigns.models import Campaign
from operations.models import Alert, StatusChange
from tests.support.waves import NOW, campaign_with, person, request
from waves.actions import cancel
from waves.approval import approve, void_changed
from waves.choices import WaveState
from waves.digest import require_approved_content
from waves.errors import ContentChanged, SamePerson, WrongState
from waves.models import Member, Template, Wave
from waves.preparation.prepare import prepare
from waves.schedule import schedule, unschedule

pytestmark = pytest.mark.django_db


@pytest.fixture
def wave():
    return prepare(request(campaign_with(12)), by=person("ann"), now=NOW).wave


def approved(wave: Wave) -> Wave:
    return approve(wave, by=person("bob"), digest=wave.content_digest, now=NOW)


def test_w10_a_second_person_approves_the_content_they_name(wave):
    assert approved(wave).state == WaveState.APPROVED
    assert (wave.approved_by.username, wave.approved_digest) == ("bob", wave.content_digest)
    change = StatusChange.objects.filter(subject_id=wave.name).latest("id")
    assert (change.from_state, change.to_state, change.by.username) == (
        "prepared",
        "approved",
        "bob",
    )


def test_w10_who_prepared_it_may_not_approve_it(wave):
    with pytest.raises(SamePerson, match="ann prepared or last edited"):
        approve(wave, by=person("ann"), digest=wave.content_digest, now=NOW, waiver="in a hurry")
    wave.refresh_from_db()
    assert wave.state == WaveState.PREPARED


def test_w10_who_last_edited_it_may_not_approve_it(wave):
    Wave.objects.filter(pk=wave.pk).update(edited_by=person("bob"))
    wave.refresh_from_db()
    with pytest.raises(SamePerson):
        approved(wave)


def test_w10_with_four_eyes_off_a_waiver_with_a_reason_is_recorded(wave, settings):
    settings.WAVES_FOUR_EYES = False
    with pytest.raises(SamePerson, match="reason"):
        approve(wave, by=person("ann"), digest=wave.content_digest, now=NOW)
    approve(wave, by=person("ann"), digest=wave.content_digest, now=NOW, waiver="alone on duty")
    assert wave.waiver == "alone on duty"
    assert StatusChange.objects.filter(reason="alone on duty", to_state="approved").exists()


def test_w10_the_database_refuses_an_approval_by_the_preparer(wave):
    with pytest.raises(IntegrityError, match="wave_four_eyes"), transaction.atomic():
        Wave.objects.filter(pk=wave.pk).update(approved_by=wave.prepared_by)


def test_x5_another_digest_is_refused(wave):
    with pytest.raises(ContentChanged, match=wave.content_digest):
        approve(wave, by=person("bob"), digest="0" * 64, now=NOW)


def add_template(wave: Wave) -> None:
    Template.objects.create(campaign=wave.campaign, channel="sms", body="Another text: {code}")


def rename_campaign(wave: Wave) -> None:
    Campaign.objects.filter(pk=wave.campaign_id).update(name="Autumn Tour")


def change_channels(wave: Wave) -> None:
    Campaign.objects.filter(pk=wave.campaign_id).update(notify_channels="sms_first")


def change_date(wave: Wave) -> None:
    Wave.objects.filter(pk=wave.pk).update(notify_date=wave.notify_date + timedelta(minutes=1))


def change_member(wave: Wave) -> None:
    member = Member.objects.filter(wave=wave).first()
    Member.objects.filter(pk=member.pk).update(phone="+12065550000")


def change_code(wave: Wave) -> None:
    member = Member.objects.filter(wave=wave).first()
    Member.objects.filter(pk=member.pk).update(code="OTHER23456")


def lose_member(wave: Wave) -> None:
    Member.objects.filter(wave=wave).first().delete()


CHANGES = [
    add_template,
    rename_campaign,
    change_channels,
    change_date,
    change_member,
    change_code,
    lose_member,
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda f: f.__name__)
def test_w7_x5_any_change_after_preparation_keeps_it_from_being_approved(wave, change):
    digest = wave.content_digest
    change(wave)
    changed = Wave.objects.select_related("campaign").get(pk=wave.pk)
    with pytest.raises(ContentChanged, match="changed since it was prepared"):
        approve(changed, by=person("bob"), digest=digest, now=NOW)


@pytest.mark.parametrize("change", CHANGES, ids=lambda f: f.__name__)
def test_x5_any_change_after_approval_is_seen_by_the_sender(wave, change):
    approved(wave)
    require_approved_content(wave)
    change(wave)
    with pytest.raises(ContentChanged, match="nothing was sent"):
        require_approved_content(Wave.objects.select_related("campaign").get(pk=wave.pk))


@pytest.mark.parametrize("change", CHANGES[:4], ids=lambda f: f.__name__)
@pytest.mark.parametrize("scheduled", [False, True])
def test_x5_a_change_of_what_is_said_voids_the_approval(wave, change, scheduled):
    approved(wave)
    if scheduled:
        schedule(wave, by=person("bob"), now=NOW)
    assert void_changed() == []
    change(wave)
    assert [changed.pk for changed in void_changed()] == [wave.pk]
    wave.refresh_from_db()
    assert (wave.state, wave.approved_by, wave.approved_digest) == (WaveState.CONFIGURED, None, "")
    assert not Member.objects.filter(wave=wave).exists()
    assert Alert.objects.filter(text__contains=wave.name).exists()


def test_x5_a_provider_that_changes_voids_the_approval(wave, settings):
    approved(wave)
    settings.SMS_PROVIDER = "another"
    assert [changed.pk for changed in void_changed()] == [wave.pk]


def test_x5_w9_a_voided_wave_is_prepared_again_with_the_same_codes(wave):
    codes = dict(Member.objects.filter(wave=wave).values_list("global_user_id", "code"))
    approved(wave)
    add_template(wave)
    void_changed()
    again = prepare(request(wave.campaign), by=person("ann"), now=NOW).wave
    assert dict(Member.objects.filter(wave=again).values_list("global_user_id", "code")) == codes


def test_w2_approval_begins_at_prepared_only(wave):
    approved(wave)
    with pytest.raises(WrongState):
        approved(wave)


def test_w2_unscheduling_keeps_the_approval(wave):
    approved(wave)
    schedule(wave, by=person("bob"), now=NOW)
    unschedule(wave, by=person("bob"), reason="later")
    assert (wave.state, wave.approved_by) == (WaveState.APPROVED, person("bob"))


def test_w2_the_loser_of_a_race_gets_an_error_that_names_the_state(wave):
    other = Wave.objects.select_related("campaign").get(pk=wave.pk)
    cancel(other, by=person("root"), reason="rain")
    with pytest.raises(WrongState, match="is cancelled"):
        approved(wave)
