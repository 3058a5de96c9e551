"""Approving, scheduling, sending, pausing and stopping waves. [W-2, O-5]"""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.auth.models import User

from campaigns.models import Campaign
from operations.adminkit.wall_clock import moment
from operations.models import Job, StatusChange
from tests.console.page_cases import prepared, said, sending_wave
from tests.support.database import kept
from tests.support.people import client_of, member_of
from tests.support.sending import triggered_wave
from tests.support.waves import NOTIFY, NOW, approve, counted, person
from waves import approval, schedule
from waves.approval import renew
from waves.choices import ReceiptResult
from waves.models import ProviderAccount, Resend, Send, Template, Wave
from waves.receipts import counts
from waves.schedule import check_due_waves
from waves.sending import accounts, new_messages, results
from waves.soft_start import progress

pytestmark = pytest.mark.django_db


def test_who_prepared_a_wave_sees_that_another_person_approves(client, administrator):
    wave = prepared()
    Wave.objects.update(prepared_by=administrator, edited_by=administrator)
    html = client.get(f"/admin/wave/{wave.name}/").content.decode()
    assert "another person must approve it" in html
    assert "Approve this content" not in html
    answer = client.post(
        f"/admin/wave/{wave.name}/approve/", {"digest": wave.content_digest}, follow=True
    )
    assert "another person must approve" in said(answer)[0]
    wave.refresh_from_db()
    assert wave.state == "prepared"


def test_approval_is_of_the_digest_that_was_looked_at(client):
    wave = prepared()
    client.post(f"/admin/wave/{wave.name}/approve/", {"digest": "0" * 64})
    wave.refresh_from_db()
    assert wave.state == "prepared"
    client.post(f"/admin/wave/{wave.name}/approve/", {"digest": wave.content_digest})
    wave.refresh_from_db()
    assert wave.state == "approved"


def test_n6_the_queue_of_a_completed_wave_is_paused_resumed_and_cancelled_on_its_page(client):
    wave = triggered_wave(2, phones=0, emails=2)
    new_messages.make_sends(wave)
    results.complete(wave.pk)
    page = f"/admin/wave/{wave.name}/"

    def after(act: str) -> tuple[str, str]:
        answer = client.post(f"{page}{act}/", {"reason": "wrong text"}, follow=True)
        wave.refresh_from_db()
        return wave.queue, answer.content.decode()

    assert "Pause queue" in client.get(page).content.decode()
    queue, html = after("pause")
    assert (queue, wave.state) == ("paused", "completed")
    assert "The queue is paused until it is resumed" in html
    assert ("Resume queue" in html, "Pause queue" in html) == (True, False)
    assert after("resume")[0] == "running"
    queue, html = after("cancel")
    assert (queue, wave.state) == ("cancelled", "completed")
    assert "The queue is cancelled. Its messages are not sent." in html
    assert ("Resume queue" in html, "Cancel queue" in html) == (False, False)


def test_a_wave_whose_date_is_long_past_cannot_be_scheduled(client):
    wave = prepared()
    client.post(f"/admin/wave/{wave.name}/approve/", {"digest": wave.content_digest})
    answer = client.post(f"/admin/wave/{wave.name}/schedule/", follow=True)
    wave.refresh_from_db()
    assert wave.state == "approved"
    assert "Give it a later notify date" in said(answer)[-1]


def test_live_counters_pause_and_resume(client):
    wave = sending_wave()
    html = client.get(f"/admin/wave/{wave.name}/").content.decode()
    assert "Sending</h2>" in html
    part = client.get(
        f"/admin/wave/{wave.name}/live/", {"state": "triggered", "at": "1.0", "settled": "0"}
    )
    assert part.context["sending"]["pending"] == 10
    assert "HX-Refresh" not in part.headers
    assert "a reason" in said(client.post(f"/admin/wave/{wave.name}/pause/", follow=True))[0]
    client.post(f"/admin/wave/{wave.name}/pause/", {"reason": "wrong text"})
    assert (
        client.get(f"/admin/wave/{wave.name}/live/", {"state": "triggered"}).headers["HX-Refresh"]
        == "true"
    )
    client.post(f"/admin/wave/{wave.name}/resume/", {"reason": "it was right"})
    wave.refresh_from_db()
    assert wave.state == "triggered"
    assert Job.objects.filter(kind="send_wave", subject_id=wave.name).exists()


