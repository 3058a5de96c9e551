"""Approvers are told that a wave waits for them: once for each content, without a word about fans.
[W-10, X-5]
"""

from __future__ import annotations

import smtplib
from datetime import timedelta
from functools import partial

import pytest
from django.core import mail
from django.core.mail.backends import locmem

from operations.models import Alert, Job
from tests.support.people import member_of
from tests.support.waves import (
    NOTIFY,
    NOW,
    approve,
    campaign_with,
    counted,
    members_of,
    person,
    recounted_here,
    request,
)
from waves import actions
from waves.errors import NoticeNotSent
from waves.models import ApprovalNotice, NoticeEmail, Wave
from waves.preparation.prepare import prepare
from waves.review import notices
from waves.second_count import count
from waves.tasks import look_after, run_count

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def people():
    for role, name in (
        *(("approver", name) for name in ("paula", "peter", "gone", "silent")),
        *(("administrator", "anna"), ("operator", "olaf"), ("viewer", "vera")),
    ):
        user = member_of(role, name=name)
        address = "" if name == "silent" else f"{name}@staff.example"
        type(user).objects.filter(pk=user.pk).update(email=address, is_active=name != "gone")


def waiting(by: str = "olaf") -> Wave:
    campaign = campaign_with(time_zone="America/New_York")
    return counted(prepare(request(campaign), by=person(by), now=NOW).wave)


def notified() -> list[str]:
    """Whom a worker tells now."""
    before = len(mail.outbox)
    for job in notices.open_notices():
        notices.run(job.pk)
    return sorted(message.to[0].partition("@")[0] for message in mail.outbox[before:])


def test_w10_every_active_approver_with_an_address_gets_one_e_mail_and_slack_a_line():
    wave = waiting()
    assert notified() == ["anna", "paula", "peter"]
    assert notified() == []
    text = mail.outbox[0].body
    for word in (wave.name, f"/admin/wave/{wave.name}/", "Fans: 10", "13:00 New York", "olaf"):
        assert word in text
    said = Alert.objects.get(text__contains="needs approval by another user").text
    assert f"Wave {wave.name} is prepared and its second count agrees." in said
    for text in (said, *(message.body for message in mail.outbox)):
        assert not any(fan in text or code in text for fan, code in members_of(wave).items())


def test_w10_who_prepared_or_last_edited_the_wave_is_not_asked_to_approve_it():
    wave = waiting(by="anna")
    Wave.objects.filter(pk=wave.pk).update(edited_by=person("paula"))
    assert notified() == ["peter"]


def test_x14_nobody_is_told_before_the_second_count_agrees():
    wave = prepare(request(campaign_with()), by=person("olaf"), now=NOW).wave
    assert notified() == []
    Wave.objects.filter(pk=wave.pk).update(differs_digest=wave.content_digest)
    assert notified() == []
    assert not ApprovalNotice.objects.exists()


def test_x5_after_a_lost_approval_they_are_told_again_also_of_a_content_they_know():
    wave = waiting()
    notified()
    approve(wave, by=person("paula"), digest=wave.content_digest, now=NOW)
    for days in (3, 0):
        actions.reschedule(
            wave,
            notify_date=NOTIFY + timedelta(days=days),
            by=person("olaf"),
            reason="the hall moved",
            now=NOW,
        )
        counted(wave)
        assert notified() == ["anna", "paula", "peter"]
        assert "has lost its approval and must be approved again" in mail.outbox[-1].body
    assert notified() == []


def test_x5_a_mail_server_that_is_down_delays_an_e_mail_and_nothing_else(monkeypatch):
    rita = member_of("approver", name="rita")
    for name, address in (("silent", "two\nlines@staff.example"), ("rita", "rita@staff.example")):
        type(rita).objects.filter(username=name).update(email=address)
    wave = waiting()
    (job,) = notices.open_notices()
    send = locmem.EmailBackend.send_messages
    answers = {
        "peter": smtplib.SMTPServerDisconnected(),
        "rita": smtplib.SMTPRecipientsRefused({"rita": (450, b"try again later")}),
        "paula": smtplib.SMTPRecipientsRefused({"paula": (550, b"no such user")}),
    }

    def answer(self, messages):
        if error := answers.get(messages[0].to[0].partition("@")[0]):
            raise error
        return send(self, messages)

    with monkeypatch.context() as patch:
        patch.setattr(locmem.EmailBackend, "send_messages", answer)
        with pytest.raises(NoticeNotSent, match="2 e-mails to approvers could not be sent"):
            notices.run(job.pk)
    job.refresh_from_db()
    assert job.retry_at is not None
    assert [message.to[0] for message in mail.outbox] == ["anna@staff.example"]
    Job.objects.filter(pk=job.pk).update(state="queued", retry_at=None)
    notices.run(job.pk)
    # addresses that are refused for good are not tried again
    assert [message.to[0].partition("@")[0] for message in mail.outbox[1:]] == ["peter", "rita"]
    refused = NoticeEmail.objects.filter(sent_at=None).order_by("user__username")
    assert [(each.user.username, each.refused) for each in refused] == [
        ("paula", "SMTPRecipientsRefused"),
        ("silent", "BadHeaderError"),
    ]
    approve(wave, by=person("paula"), digest=wave.content_digest, now=NOW)


def test_x5_a_wave_that_was_approved_meanwhile_asks_nobody():
    wave = waiting()
    (job,) = notices.open_notices()
    approve(wave, by=person("paula"), digest=wave.content_digest, now=NOW)
    notices.run(job.pk)
    assert mail.outbox == []


def test_x5_who_left_meanwhile_and_of_a_content_of_before_nobody_is_asked():
    wave = waiting()
    (job,) = notices.open_notices()
    digest, paula = wave.content_digest, person("paula")
    Wave.objects.filter(pk=wave.pk).update(content_digest="0" * 64)
    notices.run(job.pk)
    assert mail.outbox == []
    Wave.objects.filter(pk=wave.pk).update(content_digest=digest)
    type(paula).objects.filter(pk=paula.pk).update(is_active=False)
    Job.objects.filter(pk=job.pk).update(state="queued", retry_at=None)
    notices.run(job.pk)
    assert sorted(message.to[0] for message in mail.outbox) == [
        "anna@staff.example",
        "peter@staff.example",
    ]


def test_o6_the_worker_that_counts_tells_them_and_so_does_the_sweep_where_it_died(monkeypatch):
    campaign = campaign_with()
    wave = prepare(request(campaign), by=person("olaf"), now=NOW).wave
    with monkeypatch.context() as patch:
        patch.setattr(count, "run", partial(count.run, checker=recounted_here))
        run_count(count.open_job(wave).pk)
    assert Job.objects.filter(kind=notices.JOB_KIND).count() == 1
    ApprovalNotice.objects.all().delete()
    Job.objects.filter(kind=notices.JOB_KIND).delete()
    look_after()
    assert Job.objects.filter(kind=notices.JOB_KIND).count() == 1
