"""The counters of a wave while it is sent. [N-2, W-2]"""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.console.page_cases import sending_wave
from tests.support.sending import triggered_wave
from waves.models import Send, Sender, Wave
from waves.sending import send_rows
from waves.sending.accounts import account

pytestmark = pytest.mark.django_db


def test_the_bar_of_a_wave_shows_messages_for_a_fan_told_by_e_mail_may_still_wait_for_an_sms(
    client,
):
    """[N-6] Otherwise it stands near the end while most SMS are still to come."""
    wave = triggered_wave(4, phones=4, emails=4)
    send_rows.make_sends(wave)
    shown = client.get(f"/admin/wave/{wave.name}/live/", {"state": "triggered"}).context["sending"]
    assert (shown["ok"], shown["pending"]) == (4, 0)
    assert (shown["settled"], shown["messages"], shown["share"]) == (4, 8, "50.0 %")


def test_a_paused_wave_says_no_speed_and_keeps_its_place_among_the_steps(client):
    wave = sending_wave()
    client.post(f"/admin/wave/{wave.name}/pause/", {"reason": "wrong text"})
    page = client.get(
        f"/admin/wave/{wave.name}/", {"at": f"{timezone.now().timestamp() - 9}", "settled": "0"}
    )
    assert page.context["sending"]["rate"] is None
    assert {step.name: step.mark for step in page.context["steps"]}["triggered"] == "now"
    assert "fans notified; paused" in client.get("/admin/").content.decode()


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
    shown = client.get(f"/admin/wave/{wave.name}/live/", {"state": "triggered"}).context["sending"]
    assert shown["in_flight"] == 3


def test_many_who_watch_a_wave_count_it_once(client):
    wave = sending_wave()
    cache.clear()
    client.get(f"/admin/wave/{wave.name}/live/", {"state": "triggered"})
    with CaptureQueriesContext(connection) as asked:
        client.get(f"/admin/wave/{wave.name}/live/", {"state": "triggered"})
    assert not [query for query in asked if "waves_member" in query["sql"]]


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
    send_rows.make_sends(wave)
    Send.objects.filter(wave=wave, channel="sms").update(state="failed", reason="http_400")
    Send.objects.filter(wave=wave, channel="email").update(state="sent")
    Wave.objects.filter(pk=wave.pk).update(notify_channels=channels)
    page = client.get(f"/admin/wave/{wave.name}/").content.decode()
    assert ("Send failed messages again" in page) == offered
