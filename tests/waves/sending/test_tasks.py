"""What the jobs of sending do, however their tasks come. [O-6, N-3 … N-5]"""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta

import pytest
from django.core import mail
from django.db import connections
from django.utils import timezone
from django_q.models import OrmQ

import sandbox
from campaigns.errors import WrongStatus
from campaigns.models import Campaign
from operations import jobs
from operations.choices import JobState
from operations.models import Alert, Job
from operations.tasks import run_job, sweep
from tests.conftest import FULL
from tests.support.sending import ready_wave, triggered_wave
from tests.support.waiting import LIMIT_SECONDS
from waves import actions
from waves.choices import Queue, SendState, WaveState
from waves.errors import ContentChanged
from waves.lifecycle import subject_of
from waves.models import Assignment, Code, Send
from waves.providers.contract import About, EmailMessage
from waves.providers.sfmc.client import from_settings
from waves.sending import accounts, email_queue, new_messages, results, send_wave, tasks

ABOUT = About("tour", "tour_20260120", "2026-01-20", "west", "corr-0001")
pytestmark = pytest.mark.django_db(transaction=True)
PHONES, EMAILS = (2_000, 1_500) if FULL else (4, 3)


@pytest.fixture
def gateway(settings):
    with sandbox.running(latency_ms=1) as providers:
        settings.SMS_URL = providers.url
        yield providers


def test_a_sent_wave_has_its_e_mails_delivered_by_the_job_that_follows(gateway):
    wave = ready_wave(6, phones=4, emails=3)
    tasks.wake_senders([wave])
    tasks.run_sending(Job.objects.get(kind=tasks.SEND_KIND).pk)
    wave.refresh_from_db()
    emails = Job.objects.get(kind=tasks.EMAIL_KIND)
    assert (wave.state, emails.state) == (WaveState.COMPLETED, JobState.QUEUED)
    tasks.run_emails(emails.pk)
    emails.refresh_from_db()
    assert (len(mail.outbox), emails.state, emails.rows_in, emails.rows_out) == (
        3,
        JobState.DONE,
        3,
        3,
    )