def test_stopping_everything_needs_a_reason_and_is_written_down(client):
    client.post("/admin/stop-all/", {"reason": ""})
    assert not StatusChange.objects.exists()
    answer = client.post("/admin/stop-all/", {"reason": "wrong price in the text"}, follow=True)
    assert "All sending is stopped" in said(answer)[-1]
    assert all("wrong price in the text" in change.reason for change in StatusChange.objects.all())
    assert {change.by.username for change in StatusChange.objects.all()} == {"administrator-person"}
    assert "Stopped since" in client.get("/admin/providers/").content.decode()


def test_n3_the_page_of_providers_counts_what_they_posted_without_effect(client):
    accounts.account("sms_http")
    counts.add("sms_http", {ReceiptResult.LATE: 1_200})
    html = client.get("/admin/providers/").content.decode()
    assert "<span>Contradicts a later one <b>1,200</b></span>" in html


def test_n6_the_page_of_providers_says_who_stopped_each_when_and_why(client):
    ann = person("ann")
    accounts.pause("sms_http", "an earlier one", by=None)
    accounts.resume("sms_http", by=ann)
    accounts.pause("sms_http", "wrong price", by=ann)
    accounts.pause("email_django", "too many errors", by=None)
    html = client.get("/admin/providers/").content.decode()
    for name, who, why in (
        ("sms_http", "ann", "wrong price"),
        ("email_django", "System", "too many errors"),
    ):
        when = moment(accounts.account(name).paused_at)
        assert f"Stopped since {when} by {who}: {why}" in html
    assert html.count('fw-bad">stopped</span>') == 2
    accounts.resume("sms_http", by=ann)
    assert 'fw-good">ready</span>' in client.get("/admin/providers/").content.decode()


def test_n6_a_provider_is_not_resumed_without_a_reason(client):
    accounts.pause("sms_http", "wrong price")
    page = f"/admin/providers/{accounts.account('sms_http').pk}/resume/"
    refusal = said(client.post(page, {"reason": "  "}, follow=True))[0]
    assert "enter one" in refusal
    assert accounts.account("sms_http").paused
    client.post(page, {"reason": "the price is right"})
    assert not accounts.account("sms_http").paused


def test_n6_everything_stops_however_long_the_reason_is(client):
    accounts.account("sms_http")
    client.post("/admin/stop-all/", {"reason": "why " * 500})
    assert set(ProviderAccount.objects.values_list("paused", flat=True)) == {True}


def test_w2_a_held_wave_gets_a_new_notify_date_in_the_campaigns_time(client):
    wave = prepared()
    other = User.objects.create(username="approver")
    approve(wave, by=other, digest=wave.content_digest, now=NOW)
    schedule.schedule(wave, by=other, now=NOW)
    Campaign.objects.filter(pk=wave.campaign_id).update(time_zone="America/New_York")
    approval.renew(wave.pk, by=None, reason="x")
    same = dict.fromkeys(("approved_digest", "counted_digest"), wave.content_digest)
    Wave.objects.filter(pk=wave.pk).update(state="held", **same)
    page = f"/admin/wave/{wave.name}/"
    assert "Change notify date" in client.get(page).content.decode()
    moved = {"notify_date": "2031-01-20T10:00", "reason": "fog"}
    refused = client.post(f"{page}reschedule/", moved | {"reason": ""}, follow=True)
    assert said(refused) == ["Reason: Enter a value."]
    client.post(f"{page}reschedule/", moved, follow=True)
    wave.refresh_from_db()
    assert (wave.state, wave.notify_date.isoformat()) == ("prepared", "2031-01-20T15:00:00+00:00")
    html = client.get(page).content.decode()
    assert "This wave has lost its approval" in html
    assert "new notify date 2031-01-20 15:00 UTC: fog" in html


def test_w6_a_cancelled_wave_says_what_is_free_and_what_is_not(client):
    wave = sending_wave()
    page = f"/admin/wave/{wave.name}/"
    client.post(f"{page}cancel/", {"reason": "rain"})
    html = client.get(page).content.decode()
    assert "cancelled before anybody was notified" in html
    assert "10 fans already had codes" in html


