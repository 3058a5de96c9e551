"""The counters of a wave while it is sent. [N-2, W-2]"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.console.page_cases import sending_wave
from tests.support.sending import triggered_wave
from waves.models import Send, Sender, Wave
from waves.sending import new_messages
from waves.sending.accounts import account

pytestmark = pytest.mark.django_db


def live(client, wave: Wave):
    """What the page of a wave that is being sent asks for again and again."""
    return client.get(f"/admin/wave/{wave.name}/live/", {"state": wave.state}).context["sending"]


def test_while_a_wave_is_sent_messages_are_counted_for_a_fan_whose_e_mail_is_queued_may_wait(
    client,
):
    """[N-6] Otherwise it is near the end while most messages are still to come."""
    wave = triggered_wave(4, phones=4, emails=4)
    new_messages.make_sends(wave)
    shown = live(client, wave)
    assert (shown["ok"], shown["pending"]) == (4, 0)
    assert (shown["settled"], shown["messages"], shown["share"]) == (0, 8, "0.0%")
    assert [(line.channel, line.open, line.queued) for line in shown["lines"]] == [
        ("sms", 4, 0),
        ("email", 4, 4),
    ]


def test_n7_each_channel_has_its_counts_its_rate_and_the_time_left(client, monkeypatch):
    now = 1_790_000_000
    monkeypatch.setattr("console.wave_progress._now", lambda: now)
    wave = triggered_wave(40, phones=40, emails=5)
    new_messages.make_sends(wave)
    sms = list(Send.objects.filter(wave=wave, channel="sms").order_by("pk"))
    ago = datetime.fromtimestamp(now - 6, UTC)
    for state, rows in {"sent": sms[:18], "delivered": sms[18:20], "failed": sms[20:21]}.items():
        reason = "http_400" if state == "failed" else ""
        ids = [row.pk for row in rows]
        Send.objects.filter(pk__in=ids).update(state=state, reason=reason, sent_at=ago)
    Send.objects.filter(state="failed").update(sent_at=None)
    line = live(client, wave)["lines"][0]
    assert (line.all, line.open, line.sent, line.delivered, line.failed) == (40, 19, 20, 2, 1)
    assert (line.rate, line.seconds_left) == (20 / 6, 6)  # 19 are left


def test_n3_what_went_wrong_is_listed_by_kind_in_words_and_the_worst_first(client):
    wave = triggered_wave(9, phones=9)
    new_messages.make_sends(wave)
    sms = [row.pk for row in Send.objects.filter(wave=wave, channel="sms").order_by("pk")]
    for state, reason, some in (
        ("failed", "http_400", sms[:1]),
        ("failed", "recipient_refused", sms[1:3]),
        ("unknown", "timed_out", sms[3:4]),
        ("undeliverable", "", sms[4:5]),
        ("pending", "no_connection", sms[5:6]),
    ):
        Send.objects.filter(pk__in=some).update(state=state, reason=reason)
    answer = client.get(f"/admin/wave/{wave.name}/live/", {"state": wave.state})
    faults = answer.context["sending"]["faults"]
    assert [(fault.state, fault.reason, fault.messages) for fault in faults] == [
        ("failed", "recipient_refused", 2),
        ("failed", "http_400", 1),
        ("unknown", "timed_out", 1),
        ("undeliverable", "", 1),
        ("pending", "no_connection", 1),
    ]
    html = answer.content.decode()
    for words in (
        "The mail server refused the recipient",
        "The provider could not deliver the message",
        "waits for another try",
    ):
        assert words in html


def test_a_paused_wave_says_no_speed_and_keeps_its_place_among_the_steps(client):
    wave = sending_wave()
    client.post(f"/admin/wave/{wave.name}/pause/", {"reason": "wrong text"})
    page = client.get(f"/admin/wave/{wave.name}/")
    assert "per second" not in page.content.decode()
    assert {step.name: step.mark for step in page.context["steps"]}["triggered"] == "now"
    assert "fans notified; paused" in client.get("/admin/").content.decode()


def test_the_rate_over_time_is_drawn_and_has_its_numbers_when_sending_is_over(client):
    wave = triggered_wave(3)
    new_messages.make_sends(wave)
    Send.objects.filter(wave=wave, channel="sms").update(state="sent", sent_at=timezone.now())
    one = Send.objects.filter(wave=wave, channel="sms").earliest("pk")
    Send.objects.filter(pk=one.pk).update(state="pending", sent_at=None)
    assert "<details>" not in live(client, wave)["chart"]
    cache.clear()
    Send.objects.filter(wave=wave, state="pending").update(state="sent", sent_at=timezone.now())
    assert "<details>" in live(client, wave)["chart"]


def test_a_wave_cancelled_while_it_was_sent_says_what_became_of_its_fans(client):
    wave = sending_wave()
    client.post(f"/admin/wave/{wave.name}/cancel/", {"reason": "wrong text"})
    html = client.get(f"/admin/wave/{wave.name}/").content.decode()
    assert "Results" in html
    assert "was planned for" in html
    assert "Only 0 of" in html
    assert "/live/" not in html


def test_n6_what_a_dead_sender_had_in_flight_is_not_counted(client):
    wave = sending_wave()
    for seconds, busy in ((30, 3), (-1, 40)):
        Sender.objects.create(
            pk=uuid.uuid4(),
            account=account("sms_http"),
            wave=wave,
            slots=50,
            in_flight=busy,
            lease_until=timezone.now() + timedelta(seconds=seconds),
        )
    assert live(client, wave)["in_flight"] == 3


def test_many_who_watch_a_wave_count_it_once(client):
    wave = sending_wave()
    cache.clear()
    live(client, wave)
    with CaptureQueriesContext(connection) as asked:
        live(client, wave)
    assert not [query for query in asked if "waves_figure" in query["sql"]]


def test_the_page_of_a_large_wave_does_not_wait_for_its_counts(client, monkeypatch):
    """[N-7] Counting half a million fans takes seconds: the page asks for it when it is shown."""
    monkeypatch.setattr("console.wave_progress.MANY_FANS", 5)
    wave = sending_wave()
    page = f"/admin/wave/{wave.name}/"
    client.post(f"{page}cancel/", {"reason": "wrong text"})
    cache.clear()
    with CaptureQueriesContext(connection) as asked:
        html = client.get(page).content.decode()
    assert "Messages are being counted" in html
    assert f"{page}live/?state=cancelled&amp;count=yes" in html
    assert not [q for q in asked if "waves_member" in q["sql"] and "count(" in q["sql"].lower()]
    live = client.get(f"{page}live/", {"state": "cancelled", "count": "yes"})
    assert "10 fans" in live.content.decode()
    assert "HX-Refresh" not in live.headers
    assert client.get(page).context["sending"]["total"] == 10


@pytest.mark.parametrize(("channels", "offered"), [("both", True), ("sms_first", False)])
def test_failed_messages_are_offered_again_also_where_the_fans_other_message_was_sent(
    channels, offered, client
):
    """[N-7] With sms_first the e-mail stands for the SMS that failed. [N-1]"""
    wave = triggered_wave(1, phones=1, emails=1, state="completed")
    new_messages.make_sends(wave)
    Send.objects.filter(wave=wave, channel="sms").update(state="failed", reason="http_400")
    Send.objects.filter(wave=wave, channel="email").update(state="sent")
    Wave.objects.filter(pk=wave.pk).update(notify_channels=channels)
    page = client.get(f"/admin/wave/{wave.name}/").content.decode()
    assert ("Send failed messages again" in page) == offered