def work_off(how: str) -> None:
    """Do what is to be done, each task twice at once, or only after its message was lost."""
    while job := Job.objects.filter(state=JobState.QUEUED).first():
        assert OrmQ.objects.exists()
        OrmQ.objects.all().delete()
        if how == "dropped":
            Job.objects.filter(pk=job.pk).update(created_at=timezone.now() - timedelta(minutes=1))
            sweep()
            assert OrmQ.objects.exists()
        threads = [
            threading.Thread(target=_in_thread, args=[job.pk])
            for _ in range(2 if how == "doubled" else 1)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(LIMIT_SECONDS)
        if how == "doubled":
            run_job(job.pk)


def _in_thread(job_id: int) -> None:
    run_job(job_id)
    connections.close_all()


@pytest.mark.parametrize("how", ["once", "doubled", "dropped"])
def test_o6_whether_each_task_comes_once_twice_or_never_every_message_is_sent_once(how, gateway):
    """N-3, N-5"""
    wave = ready_wave(PHONES + 2, phones=PHONES, emails=EMAILS)
    tasks.wake_senders([wave])
    work_off(how)
    wave.refresh_from_db()
    assert wave.state == WaveState.COMPLETED
    sends = Send.objects.filter(wave=wave).exclude(state=SendState.SKIPPED)
    assert sorted(sends.values_list("channel", "state", "attempts")) == [
        *[("email", "sent", 1)] * EMAILS,
        *[("sms", "sent", 1)] * PHONES,
    ]
    assert len(mail.outbox) == EMAILS
    assert gateway.received()["sms"]["requests"] == PHONES
    assert {job.state for job in Job.objects.all()} == {JobState.DONE}


def test_n5_e_mails_do_not_wait_for_the_sms_of_their_wave(gateway, monkeypatch):
    wave = ready_wave(2, emails=2)
    tasks.wake_senders([wave])
    seen = []

    def send_wave(*_):
        seen.append(Job.objects.get(kind=tasks.EMAIL_KIND).state)
        raise WrongStatus("far enough")

    monkeypatch.setattr("waves.sending.send_wave.send_wave", send_wave)
    with pytest.raises(WrongStatus):
        tasks.run_sending(Job.objects.get(kind=tasks.SEND_KIND).pk)
    assert seen == [JobState.QUEUED]


def test_o1_the_job_of_a_wave_counts_the_fans_it_notified_and_those_it_could_not(gateway):
    gateway.control(fail_rates={"400": 1.0})
    wave = ready_wave(5, phones=5, emails=2)
    tasks.wake_senders([wave])
    tasks.run_sending(Job.objects.get(kind=tasks.SEND_KIND).pk)
    job = Job.objects.get(kind=tasks.SEND_KIND)
    assert (job.state, job.rows_in, job.rows_out, job.rows_rejected) == (JobState.DONE, 5, 2, 3)


def test_sending_in_the_foreground_takes_the_job_that_no_worker_took(gateway):
    wave = ready_wave(3)
    tasks.wake_senders([wave])
    assert tasks.send_here(wave)["ok"] == 3
    assert Job.objects.get(kind=tasks.SEND_KIND).state == JobState.DONE


def test_a_job_for_a_wave_that_is_done_by_then_ends_well(gateway):
    wave = ready_wave(3)
    tasks.send_here(wave)
    late = jobs.open_job(tasks.SEND_KIND, subject_of(wave))
    tasks.run_sending(late.pk)
    late.refresh_from_db()
    assert late.state == JobState.DONE
    assert gateway.received()["sms"]["accepted"] == 3


@pytest.mark.parametrize(("fallback", "is_woken"), [("", False), ("twilio", True)])
def test_n9_a_wave_whose_provider_is_paused_is_given_a_worker_where_another_may_send(
    fallback, is_woken, settings
):
    settings.SMS_FALLBACK = fallback
    ready_wave(1)
    accounts.account("sms_http")
    accounts.pause("sms_http", "drill")
    tasks.wake_waves()
    assert Job.objects.filter(kind=tasks.SEND_KIND).exists() == is_woken


def test_n4_unknown_messages_are_looked_up_by_a_job_once_an_hour(gateway, settings):
    """The provider took the messages, but its answers never came."""
    settings.SMS_HONOURS_KEYS = False
    gateway.control(drop_rate=1.0)
    wave = ready_wave(3)
    assert tasks.send_here(wave)["unknown"] == 3
    tasks.wake_settlers()
    tasks.run_settling(Job.objects.get(kind=tasks.SETTLE_KIND).pk)
    job = Job.objects.get(kind=tasks.SETTLE_KIND)
    assert (job.state, job.rows_in, job.rows_out) == (JobState.DONE, 3, 3)
    assert wave.sends.filter(state=SendState.SENT).count() == 3
    wave.sends.update(state=SendState.UNKNOWN)
    tasks.wake_settlers()
    assert Job.objects.filter(kind=tasks.SETTLE_KIND).count() == 1


def test_n4_unknown_e_mails_are_looked_up_where_the_provider_can_be_asked(gateway, settings):
    settings.SFMC_AUTH_URL, settings.SFMC_CLIENT_SECRET = gateway.url, "sandbox"
    wave = ready_wave(2, phones=0, emails=2)
    new_messages.make_sends(wave)
    emails = wave.sends.filter(channel="email")
    emails.update(state=SendState.UNKNOWN, attempts=1, reason="timed_out")
    taken, _ = emails
    accept_at_marketing_cloud(str(taken.key))
    tasks.wake_settlers()
    assert not Job.objects.filter(kind=tasks.SETTLE_KIND).exists()  # a mail server does not say
    settings.EMAIL_PROVIDER = "sfmc"
    tasks.wake_settlers()
    tasks.run_settling(Job.objects.get(kind=tasks.SETTLE_KIND).pk)
    assert dict(emails.values_list("pk", "state")) == {
        taken.pk: SendState.SENT,
        emails.exclude(pk=taken.pk).get().pk: SendState.UNKNOWN,  # a person decides
    }


def accept_at_marketing_cloud(key):
    async def run():
        client = from_settings()
        async with client.open_session(5.0, 1) as session:
            await client.send(session, EmailMessage(key, "a@b.example", "", "", "", ABOUT))

    asyncio.run(run())


def test_n7_failed_messages_of_a_completed_wave_go_again_by_a_worker(gateway):
    """What a person asks for on the wave's page."""
    gateway.control(fail_rates={"400": 1.0})
    wave = ready_wave(3)
    assert tasks.send_here(wave)["failed"] == 3
    gateway.control(fail_rates={})
    results.retry_failed(wave.pk)
    tasks.wake_senders([wave])
    tasks.run_sending(Job.objects.get(kind=tasks.SEND_KIND, state=JobState.QUEUED).pk)
    assert wave.sends.filter(channel="sms", state=SendState.SENT).count() == 3
    assert gateway.received()["sms"]["keys_accepted_twice"] == 0


def test_c2_a_closed_campaigns_failed_messages_stay_failed(gateway):
    """Asked for on the page, it is refused before anything waits for a sender that will never
    come.
    """
    gateway.control(fail_rates={"400": 1.0})
    wave = ready_wave(2)
    tasks.send_here(wave)
    Campaign.objects.filter(pk=wave.campaign_id).update(status="closed")
    with pytest.raises(WrongStatus, match="closed"):
        results.retry_failed(wave.pk)
    assert wave.sends.filter(state=SendState.FAILED).count() == 2


def test_w11_the_worker_that_sends_assigns_the_codes_and_pauses_a_wave_whose_codes_it_cannot():
    wave = ready_wave(3)
    Code.objects.filter(wave=wave).first().delete()
    tasks.wake_senders([wave])
    tasks.run_sending(Job.objects.get(kind=tasks.SEND_KIND).pk)
    wave.refresh_from_db()
    assert wave.state == WaveState.PAUSED
    assert Assignment.objects.filter(wave=wave).count() == 2
    assert Alert.objects.filter(text__contains="1 access code could not be assigned").exists()
    assert not Send.objects.filter(wave=wave).exists()


def test_x5_a_wave_is_paused_where_the_settings_name_another_sms_provider_than_was_approved(
    gateway, settings, ann
):
    wave = ready_wave(6)
    settings.SMS_PROVIDER, settings.TWILIO_ACCOUNT_SID = "twilio", "AC1"
    settings.TWILIO_AUTH_TOKEN, settings.TWILIO_SENDER = "secret", "+12065550100"
    tasks.wake_senders([wave])
    run_job(Job.objects.get(kind=tasks.SEND_KIND).pk)
    wave.refresh_from_db()
    assert (wave.state, gateway.received()["sms"]["requests"]) == ("paused", 0)
    said = "was approved to be sent through SMS gateway, and the settings name Twilio"
    assert said in Alert.objects.get(text__contains="is paused").text
    with pytest.raises(ContentChanged, match=said):
        actions.resume(wave, by=ann, reason="try") and send_wave.send_wave(wave.pk)
    settings.SMS_PROVIDER = "http"
    assert send_wave.send_wave(wave.pk)["ok"] == 6


@pytest.mark.parametrize("state", ["triggered", "completed"])
def test_x5_e_mails_wait_where_the_settings_name_another_provider_than_was_approved(
    state, settings, ann
):
    wave = triggered_wave(3, phones=0, emails=3)
    new_messages.make_sends(wave)
    if state == "completed":
        results.complete(wave.pk)
    settings.EMAIL_PROVIDER, settings.ANYMAIL_ESP = "anymail", "postmark"
    assert email_queue.deliver()["left"] == 3
    wave.refresh_from_db()
    queue = Queue.PAUSED if state == "completed" else Queue.RUNNING
    assert (wave.state, wave.queue) == ("paused" if state == "triggered" else state, queue)
    assert "through E-mail, and the settings name Anymail" in Alert.objects.get().text
    assert not email_queue.has_work()
    email_queue.deliver()
    assert Alert.objects.count() == 1
    settings.EMAIL_PROVIDER = "django"
    actions.resume(wave, by=ann, reason="it is named again")
    assert email_queue.deliver()["sent"] == len(mail.outbox) == 3
