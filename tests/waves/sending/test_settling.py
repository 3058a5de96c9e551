"""Messages whose outcome is unknown: asked for at the provider, or settled by a person. [N-4]"""

from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.utils import timezone

from campaigns.errors import WrongStatus
from campaigns.models import Campaign
from operations.models import StatusChange
from tests.support.sending import send, states, triggered_wave
from tests.support.waves import person
from waves.choices import Channel, SendState, Settling
from waves.errors import ReasonMissing, WrongState
from waves.models import Resend, Send, Wave
from waves.providers.outcomes import Kind, Outcome, Receipt
from waves.providers.sms_http.client import HttpSms
from waves.receipts import taking
from waves.sending import new_messages, results, settling
from waves.sending.email_queue import deliver

pytestmark = pytest.mark.django_db(transaction=True)


def test_n4_a_look_up_settles_the_unknown(box):
    wave = triggered_wave(30)
    box.control(drop_rate=0.4, seed=2)
    unknown = send(box, wave, honours_keys=False)["unknown"]
    never = Send.objects.filter(wave=wave, state="sent").first()
    Send.objects.filter(pk=never.pk).update(
        state="unknown", key="00000000-0000-0000-0000-00000000000f"
    )
    box.control(drop_rate=0)
    settled = settling.look_up(wave.pk, Channel.SMS, [HttpSms(box.url, "sandbox")])
    assert settled == {"sent": unknown, "failed": 1, "unknown": 0}
    assert Send.objects.get(pk=never.pk).reason == "not_accepted"


class NotSent(HttpSms):
    """It accepts every message, and sends none."""

    async def look_up(self, session, reference):
        return Outcome(Kind.UNDELIVERABLE, "not_sent", "p-1")


def test_n4_what_was_accepted_and_not_sent_is_undeliverable_and_does_not_go_again(box):
    wave = with_unknown(2)
    settled = settling.look_up(wave.pk, Channel.SMS, [NotSent(box.url, "sandbox")])
    assert settled == {"sent": 2, "failed": 0, "unknown": 0}
    assert states(wave) == {"undeliverable": 2}
    assert not wave.sends.filter(channel="sms").exclude(reason="not_sent", provider_id="p-1")
    assert not wave.sends.filter(channel="sms", sent_at=None).exists()
    assert results.to_send_again(wave)["sms"] == 0


def with_unknown(fans: int = 3) -> Wave:
    wave = triggered_wave(fans, emails=fans)
    new_messages.make_sends(wave)
    Send.objects.filter(wave=wave).update(state="unknown", reason="timed_out", attempts=1)
    return wave


def settle(wave: Wave, how: Settling, **options) -> int:
    return settling.settle(
        wave.pk, how, by=person("ann"), **{"reason": "asked the provider"} | options
    )


@pytest.mark.parametrize("how", [Settling.SENT, Settling.FAILED])
def test_n4_a_person_says_whether_they_were_sent_and_the_history_keeps_it(how):
    wave = with_unknown()
    assert settle(wave, how, channel=Channel.EMAIL) == 3
    assert (states(wave, "email"), states(wave)) == ({str(how): 3}, {"unknown": 3})
    assert not Send.objects.filter(wave=wave, channel="email", settled_at=None).exists()
    move = StatusChange.objects.filter(subject_id=wave.name).latest("id")
    assert (move.by.username, move.to_state) == ("ann", f"settled as {how}")
    assert move.reason == "3 unknown messages: asked the provider"
    assert settle(wave, how, channel=Channel.EMAIL) == 0


def test_n4_what_is_sent_again_keeps_its_key_and_a_receipt_still_counts(box):
    wave = with_unknown(2)
    keys = set(Send.objects.filter(wave=wave).values_list("key", flat=True))
    wave.sends.update(key_used_at=timezone.now())
    assert settle(wave, Settling.AGAIN) == 4
    said = wave.sends.values_list("attempts", "maybe_accepted", "key_used_at")
    assert set(said) == {(1, True, None)}
    arrived = Send.objects.filter(wave=wave, channel="sms").first()
    taking.take("sms_http", [Receipt(arrived.key, SendState.DELIVERED, "p")])
    assert send(box, wave)["unknown"] == 0
    deliver()
    assert states(wave) == {"delivered": 1, "sent": 1}
    assert states(wave, "email") == {"sent": 2}
    assert box.received()["sms"]["requests"] == 1
    assert set(Send.objects.filter(wave=wave).values_list("key", flat=True)) == keys