def test_x5_the_page_shows_an_approver_what_changed_since_they_last_looked():
    approver, operator = (
        client_of(member_of(role, name=role)) for role in ("approver", "operator")
    )
    wave = prepared()
    page = f"/admin/wave/{wave.name}/"
    assert f"{page}looked/" in approver.get(page).content.decode()
    assert f"{page}looked/" not in operator.get(page).content.decode()
    asked = {"digest": wave.content_digest}
    assert operator.post(f"{page}looked/", asked).status_code == 403
    assert approver.post(f"{page}looked/", asked).status_code == 204
    text = "{campaign}: your code is {code}. <b>"
    Template.objects.create(campaign=wave.campaign, channel="sms", body=text)
    renew(wave.pk, by=User.objects.get(username="operator"), reason="new text")
    counted(Wave.objects.get(pk=wave.pk))
    html = approver.get(page).content.decode()
    assert "Changes since you last looked" in html
    assert "your code is {code}. &lt;b&gt;" in html
    assert "Changes since you last looked" not in operator.get(page).content.decode()


@pytest.mark.parametrize(
    ("button", "values", "state"),
    [
        ("reschedule", {"notify_date": "2031-01-20T10:00"}, "prepared"),
        ("trigger", {}, "triggered"),
        ("cancel", {}, "cancelled"),
    ],
)
def test_w2_a_held_wave_is_moved_on_with_a_reason_which_the_history_shows(
    operator, button, values, state
):
    wave = kept.scheduled()
    check_due_waves(now=NOTIFY + timedelta(hours=3))
    page = f"/admin/wave/{wave.name}/"
    assert "Send it now, give it a new notify date, or cancel it." in (
        operator.get(page).content.decode()
    )
    operator.post(f"{page}{button}/", values | {"reason": " "})
    assert Wave.objects.get(pk=wave.pk).state == "held"
    operator.post(f"{page}{button}/", values | {"reason": "the band is late"})
    assert Wave.objects.get(pk=wave.pk).state == state
    html = operator.get(page).content.decode()
    assert "the band is late</td>" in html


def test_n9_a_soft_start_is_chosen_before_the_approval_and_shown_in_words(client):
    wave = prepared()
    page = f"/admin/wave/{wave.name}/"
    chosen = {"fans": "500", "reason": "a new provider"}
    refused = client.post(f"{page}soft-start/", chosen | {"fans": "many"}, follow=True)
    assert said(refused) == ["Fans who are notified first: Enter a whole number, such as 250."]
    client.post(f"{page}soft-start/", chosen)
    html = client.get(page).content.decode()
    assert "Soft start: the first 500 fans before all others." in html
    assert "soft start: a new provider" in html


def test_n9_the_page_says_what_a_wave_waits_for_and_offers_to_keep_it_paused(client):
    wave = triggered_wave(20, soft_start=10)
    new_messages.make_sends(wave)
    page = f"/admin/wave/{wave.name}/"
    html = client.get(page).content.decode()
    assert "Soft start: messages to the first 10 fans are sent before all others." in html
    assert "Keep paused" not in html
    Send.objects.filter(wave=wave).update(state="sent", provider="sms_http")
    progress.end_first(wave.pk)
    html = client.get(page).content.decode()
    assert "Soft start: messages to the first 10 fans were sent. 0 of the 0 messages" in html
    assert "This wave waits for the receipts of its first messages" in html
    assert "Keep paused" in html
    Send.objects.filter(wave=wave, state="sent").update(state="undeliverable")
    html = client.get(page).content.decode()
    assert "Fewer than 90% were delivered" in html
    assert "Sending is paused until it is resumed." in html
    assert "This wave waits for the receipts" not in html
    client.post(f"{page}pause/", {"reason": "a look at it"})
    html = client.get(page).content.decode()
    assert "stays paused until someone resumes it" in html
    assert "Keep paused" not in html
    assert "a look at it" in html


def test_n4_unknown_messages_are_settled_on_the_page_also_where_support_alone_sent_some_again(
    client, administrator
):
    wave = triggered_wave(1)
    new_messages.make_sends(wave)
    Send.objects.filter(wave=wave).update(state="sent")
    results.complete(wave.pk)
    page = f"/admin/wave/{wave.name}/"
    assert "Settle unknown messages" not in client.get(page).content.decode()
    Resend.objects.create(
        wave=wave,
        member=wave.members.get(),
        channel="sms",
        state="unknown",
        request=uuid4(),
        key=uuid4(),
        by=administrator,
        why="lost",
        contact="+12065550142",
        is_corrected=True,
    )
    html = client.get(page).content.decode()
    assert "Settle unknown messages" in html
    assert "may or may not have 1 message of this wave" in html
    client.post(f"{page}settle/", {"settling": "sent", "reason": "the log says so"})
    assert Resend.objects.get().state == "sent"
