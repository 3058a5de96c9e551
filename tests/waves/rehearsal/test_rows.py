"""The rows of a rehearsal. [X-6]"""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from tests.support.database import kept
from tests.support.waves import person
from waves.choices import Channel
from waves.models import Member, Rehearsal, RehearsalSend, Send, Wave
from waves.rehearsal.rehearse import begin
from waves.rehearsal.rows import REHEARSED, make_rows, marked_code, result_of
from waves.sending import new_messages, send_rows
from waves.sending.send_rows import Messages

pytestmark = pytest.mark.django_db


@pytest.fixture
def wave() -> Wave:
    return kept.prepared()


def begun(wave: Wave) -> Rehearsal:
    rehearsal = begin(wave, by=person("ann"))
    make_rows(rehearsal)
    return rehearsal


def test_x6_each_member_has_a_row_per_channel_with_a_key_of_its_own(wave):
    member = Member.objects.filter(wave=wave).first()
    Member.objects.filter(pk=member.pk).update(phone="")
    rehearsal = begun(wave)
    make_rows(rehearsal)  # once
    assert RehearsalSend.objects.count() == 20
    skipped = RehearsalSend.objects.get(state="skipped")
    assert (skipped.member_id, skipped.channel, skipped.reason) == (member.pk, "sms", "no_contact")
    new_messages.make_sends(wave)
    real = set(Send.objects.values_list("key", flat=True))
    assert real.isdisjoint(RehearsalSend.objects.values_list("key", flat=True))


def test_n1_with_sms_first_an_email_goes_only_where_there_is_no_phone(wave):
    Wave.objects.filter(pk=wave.pk).update(notify_channels="sms_first")
    begun(wave)
    assert not RehearsalSend.objects.filter(channel="email").exists()


def test_x6_a_claimed_row_has_a_marked_code_and_never_the_real_one(wave):
    member = Member.objects.filter(wave=wave).first()
    Member.objects.filter(pk=member.pk).update(code="TM")
    rehearsal = begun(wave)
    options = {"after": 0, "limit": 50, "lease": timedelta(seconds=30)}
    sms = Messages(rehearsal.pk, Channel.SMS, REHEARSED)
    rows = send_rows.claim(sms, uuid.uuid4(), **options).rows
    members = {each.global_user_id: each for each in Member.objects.filter(wave=wave)}
    assert {row.code for row in rows} == {marked_code(each) for each in members.values()}
    assert sum(row.code == "TM" for row in rows) == 1
    assert sum(row.code.startswith("REHEARSAL-") for row in rows) == 9
    assert {row.contact for row in rows} == {each.phone for each in members.values()}
    Rehearsal.objects.update(state="stopped")
    assert send_rows.claim(sms, uuid.uuid4(), **options).rows == []


def test_n7_the_five_parts_add_up_to_the_members(wave):
    rehearsal = begun(wave)
    rows = list(RehearsalSend.objects.order_by("member_id", "channel"))  # email, sms
    states = ("sent", "failed", "failed", "failed", "unknown", "skipped", "skipped", "skipped")
    for row, state in zip(rows[:10], (*states, "failed", "unknown"), strict=True):
        RehearsalSend.objects.filter(pk=row.pk).update(state=state)
    found = result_of(rehearsal)
    parts = [found[name] for name in ("ok", "failed", "skipped", "unknown", "pending")]
    assert parts == [1, 1, 1, 2, 5]
    assert found["total"] == sum(parts) == 10
    assert found["detail"] == {
        "sms": {"sent": 0, "failed": 2, "delivered": 0, "undeliverable": 0},
        "email": {"queued": 9, "sent": 1, "failed": 2, "delivered": 0, "undeliverable": 0},
    }
