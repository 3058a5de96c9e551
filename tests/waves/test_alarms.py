"""What everybody has to know: sending is stopped, an approval is void. [N-6, X-5]"""

from __future__ import annotations

import pytest

from campaigns.models import Campaign
from tests.support.waves import NOW, approve, campaign_with, person, request
from waves import actions, alarms, approval
from waves.choices import WaveState
from waves.lifecycle import move
from waves.models import Member, Wave
from waves.preparation.prepare import prepare
from waves.sending import accounts

pytestmark = pytest.mark.django_db


def approved() -> Wave:
    wave = prepare(request(campaign_with(5)), by=person("ann"), now=NOW).wave
    approve(wave, by=person("bob"), digest=wave.content_digest, now=NOW)
    return wave


def seen() -> list[tuple[str, str, str]]:
    return [(alarm.name, alarm.by, alarm.reason) for alarm in alarms.standing()]


def test_n6_a_stopped_account_is_an_alarm_until_it_sends_again(ann):
    accounts.account("sms_http")
    assert seen() == []
    accounts.pause("sms_http", "wrong price", by=ann)
    accounts.pause("email_django", "too many errors")
    assert seen() == [
        ("sms_http", "ann", "wrong price"),
        ("email_django", "", "too many errors"),
    ]
    assert [alarm.title for alarm in alarms.standing()] == ["SMS gateway", "E-mail"]
    accounts.resume("email_django")
    accounts.resume("sms_http")
    assert seen() == []


def test_x5_a_void_approval_is_an_alarm_until_the_wave_is_approved_again():
    wave = approved()
    Campaign.objects.filter(pk=wave.campaign_id).update(name="Autumn Tour")
    assert seen() == []
    assert approval.renew(wave.pk, by=person("eve"), reason="the name changed")
    assert seen() == [(wave.name, "eve", "the name changed")]
    wave.refresh_from_db()
    approve(wave, by=person("bob"), digest=wave.content_digest, now=NOW)
    assert seen() == []


def test_x5_a_wave_whose_members_changed_is_one_too_but_not_one_that_a_person_reset(root):
    wave = approved()
    Member.objects.filter(pk=wave.members.first().pk).delete()
    assert approval.void_members(wave.pk, by=None)
    assert seen() == [(wave.name, "", "members changed")]
    Campaign.objects.filter(pk=wave.campaign_id).update(status="closed")
    assert seen() == []
    other = approved()
    actions.reset(other, by=root, reason="start again")
    assert seen() == []


@pytest.mark.parametrize("reason", ["members changed", "retry"])
def test_x5_whatever_reason_a_person_gives_a_reset_is_a_persons(reason, root):
    for wave in (lost_its_members(), approved()):
        actions.reset(wave, by=root, reason=reason)
        assert seen() == []


def lost_its_members() -> Wave:
    wave = approved()
    Member.objects.filter(pk=wave.members.first().pk).delete()
    assert approval.void_members(wave.pk, by=None)
    return Wave.objects.get(pk=wave.pk)


def prepared_again(wave: Wave) -> Wave:
    return prepare(request(wave.campaign), by=person("ann"), now=NOW).wave


def test_x5_a_lost_approval_stays_an_alarm_whatever_happens_but_a_new_one():
    """Prepared again, failed, tried again, prepared without its members once more."""
    wave = lost_its_members()
    lost = [(wave.name, "", "members changed")]
    move(wave, WaveState.FAILED, by=None, reason="the bucket is away", error="away")
    assert seen() == lost
    wave = prepared_again(wave)
    assert seen() == lost
    assert list(alarms.lost_approvals([wave])) == [wave.name]
    Member.objects.filter(pk=wave.members.first().pk).delete()
    assert not approval.void_members(wave.pk, by=None)  # it had none to lose
    assert seen() == lost
    wave = prepared_again(wave)
    approve(wave, by=person("bob"), digest=wave.content_digest, now=NOW)
    assert seen() == []


def test_x5_a_lost_approval_is_no_alarm_once_a_person_reset_or_cancelled_the_wave(root):
    first, second = lost_its_members(), lost_its_members()
    assert len(seen()) == 2
    actions.reset(first, by=root, reason="start again")
    actions.cancel(second, by=root, reason="rain")
    assert seen() == []
    prepared_again(first)
    assert seen() == []


def test_x5_w2_a_held_wave_whose_messages_changed_has_lost_its_approval_too():
    wave = approved()
    Wave.objects.filter(pk=wave.pk).update(state="held")
    Campaign.objects.filter(pk=wave.campaign_id).update(name="Autumn Tour")
    assert approval.renew(wave.pk, by=person("eve"), reason="the name changed")
    assert seen() == [(wave.name, "eve", "the name changed")]
