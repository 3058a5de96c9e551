"""Approval by a second person, of exactly this content. [W-7, W-10, X-5]"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from campaigns.models import Campaign
from operations.models import Alert, StatusChange
from tests.support.database import kept
from tests.support.waves import (
    NOW,
    approve,
    campaign_with,
    changed_waves,
    contacts_of,
    members_of,
    person,
    request,
)
from waves.actions import cancel
from waves.alarms import lost_approvals
from waves.approval import renew, void_members
from waves.choices import WaveState
from waves.digest import content_digest, require_approved_content
from waves.errors import BadTemplate, ContentChanged, SamePerson, WrongState
from waves.messages.templates import live_content, texts_for
from waves.models import Code, Member, Template, Wave
from waves.preparation.prepare import prepare
from waves.schedule import schedule, unschedule

pytestmark = pytest.mark.django_db


@pytest.fixture
def wave():
    return kept.counted_wave()


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


def change_soft_start(wave: Wave) -> None:
    Campaign.objects.filter(pk=wave.campaign_id).update(soft_start=500)


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


OF_MESSAGES = [add_template, rename_campaign, change_channels, change_soft_start, change_date]
OF_MEMBERS = [change_member, change_code, lose_member]


def fresh(wave: Wave) -> Wave:
    return Wave.objects.select_related("campaign").get(pk=wave.pk)


def void(wave: Wave, by: User | None = None) -> bool:
    """What a change of templates does, and the scheduler each minute."""
    assert [changed.pk for changed in changed_waves()] == [wave.pk]
    return renew(wave.pk, by=by, reason="SMS template changed")


def test_x5_the_channels_that_are_approved_are_those_that_are_sent(wave):
    change_channels(wave)
    void(wave)
    changed = fresh(wave)
    assert changed.content["notify_channels"] == changed.notify_channels == "sms_first"


def test_k2_codes_get_the_dates_of_the_campaigns_new_zone_together_with_the_messages(wave):
    Wave.objects.filter(pk=wave.pk).update(notify_date=datetime(2026, 3, 10, 14, tzinfo=UTC))
    Campaign.objects.filter(pk=wave.campaign_id).update(time_zone="America/New_York")
    renew(wave.pk, by=None, reason="campaign changed")
    code = Code.objects.filter(wave=wave).first()
    assert code.begins_at == datetime(2026, 3, 9, 14, tzinfo=UTC)
    assert code.ends_at == datetime(2027, 3, 10, 15, tzinfo=UTC)


def test_w10_who_changed_what_a_wave_says_may_not_approve_it(wave):
    approved(wave)
    add_template(wave)
    void(wave, by=person("bob"))
    with pytest.raises(SamePerson):
        approved(fresh(wave))


@pytest.mark.parametrize("change", OF_MESSAGES, ids=lambda f: f.__name__)
def test_w7_x5_a_change_after_preparation_is_taken_over_and_approved_by_its_new_digest(
    wave, change
):
    digest = wave.content_digest
    change(wave)
    with pytest.raises(ContentChanged, match="Check the content again"):
        approve(fresh(wave), by=person("bob"), digest=digest, now=NOW)
    changed = fresh(wave)
    assert changed.content_digest != digest
    assert approved(changed).state == WaveState.APPROVED


@pytest.mark.parametrize("change", OF_MEMBERS, ids=lambda f: f.__name__)
def test_w7_x5_members_that_changed_after_preparation_are_not_approved(wave, change):
    change(wave)
    with pytest.raises(ContentChanged, match="members have changed since it was prepared"):
        approved(fresh(wave))


@pytest.mark.parametrize("change", [*OF_MESSAGES, change_member], ids=lambda f: f.__name__)
def test_x5_what_changed_after_approval_is_not_scheduled(wave, change):
    approved(wave)
    change(wave)
    with pytest.raises(ContentChanged):
        schedule(fresh(wave), by=person("bob"), now=NOW)


@pytest.mark.parametrize("change", OF_MEMBERS, ids=lambda f: f.__name__)
def test_x5_any_change_of_members_after_approval_is_seen_by_the_sender(wave, change):
    approved(wave)
    require_approved_content(wave)
    change(wave)
    with pytest.raises(ContentChanged, match="nothing was sent"):
        require_approved_content(fresh(wave))


@pytest.mark.parametrize("change", OF_MESSAGES, ids=lambda f: f.__name__)
@pytest.mark.parametrize("scheduled", [False, True])
def test_x5_w2_a_change_of_what_is_said_leads_back_to_prepared_with_a_new_digest(
    wave, change, scheduled
):
    members, digest = members_of(wave), wave.content_digest
    approved(wave)
    if scheduled:
        schedule(wave, by=person("bob"), now=NOW)
    assert changed_waves() == []
    change(wave)
    assert void(wave, by=person("carol"))
    wave.refresh_from_db()
    assert (wave.state, wave.approved_by, wave.approved_digest, wave.scheduled_at) == (
        *(WaveState.PREPARED, None, ""),
        None,
    )
    assert wave.content_digest not in {"", digest}
    assert members_of(wave) == members
    assert Alert.objects.filter(text__contains="carol").get().text.count(wave.name) == 1
    lost = lost_approvals([wave])[wave.name]
    assert (lost.by.username, lost.reason) == ("carol", "SMS template changed")
    assert approved(fresh(wave)).state == WaveState.APPROVED
    assert not lost_approvals([fresh(wave)])


@pytest.mark.parametrize("setting", ["SMS_PROVIDER", "SMS_FALLBACK"])
def test_x5_a_provider_that_changes_voids_the_approval(setting, wave, settings):
    """N-9"""
    approved(wave)
    setattr(settings, setting, "another")
    assert void(wave)


def test_x5_what_reaches_no_member_voids_nothing(settings):
    """Nobody has an e-mail address, so neither its template nor its provider is part of it."""
    campaign = campaign_with(12)
    wave = prepare(request(campaign), by=person("ann"), now=NOW).wave
    Member.objects.filter(wave=wave).update(email="")
    wave.content = live_content(wave, texts_for(contacts_of(wave)))
    wave.content_digest = content_digest(wave)
    wave.save(update_fields=["content", "content_digest"])
    approved(wave)
    Template.objects.create(campaign=campaign, channel="email", body="x", subject="y")
    settings.EMAIL_PROVIDER = "another"
    assert changed_waves() == []
    add_template(wave)
    assert void(wave)


def test_k3_a_template_that_cannot_be_used_for_a_wave_keeps_it_from_being_approved():
    campaign = campaign_with(12, code_source="tm")
    wave = approved(prepare(request(campaign), by=person("ann"), now=NOW).wave)
    digest = wave.content_digest
    add_template(wave)
    assert void(wave)
    wave.refresh_from_db()
    assert (wave.state, wave.content_digest) == (WaveState.PREPARED, digest)
    with pytest.raises(BadTemplate, match=r"Remove \{code\}"):
        approved(fresh(wave))
    Template.objects.all().delete()
    assert approved(fresh(wave)).state == WaveState.APPROVED


@pytest.mark.parametrize("state", ["triggered", "paused", "completed", "cancelled"])
def test_x5_from_the_trigger_on_nothing_is_taken_over(wave, state):
    approved(wave)
    add_template(wave)
    Wave.objects.filter(pk=wave.pk).update(state=state)
    assert changed_waves() == []
    assert not renew(wave.pk, by=None, reason="x")
    require_approved_content(fresh(wave))


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


def test_w2_a_held_wave_whose_members_changed_is_left_to_a_person(wave):
    approved(wave)
    Wave.objects.filter(pk=wave.pk).update(state="held")
    lose_member(wave)
    assert not void_members(wave.pk, by=None)
    assert fresh(wave).state == "held"


def test_w9_a_wave_that_has_to_be_prepared_again_counts_nobody(wave):
    assert (fresh(wave).selected, fresh(wave).waitlist) == (10, 2)
    lose_member(wave)
    void_members(wave.pk, by=None)
    assert (fresh(wave).selected, fresh(wave).waitlist) == (0, 0)
