"""A second SMS provider sends while the first is paused, and what one may have accepted never goes
through the other. [N-9]
"""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from operations.models import Alert
from tests.support.sending import QUICK, states, triggered_wave
from tests.support.waiting import wait_until
from tests.support.waves import person
from waves.choices import Channel, Settling
from waves.models import Send, Sender
from waves.providers import registry
from waves.providers.outcomes import Kind, Outcome
from waves.sending import accounts, failover, new_messages, send_rows, settling
from waves.sending.accounts import Limits
from waves.sending.send_rows import Messages
from waves.sending.send_wave import send_wave

pytestmark = pytest.mark.django_db(transaction=True)
SENT = Outcome(Kind.SENT, provider_id="1")
DOWN, CUT = Outcome(Kind.RETRY_LATER, "no_connection"), Outcome(Kind.UNCERTAIN, "timed_out")
ONE_AT_A_TIME = Limits(per_second=100_000, concurrency=1)


class Answering:
    """A provider whose n-th answer is what `answer(n)` says, 1 being the first."""

    keys_last = None

    def __init__(self, name, answer=lambda _: SENT, *, honours_keys=True) -> None:
        self.name, self.honours_keys, self.answer = name, honours_keys, answer
        self.asked, self.looked_up, self.sessions = Counter(), [], 0

    @asynccontextmanager
    async def open_session(self, timeout_seconds, most_connections):
        self.sessions += 1
        yield None

    async def send(self, session, message):
        self.asked[message.key] += 1
        return await asyncio.to_thread(self._answered, self.asked.total())

    def _answered(self, number):
        try:
            return self.answer(number)
        finally:
            connection.close()

    async def look_up(self, session, reference):
        self.looked_up.append(reference)
        return Outcome(Kind.SENT, provider_id="2")


@pytest.fixture
def use(monkeypatch, settings):
    """Makes some providers those of the settings, the chosen one first."""
    settings.SMS_PROVIDER, settings.SMS_FALLBACK = "http", "twilio"

    def chosen(*providers):
        monkeypatch.setattr(registry, "sms_clients", lambda: list(providers))

    return chosen


def keys_sent_by(provider: str) -> set[str]:
    sent = Send.objects.filter(state="sent", provider=provider)
    return {str(key) for key in sent.values_list("key", flat=True)}


def test_n9_while_the_first_is_down_the_second_sends_all_but_what_the_first_may_have(use):
    wave = triggered_wave(60)
    first = Answering("sms_http", lambda n: CUT if n < 4 else SENT if n < 7 else DOWN)
    second = Answering("twilio")
    use(first, second)
    report = send_wave(wave.pk, limits=ONE_AT_A_TIME, timing=QUICK)
    maybe = Send.objects.filter(wave=wave, maybe_accepted=True)
    assert (maybe.count(), set(maybe.values_list("state", "provider"))) == (
        3,
        {("pending", "sms_http")},
    )
    assert (report["ok"], report["pending"]) == (57, 3)
    assert "sms_http is stopped" in report["ended"]
    assert keys_sent_by("twilio") == set(second.asked)
    assert not {str(key) for key in maybe.values_list("key", flat=True)} & set(second.asked)
    text = Alert.objects.get(text__contains="SMS gateway is stopped").text
    assert text.endswith("Twilio sends instead.")

    accounts.resume("sms_http")
    first.answer = lambda _: SENT
    report = send_wave(wave.pk, limits=ONE_AT_A_TIME, timing=QUICK)
    assert (report["ok"], report["state"]) == (60, "completed")
    assert max(second.asked.values()) == 1
    assert len(keys_sent_by("sms_http")) == 6


def test_n9_once_the_first_is_resumed_it_sends_the_rest(use):
    wave = triggered_wave(20)

    def answer(number):
        if number == 3:
            accounts.resume("sms_http")
            held = Sender.objects.get(wave=wave)
            looks = Sender.objects.filter(wave=wave, lease_until__gt=held.lease_until)
            ended = Sender.objects.filter(wave=wave)
            wait_until(lambda: looks.exists() or not ended.exists(), "the sender's next look")
        return SENT

    first, second = Answering("sms_http"), Answering("twilio", answer)
    use(first, second)
    accounts.pause("sms_http", "drill")
    assert send_wave(wave.pk, limits=ONE_AT_A_TIME, timing=QUICK)["ok"] == 20
    assert 3 <= len(second.asked) <= 5
    assert len(first.asked) == 20 - len(second.asked)


def test_n4_what_was_in_flight_at_a_paused_provider_is_settled_by_its_own_rule(use):
    """N-9"""
    wave = triggered_wave(5)
    first = Answering("sms_http", honours_keys=False)
    use(first, Answering("twilio"))
    new_messages.make_sends(wave)
    theirs = Messages(wave.pk, Channel.SMS, provider="sms_http")
    dead = accounts.uuid.uuid4()
    send_rows.claim(theirs, dead, after=0, limit=2, lease=timedelta(seconds=-1))
    accounts.account("sms_http")
    accounts.pause("sms_http", "drill")
    send_wave(wave.pk, timing=QUICK)
    assert states(wave) == {"sent": 3, "unknown": 2}
    assert not first.asked


def test_n9_where_all_are_paused_nothing_is_sent_and_the_result_says_why(use):
    wave = triggered_wave(2)
    use(Answering("sms_http"), Answering("twilio"))
    assert set(accounts.stop_all("drill")) >= {"sms_http", "twilio"}
    report = send_wave(wave.pk, timing=QUICK)
    assert (report["pending"], report["state"]) == (2, "triggered")
    assert report["ended"] == "sms_http is stopped: drill; twilio is stopped: drill"


