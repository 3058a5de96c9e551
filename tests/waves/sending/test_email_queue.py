"""E-mails: queued with the rows, sent once, kept while the wave is stopped. [N-4, N-5, N-6]"""

from __future__ import annotations

import pytest
from django.core import mail

from campaigns.receipts import receipts_of
from tests.support.sending import send, states, triggered_wave
from waves.models import Member, Wave
from waves.providers.outcomes import Kind, Outcome
from waves.sending import accounts, email_queue, pacing, results, send_rows

pytestmark = pytest.mark.django_db(transaction=True)


def test_n5_n7_emails_are_queued_with_the_rows_and_counted_apart_from_sent(box):
    wave = triggered_wave(6, phones=2, emails=4)
    report = send(box, wave)
    assert (report["ok"], report["skipped"]) == (4, 2)
    assert report["detail"]["email"] == {"queued": 4, "sent": 0, "failed": 0}
    assert email_queue.deliver(limit=3) == {"sent": 3, "failed": 0, "left": 1}
    assert email_queue.deliver() == {"sent": 1, "failed": 0, "left": 0}
    assert results.result(wave.pk)["detail"]["email"] == {"queued": 4, "sent": 4, "failed": 0}
    codes = set(Member.objects.filter(wave=wave).exclude(email="").values_list("email", "code"))
    assert {
        (m.to[0], m.body.split("Your access code: ")[1].split("\n")[0]) for m in mail.outbox
    } == codes


def test_n1_each_fan_is_sent_the_link_to_their_own_entry():
    wave = triggered_wave(2, phones=0, emails=2)
    send_rows.make_sends(wave)
    email_queue.deliver()
    receipts = receipts_of(wave.campaign)
    assert receipts is not None
    members = Member.objects.filter(wave=wave).values_list("email", "global_user_id")
    links = {email: receipts.of(fan).link for email, fan in members}
    assert len(set(links.values())) == len(mail.outbox) == 2
    for message in mail.outbox:
        assert links[message.to[0]] in message.body.splitlines()


def test_n6_a_paused_or_cancelled_wave_keeps_its_emails():
    wave = triggered_wave(3, phones=0, emails=3)
    send_rows.make_sends(wave)
    Wave.objects.filter(pk=wave.pk).update(state="cancelled")
    assert email_queue.deliver() == {"sent": 0, "failed": 0, "left": 3}


def test_n4_an_email_that_may_have_been_sent_is_not_sent_again():
    class Cut:
        name = "email_django"

        def send(self, messages):
            return [Outcome(Kind.UNCERTAIN, "connection_cut")] * len(messages)

    wave = triggered_wave(2, phones=0, emails=2)
    send_rows.make_sends(wave)
    assert email_queue.deliver(provider=Cut()) == {"sent": 0, "failed": 0, "left": 0}
    assert states(wave, "email") == {"unknown": 2}
    assert email_queue.deliver()["sent"] == 0


def test_n6_what_became_of_a_batch_is_kept_before_its_account_is_paused(monkeypatch):
    class Refusing:
        name = "email_django"

        def send(self, messages):
            return [Outcome(Kind.REFUSED, "http_400")] * len(messages)

    wave = triggered_wave(pacing.FEWEST_TO_JUDGE, phones=0, emails=pacing.FEWEST_TO_JUDGE)
    send_rows.make_sends(wave)
    kept = []
    monkeypatch.setattr(accounts, "pause", lambda *_: kept.append(states(wave, "email")))
    email_queue.deliver(provider=Refusing())
    assert kept == [{"failed": pacing.FEWEST_TO_JUDGE}]
