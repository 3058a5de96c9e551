"""E-mails: queued with the rows, sent by the sender's machine, kept while their wave is stopped.
[N-4, N-5, N-6]
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from django.core import mail
from django.db import connection

from campaigns.models import Campaign
from campaigns.receipts import receipts_of
from operations.models import StatusChange
from tests.support.sending import FAST, QUICK, send, states, triggered_wave
from tests.support.waiting import wait_until
from tests.waves.providers.email_django import mail_server
from waves import actions
from waves.choices import Channel, SendState
from waves.errors import BadTemplate, ReasonMissing, WrongState
from waves.holds import unfinished
from waves.lifecycle import subject_of
from waves.messages.rendering import composer_for
from waves.models import Member, Send, Sender, Wave
from waves.providers.outcomes import Kind, Outcome
from waves.providers.sfmc.client import MarketingCloud
from waves.providers.sfmc.session import Credentials
from waves.sending import accounts, email_queue, new_messages, pacing, results, send_rows
from waves.sending.accounts import Limits
from waves.sending.send_rows import Messages

pytestmark = pytest.mark.django_db(transaction=True)

SHORT = replace(QUICK, patience=0.0)
NOTHING = {"sent": 0, "failed": 0, "unknown": 0, "left": 0}


class Answering:
    """A provider that answers each e-mail as it is told to, after `look` was called with it."""

    name, honours_keys, keys_last = "email_django", False, None

    def __init__(self, *outcomes: Outcome, look=None) -> None:
        self.outcomes, self.look, self.asked = outcomes, look, []

    @asynccontextmanager
    async def open_session(self, timeout_seconds, most_connections):
        yield None

    async def send(self, session, message):
        self.asked.append(message.to)
        if self.look:
            await asyncio.to_thread(self._looked)
        return self.outcomes[min(len(self.asked), len(self.outcomes)) - 1]

    def _looked(self):
        self.look(len(self.asked))
        connection.close()


SENT = Outcome(Kind.SENT, provider_id="1")


def queued(fans: int) -> Wave:
    wave = triggered_wave(fans, phones=0, emails=fans)
    new_messages.make_sends(wave)
    return wave


def deliver(provider=None, **options) -> dict[str, int]:
    return email_queue.deliver(**{"provider": provider, "limits": FAST, "timing": SHORT} | options)


def test_n5_n7_emails_are_queued_with_the_rows_and_counted_apart_from_sent(box):
    wave = triggered_wave(6, phones=2, emails=4)
    report = send(box, wave)
    assert (report["ok"], report["skipped"]) == (4, 2)
    assert report["detail"]["email"]["queued"] == 4
    assert report["detail"]["email"]["sent"] == 0
    assert deliver(limit=3) == NOTHING | {"sent": 3, "left": 1}
    assert deliver() == NOTHING | {"sent": 1}
    assert deliver() == NOTHING
    counted = results.result(wave.pk)["detail"]["email"]
    assert (counted["queued"], counted["sent"]) == (4, 4)
    codes = set(Member.objects.filter(wave=wave).exclude(email="").values_list("email", "code"))
    assert {
        (m.to[0], m.body.split("Your access code: ")[1].split("\n")[0]) for m in mail.outbox
    } == codes


def test_n4_through_marketing_cloud_each_e_mail_is_delivered_once_whatever_is_cut(box):
    """A repeat is refused with the code that says that the first one was accepted."""
    wave = queued(40)
    box.control(drop_rate=0.3, fail_rates={"429": 0.1}, seed=4)
    cloud = MarketingCloud(Credentials(box.url, "package", "sandbox"), "presale")
    assert deliver(cloud, timing=QUICK) == NOTHING | {"sent": 40}
    counts = box.received()["sfmc"]
    assert (counts["accepted"], counts["keys_accepted_twice"]) == (40, 0)
    assert counts["dropped"] == counts["repeats"] > 0
    assert counts["tokens_given"] == 1
    wanted = Member.objects.filter(wave=wave).values_list("email", flat=True)
    assert sorted(each["recipient"]["to"] for each in box.messages("sfmc")) == sorted(wanted)
    assert all(
        each["recipient"]["attributes"]["Unsubscribe"].startswith("http")
        for each in box.messages("sfmc")
    )


def test_n4_through_anymail_what_was_cut_is_unknown_until_its_event_comes(box, client, settings):
    """Postmark keeps no keys, so nothing is repeated; its event proves that it has the e-mail."""
    secret = "events:long-enough-for-us"
    settings.EMAIL_PROVIDER, settings.ANYMAIL_ESP = "anymail", "postmark"
    settings.ANYMAIL = {"POSTMARK_SERVER_TOKEN": "sandbox", "WEBHOOK_SECRET": secret}
    settings.ANYMAIL |= {"POSTMARK_API_URL": f"{box.url}/postmark/"}
    wave = queued(20)
    box.control(drop_rate=0.3, seed=4)
    done = deliver(limits=Limits(per_second=100_000, concurrency=4))
    counts = box.received()["postmark"]
    assert (counts["accepted"], counts["keys_accepted_twice"]) == (20, 0)
    assert (done["unknown"], done["sent"]) == (counts["dropped"], 20 - counts["dropped"])
    assert counts["dropped"] > 0
    unknown = Send.objects.filter(wave=wave, state=SendState.UNKNOWN)
    for key in list(unknown.values_list("key", flat=True)):
        event = {"RecordType": "Delivery", "MessageID": "m", "Metadata": {"key": str(key)}}
        answer = client.post(
            "/receipts/anymail",
            event,
            content_type="application/json",
            headers={"Authorization": f"Basic {b64encode(secret.encode()).decode()}"},
        )
        assert answer.json()["applied"] == 1
    assert states(wave, "email") == {"sent": done["sent"], "delivered": done["unknown"]}


def test_n1_each_fan_is_sent_the_link_to_their_own_entry():
    wave = queued(2)
    deliver()
    receipts = receipts_of(wave.campaign)
    assert receipts is not None
    members = Member.objects.filter(wave=wave).values_list("email", "global_user_id")
    links = {email: receipts.of(fan).link for email, fan in members}
    assert len(set(links.values())) == len(mail.outbox) == 2
    for message in mail.outbox:
        assert links[message.to[0]] in message.body.splitlines()


@pytest.mark.parametrize("state", ["cancelled", "paused"])
def test_n6_a_paused_or_cancelled_wave_keeps_its_emails(state):
    wave = queued(3)
    Wave.objects.filter(pk=wave.pk).update(state=state)
    assert not email_queue.has_work()
    assert deliver() == NOTHING | {"left": 3}


def test_x5_e_mails_of_what_was_not_approved_wait_and_those_of_other_waves_go_on():
    changed, other = queued(2), queued(1)
    Member.objects.filter(wave=changed, place=1).update(code="SOMETHING")
    assert deliver() == NOTHING | {"sent": 1, "left": 2}
    assert (states(changed, "email"), states(other, "email")) == ({"pending": 2}, {"sent": 1})


def test_n5_a_fault_in_one_wave_holds_up_no_other_and_comes_out_in_the_end(monkeypatch):
    broken, other = queued(1), queued(1)

    def composer(wave):
        if wave == broken:
            raise BadTemplate("It names no code.")
        return composer_for(wave)

    monkeypatch.setattr(email_queue, "composer_for", composer)
    with pytest.raises(BadTemplate, match="names no code"):
        deliver()
    assert (states(broken, "email"), states(other, "email")) == ({"pending": 1}, {"sent": 1})


def test_c2_a_closed_campaign_sends_no_e_mail():
    """And no worker is woken for it."""
    wave = queued(2)
    assert email_queue.has_work()
    Campaign.objects.filter(pk=wave.campaign_id).update(status="closed")
    assert not email_queue.has_work()
    assert deliver() == NOTHING | {"left": 2}


def completed(fans: int) -> Wave:
    wave = queued(fans)
    assert results.complete(wave.pk)
    wave.refresh_from_db()
    return wave


def test_n6_the_queued_e_mails_of_a_completed_wave_are_paused_and_resumed(ann):
    wave = completed(3)
    deliver(limit=1)
    assert actions.pause(wave, by=ann, reason="wrong picture").state == "completed"
    assert not email_queue.has_work()
    assert deliver() == NOTHING | {"left": 2}
    assert not send_rows.claim(
        Messages(wave.pk, Channel.EMAIL),
        accounts.uuid.uuid4(),
        after=0,
        limit=9,
        lease=timedelta(seconds=9),
    ).rows
    actions.resume(wave, by=ann, reason="the picture is right")
    assert deliver() == NOTHING | {"sent": 2}
    moves = StatusChange.objects.about(subject_of(wave)).filter(by=ann).order_by("id")
    assert list(moves.values_list("to_state", "reason")) == [
        ("queue paused", "wrong picture"),
        ("queue resumed", "the picture is right"),
    ]
    with pytest.raises(WrongState, match="no message left"):
        actions.pause(wave, by=ann, reason="too late")


def test_n6_the_cancelled_queue_of_a_completed_wave_is_never_sent(ann):
    """N-7, C-2"""
    wave = completed(3)
    deliver(Answering(Outcome(Kind.REFUSED, "recipient_refused"), SENT), limit=1)
    with pytest.raises(ReasonMissing):
        actions.cancel(wave, by=ann, reason=" ")
    assert "pending" in unfinished(wave.campaign_id)
    actions.cancel(wave, by=ann, reason="the show is off")
    assert wave.state == "completed"
    assert deliver() == NOTHING | {"left": 2}
    assert unfinished(wave.campaign_id) == ""
    assert results.to_send_again(wave) == {"sms": 0, "email": 0}
    with pytest.raises(WrongState, match="cancelled"):
        results.retry_failed(wave.pk)
    with pytest.raises(WrongState, match="cancelled"):
        actions.resume(wave, by=ann, reason="on again")


@pytest.mark.parametrize("stop", ["wave", "account", "queue"])
def test_n6_no_e_mail_starts_once_wave_or_account_are_stopped(stop):
    wave = completed(30) if stop == "queue" else queued(30)

    def stop_it(asked: int) -> None:
        if asked < 3:
            return
        if stop == "wave":
            Wave.objects.filter(pk=wave.pk).update(state="paused")
        elif stop == "queue":
            Wave.objects.filter(pk=wave.pk).update(queue="paused")
        else:
            accounts.pause("email_django", "enough")
        before = Sender.objects.get(wave=wave).lease_until
        held = Sender.objects.filter(wave=wave, lease_until=before)
        wait_until(lambda: not held.exists(), "the sender's next look")

    provider = Answering(SENT, look=stop_it)
    slow = Limits(per_second=100_000, concurrency=1)
    assert deliver(provider, limits=slow)["left"] >= 26
    assert len(provider.asked) <= 4
    assert states(wave, "email") == {
        "sent": len(provider.asked),
        "pending": 30 - len(provider.asked),
    }


def test_n4_an_email_that_may_have_been_sent_is_not_sent_again():
    wave = queued(2)
    assert deliver(Answering(Outcome(Kind.UNCERTAIN, "connection_cut"))) == NOTHING | {"unknown": 2}
    assert states(wave, "email") == {"unknown": 2}
    assert deliver() == NOTHING


def test_n4_of_a_dead_senders_e_mails_only_those_in_flight_are_unknown():
    wave = queued(5)
    dead = accounts.uuid.uuid4()
    messages = Messages(wave.pk, Channel.EMAIL)
    send_rows.claim(messages, dead, after=0, limit=2, lease=timedelta(seconds=-1))
    assert deliver()["sent"] == 3
    assert states(wave, "email") == {"sent": 3, "unknown": 2}


def test_n4_what_a_dead_sender_left_is_settled_where_nothing_else_is_due():
    wave = queued(2)
    messages = Messages(wave.pk, Channel.EMAIL)
    send_rows.claim(messages, accounts.uuid.uuid4(), after=0, limit=2, lease=timedelta(seconds=-1))
    assert email_queue.has_work()
    assert deliver() == NOTHING
    assert states(wave, "email") == {"unknown": 2}
    assert not email_queue.has_work()


def test_n4_an_e_mail_that_another_provider_may_have_is_unknown():
    wave = queued(2)
    gone = Messages(wave.pk, Channel.EMAIL, provider="gone")
    send_rows.claim(gone, accounts.uuid.uuid4(), after=0, limit=1, lease=timedelta(seconds=-1))
    provider = Answering(SENT)
    provider.honours_keys = True
    assert deliver(provider) == NOTHING | {"sent": 1}
    assert states(wave, "email") == {"sent": 1, "unknown": 1}


def test_n4_what_was_in_flight_when_its_wave_was_cancelled_is_unknown():
    wave = queued(3)
    dead = accounts.uuid.uuid4()
    messages = Messages(wave.pk, Channel.EMAIL)
    send_rows.claim(messages, dead, after=0, limit=1, lease=timedelta(seconds=-1))
    Wave.objects.filter(pk=wave.pk).update(state="cancelled")
    assert results.take_over_cancelled() == 1
    assert states(wave, "email") == {"unknown": 1, "pending": 2}


def test_n4_what_was_in_flight_when_a_queue_was_cancelled_is_unknown(ann):
    wave = completed(3)
    dead = accounts.uuid.uuid4()
    messages = Messages(wave.pk, Channel.EMAIL)
    send_rows.claim(messages, dead, after=0, limit=1, lease=timedelta(seconds=-1))
    actions.cancel(wave, by=ann, reason="the show is off")
    assert results.take_over_cancelled() == 1
    assert states(wave, "email") == {"unknown": 1, "pending": 2}


def test_n3_what_is_refused_for_now_is_left_for_a_later_run():
    wave = queued(1)
    assert deliver(Answering(Outcome(Kind.RETRY_LATER, "smtp_451", after_seconds=90))) == (
        NOTHING | {"left": 1}
    )
    assert not email_queue.has_work()
    Send.objects.filter(wave=wave).update(not_before=None)
    assert email_queue.has_work()
    assert deliver() == NOTHING | {"sent": 1}


def test_n3_n7_a_refused_e_mail_is_failed_and_can_be_sent_again_alone(box):
    wave = queued(2)
    refused = Outcome(Kind.REFUSED, "recipient_refused")
    one_at_a_time = Limits(per_second=100_000, concurrency=1)
    deliver(Answering(refused, SENT), limits=one_at_a_time)
    counts = results.result(wave.pk)
    assert (counts["ok"], counts["failed"]) == (1, 1)
    assert results.retry_failed(wave.pk) == 1
    again = Answering(SENT)
    assert deliver(again) == NOTHING | {"sent": 1}
    assert again.asked == ["fan1@example.com"]
    assert results.result(wave.pk)["failed"] == 0


def test_n6_too_many_failures_pause_the_account_and_open_what_failed_for_now_again():
    fans = pacing.FEWEST_TO_JUDGE + 5
    wave = queued(fans)
    down = Answering(Outcome(Kind.RETRY_LATER, "no_connection"))
    counts = deliver(down)
    assert counts == NOTHING | {"left": fans}
    assert accounts.account("email_django").paused
    assert deliver() == NOTHING | {"left": fans}
    accounts.resume("email_django")
    assert deliver() == NOTHING | {"sent": fans}
    assert states(wave, "email") == {"sent": fans}


def test_n2_e_mails_keep_the_rate_of_their_account_and_no_more_connections_than_allowed(settings):
    settings.EMAIL_PER_SECOND, settings.EMAIL_CONNECTIONS = 1_000_000, 3
    assert accounts.limits_of(Channel.EMAIL) == Limits(per_second=1_000_000, concurrency=3)
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    queued(40)
    with mail_server.running() as server:
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        assert email_queue.deliver(timing=SHORT) == NOTHING | {"sent": 40}
    assert 1 <= server.connections <= 3
    assert set(server.taken.values()) == {1}


def test_n3_a_server_that_closes_refuses_and_cuts_costs_nobody_else_an_e_mail(settings):
    wave = queued(12)
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    odd = {"fan7@example.com": "550 nobody", "fan9@example.com": "451 later"}
    with mail_server.running(closes_after=4, answers=odd) as server:
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        counts = deliver(limits=Limits(per_second=100_000, concurrency=1))
    assert counts == {"sent": 10, "failed": 1, "unknown": 0, "left": 1}
    assert set(server.taken.values()) == {1}
    left = Send.objects.get(wave=wave, channel="email", state=SendState.PENDING)
    assert (left.member.email, left.reason) == ("fan9@example.com", "smtp_451")