@pytest.mark.parametrize("how", ["by hand", "by a look-up"])
def test_n1_with_sms_first_a_fan_whose_sms_is_found_to_have_failed_gets_an_e_mail(how, box):
    wave = triggered_wave(2, emails=2, channels="sms_first", state="completed")
    new_messages.make_sends(wave)
    Send.objects.filter(wave=wave).update(state="unknown", reason="timed_out", attempts=1)
    if how == "by hand":
        settle(wave, Settling.FAILED)
    else:
        settling.look_up(wave.pk, Channel.SMS, [HttpSms(box.url, "sandbox")])
    assert (states(wave), states(wave, "email")) == ({"failed": 2}, {"pending": 2})


def test_n4_nothing_is_settled_without_a_reason_nor_sent_again_where_nobody_would_send_it():
    wave = with_unknown()
    with pytest.raises(ReasonMissing):
        settle(wave, Settling.SENT, reason=" ")
    Wave.objects.filter(pk=wave.pk).update(state="cancelled")
    with pytest.raises(WrongState, match="cancelled"):
        settle(wave, Settling.AGAIN)
    Wave.objects.filter(pk=wave.pk).update(state="completed")
    Campaign.objects.filter(pk=wave.campaign_id).update(status="closed")
    with pytest.raises(WrongStatus):
        settle(wave, Settling.AGAIN)
    assert states(wave) == {"unknown": 3}


def sent_again(wave: Wave) -> Resend:
    asked = {"by": person("desk"), "why": "mistyped", "key": uuid4(), "request": uuid4()}
    to = {"channel": Channel.SMS, "contact": "+12065550142", "is_corrected": True}
    return Resend.objects.create(
        wave=wave, member=wave.members.first(), state="unknown", attempts=1, **to, **asked
    )


def test_n4_what_support_sent_again_is_looked_up_too(box):
    wave = triggered_wave(1, state="completed")
    row = sent_again(wave)
    assert list(settling.waves_with_unknown([Channel.SMS])) == [wave]
    found = settling.look_up(wave.pk, Channel.SMS, [HttpSms(box.url, "sandbox")])
    row.refresh_from_db()
    assert (found["failed"], row.state, row.reason) == (1, "failed", "not_accepted")
    assert not settling.waves_with_unknown([Channel.SMS]).exists()


@pytest.mark.parametrize(("how", "state"), [("sent", "sent"), ("again", "pending")])
def test_n4_a_person_settles_what_support_sent_again_too(how, state):
    wave = triggered_wave(1, state="completed")
    row = sent_again(wave)
    assert (settle(wave, Settling(how), channel=Channel.EMAIL), settle(wave, Settling(how))) == (
        0,
        1,
    )
    row.refresh_from_db()
    assert (row.state, settling.unknown_messages(wave)) == (state, 0)


def test_n4_n6_nothing_is_sent_again_of_a_wave_whose_queue_was_cancelled():
    wave = with_unknown()
    Wave.objects.filter(pk=wave.pk).update(state="completed", queue="cancelled")
    with pytest.raises(WrongState, match="cancelled"):
        settle(wave, Settling.AGAIN)
    assert settle(wave, Settling.SENT) == 6


def test_n3_n4_a_receipt_that_comes_during_a_look_up_counts(box):
    class Overtaken(HttpSms):
        async def look_up(self, session, reference):
            await asyncio.to_thread(self._receipt, reference)
            return Outcome(Kind.REFUSED, "not_accepted")

        def _receipt(self, reference):
            taking.take("sms_http", [Receipt(UUID(reference), SendState.DELIVERED, "p")])
            connection.close()

    wave = with_unknown(2)
    settling.look_up(wave.pk, Channel.SMS, [Overtaken(box.url, "sandbox")])
    assert states(wave) == {"delivered": 2}