def test_n4_an_unknown_message_is_asked_for_where_it_went():
    wave = triggered_wave(3)
    new_messages.make_sends(wave)
    for send, name in zip(
        Send.objects.filter(wave=wave, channel="sms"), ("sms_http", "twilio", "gone"), strict=True
    ):
        Send.objects.filter(pk=send.pk).update(state="unknown", reason="timed_out", provider=name)
    first, second = Answering("sms_http"), Answering("twilio")
    found = settling.look_up(wave.pk, Channel.SMS, [first, second])
    assert found == {"sent": 2, "failed": 0, "unknown": 1}
    for provider in (first, second):
        assert provider.looked_up == [str(Send.objects.get(provider=provider.name).key)]
    Send.objects.filter(wave=wave, provider="gone").update(provider="")
    assert settling.look_up(wave.pk, Channel.SMS, [first, second])["sent"] == 1
    assert (len(first.looked_up), len(second.looked_up)) == (2, 1)


def in_flight(wave, lease_seconds=-1) -> None:
    """The next message of the wave is one that a provider got that the settings do not name."""
    gone = Messages(wave.pk, Channel.SMS, provider="gone")
    lease = timedelta(seconds=lease_seconds)
    send_rows.claim(gone, accounts.uuid.uuid4(), after=0, limit=1, lease=lease)


def test_n4_what_a_provider_that_is_gone_may_have_goes_through_no_other(use):
    """Its sender died, or still works, or was to repeat it, before the settings changed."""
    wave = triggered_wave(4)
    new_messages.make_sends(wave)
    in_flight(wave)
    in_flight(wave, 30)
    repeated = Send.objects.filter(wave=wave, state="pending").order_by("pk").first()
    Send.objects.filter(pk=repeated.pk).update(
        provider="gone", maybe_accepted=True, reason="timed_out"
    )
    first = Answering("sms_http")
    use(first)
    report = send_wave(wave.pk, timing=QUICK)
    assert states(wave) == {"sent": 1, "sending": 1, "unknown": 2}
    assert (len(first.asked), report["state"]) == (1, "triggered")
    unknown = Send.objects.filter(wave=wave, state="unknown").order_by("pk")
    assert list(unknown.values_list("reason", flat=True)) == ["sender_lost", "timed_out"]


@pytest.mark.parametrize("again", ["by settling", "after a failure"])
def test_n4_what_a_person_sends_again_goes_out_though_its_provider_is_gone(use, again):
    wave = triggered_wave(1)
    new_messages.make_sends(wave)
    in_flight(wave)
    first = Answering("sms_http")
    use(first)
    assert send_wave(wave.pk, timing=QUICK)["unknown"] == 1
    how = Settling.AGAIN if again == "by settling" else Settling.FAILED
    settling.settle(wave.pk, how, by=person("ann"), reason="asked them")
    send_wave(wave.pk, retry_failed=how == Settling.FAILED, timing=QUICK)
    assert (states(wave), len(first.asked)) == ({"sent": 1}, 1)


def test_n4_what_a_person_sends_again_goes_through_the_second_where_that_one_may_have_it(use):
    wave = triggered_wave(1)
    new_messages.make_sends(wave)
    Send.objects.filter(wave=wave, channel="sms").update(
        state="unknown", reason="timed_out", provider="twilio", maybe_accepted=True
    )
    first, second = Answering("sms_http"), Answering("twilio")
    use(first, second)
    settling.settle(wave.pk, Settling.AGAIN, by=person("ann"), reason="asked them")
    send_wave(wave.pk, timing=QUICK)
    assert (len(first.asked), len(second.asked)) == (0, 1)


def test_n9_while_the_first_sends_the_second_gets_only_what_it_may_have(use):
    wave = triggered_wave(3)
    new_messages.make_sends(wave)
    later, _, its_own = Send.objects.filter(wave=wave, channel="sms").order_by("pk")
    in_an_hour = timezone.now() + timedelta(hours=1)
    Send.objects.filter(pk=later.pk).update(not_before=in_an_hour, provider="twilio")
    first, second = Answering("sms_http"), Answering("twilio")
    use(first, second)
    send_wave(wave.pk, timing=replace(QUICK, patience=0.0))
    assert (first.sessions, second.sessions) == (1, 0)
    Send.objects.filter(pk=later.pk).update(not_before=None)
    Send.objects.filter(pk=its_own.pk).update(
        state="pending", provider="twilio", maybe_accepted=True
    )
    send_wave(wave.pk, timing=QUICK)
    assert set(second.asked) == {str(its_own.key)}
    assert states(wave) == {"sent": 3}


@pytest.mark.parametrize(
    ("paused", "done", "expected"),
    [
        ([], set(), ("sms_http", (), False)),
        (["sms_http"], set(), ("twilio", ("sms_http",), False)),
        ([], {"sms_http"}, ("twilio", (), True)),
        (["twilio"], {"sms_http"}, None),
        (["sms_http", "twilio"], set(), None),
    ],
)
def test_n9_the_first_that_may_send_and_has_something_left_goes_on(paused, done, expected):
    providers = [Answering("sms_http"), Answering("twilio")]
    route = failover.next_route(providers, paused, done)
    found = route and (route.provider.name, route.paused_before, route.only_own)
    assert found == expected


def test_x5_a_second_provider_that_was_not_approved_with_the_wave_does_not_send_it(use, settings):
    settings.SMS_FALLBACK = ""
    wave = triggered_wave(10)
    settings.SMS_FALLBACK = "twilio"
    first, second = Answering("sms_http"), Answering("twilio")
    use(first, second)
    accounts.account("sms_http")
    accounts.pause("sms_http", "drill")
    report = send_wave(wave.pk, limits=ONE_AT_A_TIME, timing=QUICK)
    assert (report["pending"], second.asked.total()) == (10, 0)
