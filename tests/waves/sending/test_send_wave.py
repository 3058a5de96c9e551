"""A wave is sent: over real connections to the sandbox, every row in PostgreSQL. [N-1 … N-7, X-5]"""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from datetime import timedelta

import pytest
from django.core import mail
from django.core.management import call_command
from django.db import connection, connections
from django.utils import timezone

import sandbox
from campaigns.errors import WrongStatus
from campaigns.models import Campaign
from operations.models import Alert, StatusChange
from tests.support.sending import triggered_wave
from waves.choices import SendState
from waves.errors import ContentChanged, UnknownWave, WrongState
from waves.models import Member, QueuedEmail, Send, Sender, SendResult, Wave
from waves.providers import registry
from waves.providers.outcomes import Kind, Outcome, Receipt
from waves.providers.sms_http.client import HttpSms
from waves.sending import accounts, email_queue, receipts, results, send_rows
from waves.sending.accounts import Limits
from waves.sending.run import Timing
from waves.sending.send_wave import send_wave

pytestmark = pytest.mark.django_db(transaction=True)
FAST = Limits(per_second=100_000, concurrency=50)
QUICK = Timing(timeout=2.0, check_every=0.05, row_lease=20.0)


@pytest.fixture(scope="module")
def box():
    with sandbox.running(latency_ms=1) as running:
        yield running


@pytest.fixture(autouse=True)
def behaved(box, monkeypatch):
    """An honest provider that has received nothing, and retries that need no patience."""
    box.control(
        latency_ms=1,
        fail_rates={},
        drop_rate=0,
        rate_limit_per_second=0,
        retry_after_seconds=0.05,
        honour_keys=True,
    )
    box.forget()
    monkeypatch.setattr("waves.sending.pacing.FIRST_BACK_OFF_SECONDS", 0.01)


def send(box, wave, *, limits=FAST, timing=QUICK, honours_keys=True, **options):
    provider = HttpSms(box.url, "sandbox", honours_keys=honours_keys)
    return send_wave(wave.pk, provider=provider, limits=limits, timing=timing, **options)


def states(wave, channel="sms"):
    found = Send.objects.filter(wave=wave, channel=channel).values_list("state", flat=True)
    return {state: list(found).count(state) for state in set(found)}


def test_every_member_with_a_phone_gets_one_sms_and_the_wave_completes_n1_n7(box):
    wave = triggered_wave(30, phones=25)
    report = send(box, wave)
    assert report["total"] == 30
    assert (report["ok"], report["skipped"], report["pending"]) == (25, 5, 0)
    assert report["detail"] == {
        "sms": {"sent": 25, "failed": 0},
        "email": {"queued": 0, "sent": 0, "failed": 0},
    }
    assert report["state"] == "completed"
    phones = set(Member.objects.filter(wave=wave).exclude(phone="").values_list("phone", flat=True))
    assert {message["to"] for message in box.messages()} == phones
    assert len(box.messages()) == 25


def test_the_text_names_campaign_market_and_the_members_own_code_n1(box):
    wave = triggered_wave(1, body="{campaign} / {market} / {code} / {valid_until} / {fan_ref}")
    send(box, wave)
    member = Member.objects.get(wave=wave)
    fan_ref = hmac.digest(bytes(wave.campaign.salt), member.global_user_id.encode(), "sha256").hex()
    assert (
        box.messages()[0]["body"]
        == f"Spring Tour / US West / {member.code} / 20 January 2027 / {fan_ref}"
    )


def test_the_key_is_made_with_the_row_from_wave_fan_and_channel_n4():
    wave = triggered_wave(2, emails=2)
    send_rows.make_sends(wave)
    for row in Send.objects.filter(wave=wave).select_related("member"):
        named = "\x1f".join([wave.name, row.member.global_user_id, row.channel])
        assert row.key.hex == hashlib.sha256(named.encode()).hexdigest()[:32]
        assert row.attempts == 0


def test_making_the_rows_twice_adds_nothing_n4():
    wave = triggered_wave(5, emails=3)
    assert send_rows.make_sends(wave) == 10
    assert send_rows.make_sends(wave) == 0
    assert QueuedEmail.objects.filter(send__wave=wave).count() == 3


def test_a_refused_number_fails_at_once_and_only_failed_ones_are_sent_again_n3_n7(box):
    wave = triggered_wave(40)
    box.control(fail_rates={"400": 0.2}, seed=3)
    first = send(box, wave)
    assert first["failed"] > 0
    assert first["ok"] + first["failed"] == 40
    assert set(
        Send.objects.filter(wave=wave, state="failed").values_list("reason", "attempts")
    ) == {("http_400", 1)}
    box.control(fail_rates={})
    requests = box.received()["sms"]["requests"]
    second = send(box, wave, retry_failed=True)
    assert (second["ok"], second["failed"]) == (40, 0)
    assert box.received()["sms"]["requests"] == requests + first["failed"]
    assert SendResult.objects.get(wave=wave).ok == 40


def test_a_closed_campaign_sends_nothing_again_c2(box):
    wave = triggered_wave(3)
    box.control(fail_rates={"400": 1.0})
    send(box, wave)
    Campaign.objects.filter(pk=wave.campaign_id).update(status="closed")
    requests = box.received()["sms"]["requests"]
    with pytest.raises(WrongStatus):
        send(box, wave, retry_failed=True)
    assert box.received()["sms"]["requests"] == requests


def test_cut_connections_429_and_503_lose_nobody_and_double_nobody_n3_n4(box):
    wave = triggered_wave(300)
    box.control(fail_rates={"503": 0.08, "429": 0.05, "502": 0.05}, drop_rate=0.1, seed=5)
    report = send(box, wave)
    counts = box.received()["sms"]
    assert counts["dropped"] > 0
    assert {"429", "502", "503"} <= set(counts["by_status"])
    assert report["ok"] + report["failed"] + report["unknown"] == 300
    assert report["ok"] >= 290
    assert counts["keys_accepted_twice"] == 0
    accepted = {message["key"] for message in box.messages()}
    called_failed = {
        str(key)
        for key in Send.objects.filter(wave=wave, state="failed").values_list("key", flat=True)
    }
    assert not accepted & called_failed


def test_without_honoured_keys_a_cut_connection_is_unknown_and_never_repeated_n3_n4(box):
    wave = triggered_wave(60)
    box.control(drop_rate=0.3, honour_keys=False, seed=1)
    report = send(box, wave, honours_keys=False)
    counts = box.received()["sms"]
    assert report["unknown"] == counts["dropped"] > 0
    assert counts["requests"] == 60
    assert counts["keys_accepted_twice"] == 0


def test_a_look_up_settles_the_unknown_n4(box):
    wave = triggered_wave(30)
    box.control(drop_rate=0.4, seed=2)
    unknown = send(box, wave, honours_keys=False)["unknown"]
    never = Send.objects.filter(wave=wave, state="sent").first()
    Send.objects.filter(pk=never.pk).update(
        state="unknown", key="00000000-0000-0000-0000-00000000000f"
    )
    box.control(drop_rate=0)
    settled = results.settle_unknown(wave.pk, HttpSms(box.url, "sandbox"))
    assert settled == {"sent": unknown, "failed": 1, "unknown": 0}
    assert Send.objects.get(pk=never.pk).reason == "not_accepted"


def test_a_429_holds_every_worker_of_the_account_and_costs_no_try_n3(box):
    wave = triggered_wave(40)
    box.control(rate_limit_per_second=20, retry_after_seconds=0.3)
    assert send(box, wave)["ok"] == 40
    assert box.received()["sms"]["by_status"]["429"] > 0
    assert set(
        Send.objects.filter(wave=wave, channel="sms").values_list("attempts", flat=True)
    ) == {1}


def test_no_more_than_the_limit_at_once_and_per_second_n2(box):
    wave = triggered_wave(150)
    box.control(latency_ms=40)
    send(box, wave, limits=Limits(per_second=100, concurrency=7))
    counts = box.received()["sms"]
    assert counts["max_concurrency"] <= 7
    assert counts["max_started_per_second"] <= 100


def test_the_error_budget_pauses_the_account_and_alerts_and_nobody_is_called_failed_n6(box):
    wave = triggered_wave(300)
    box.control(fail_rates={"503": 1.0})
    report = send(box, wave)
    assert "More than half" in report["ended"]
    assert accounts.account("sms_http").paused
    assert Alert.objects.filter(text__contains="sms_http is paused").count() == 1
    assert (report["pending"], report["failed"], report["state"]) == (300, 0, "triggered")
    assert not Send.objects.filter(wave=wave, state="sending").exists()
    accounts.resume("sms_http")
    box.control(fail_rates={})
    assert send(box, wave)["ok"] == 300
    assert box.received()["sms"]["keys_accepted_twice"] == 0


def send_in_thread(box, wave, **options):
    """A sender beside the test, as a worker would be."""
    reports = []

    def work():
        reports.append(send(box, wave, **options))
        connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    return thread, reports


def until(condition, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


@pytest.mark.parametrize("how", ["pause the wave", "cancel the wave", "stop all"])
def test_no_request_starts_two_seconds_after_a_stop_and_what_was_not_started_waits_n6(box, how):
    wave = triggered_wave(400)
    thread, reports = send_in_thread(
        box, wave, limits=Limits(per_second=60, concurrency=20), timing=Timing(timeout=2.0)
    )
    until(lambda: box.received()["sms"]["accepted"] >= 20)
    if how == "stop all":
        assert set(accounts.stop_all("drill")) == {"sms_http", "email_django"}
    else:
        Wave.objects.filter(pk=wave.pk).update(
            state="paused" if how.startswith("pause") else "cancelled"
        )
    stopped = time.time()
    thread.join(20)
    assert not thread.is_alive()
    assert reports[0]["ended"]
    last = max(Send.objects.filter(wave=wave, state="sent").values_list("sent_at", flat=True))
    assert last.timestamp() - stopped < 2.5
    left = Send.objects.filter(wave=wave, channel="sms", state="pending")
    assert left.count() + box.received()["sms"]["accepted"] == 400
    assert set(left.values_list("attempts", flat=True)) == {0}
    assert accounts.in_flight() == 0
    assert not Sender.objects.exists()


def test_after_a_pause_the_rest_is_sent_and_nobody_twice_n6(box):
    wave = triggered_wave(200)
    thread, _ = send_in_thread(box, wave, limits=Limits(per_second=100, concurrency=20))
    until(lambda: box.received()["sms"]["accepted"] >= 20)
    Wave.objects.filter(pk=wave.pk).update(state="paused")
    thread.join(20)
    with pytest.raises(WrongState):
        send(box, wave)
    Wave.objects.filter(pk=wave.pk).update(state="triggered")
    assert send(box, wave)["ok"] == 200
    counts = box.received()["sms"]
    assert (counts["accepted"], counts["repeats"]) == (200, 0)


def test_what_a_dead_sender_left_is_sent_again_with_the_same_key_n4(box):
    wave = triggered_wave(10)
    send_rows.make_sends(wave)
    dead = accounts.uuid.uuid4()
    send_rows.claim(wave.pk, dead, after=0, limit=4, lease=timedelta(seconds=-1))
    report = send(box, wave)
    assert report["ok"] == 10
    assert (
        list(
            Send.objects.filter(wave=wave, channel="sms", maybe_accepted=True).values_list(
                "attempts", flat=True
            )
        )
        == [2] * 4
    )


def test_what_a_dead_sender_left_is_unknown_where_keys_mean_nothing_n4(box):
    wave = triggered_wave(10)
    send_rows.make_sends(wave)
    send_rows.claim(wave.pk, accounts.uuid.uuid4(), after=0, limit=4, lease=timedelta(seconds=-1))
    report = send(box, wave, honours_keys=False)
    assert (report["ok"], report["unknown"], report["state"]) == (6, 4, "completed")
    assert box.received()["sms"]["requests"] == 6


def test_a_sender_that_was_taken_over_records_nothing_o6():
    wave = triggered_wave(3)
    send_rows.make_sends(wave)
    slow, quick = accounts.uuid.uuid4(), accounts.uuid.uuid4()
    rows = send_rows.claim(wave.pk, slow, after=0, limit=3, lease=timedelta(seconds=-1))
    send_rows.take_over(wave.pk, honours_keys=True)
    send_rows.claim(wave.pk, quick, after=0, limit=3, lease=timedelta(seconds=30))
    assert send_rows.record_sent(slow, [(row, "late") for row in rows]) == 0
    assert states(wave) == {"sending": 3}


def test_two_claims_never_share_a_row_o6():
    wave = triggered_wave(10)
    send_rows.make_sends(wave)
    lease = timedelta(seconds=30)
    first = send_rows.claim(wave.pk, accounts.uuid.uuid4(), after=0, limit=6, lease=lease)
    second = send_rows.claim(wave.pk, accounts.uuid.uuid4(), after=0, limit=6, lease=lease)
    assert len({row.id for row in first + second}) == len(first) + len(second) == 10


def test_what_waits_too_long_for_its_turn_is_given_back_not_unknown_n4(box):
    wave = triggered_wave(30)
    patient = Timing(timeout=2.0, check_every=0.05, row_lease=2.1)
    report = send(
        box, wave, limits=Limits(per_second=20, concurrency=10), timing=patient, honours_keys=False
    )
    assert (report["ok"], report["unknown"]) == (30, 0)
    assert box.received()["sms"]["requests"] == 30


def command(capsys, name, *arguments):
    call_command(name, *arguments, "--json")
    return json.loads(capsys.readouterr().out.splitlines()[-1])


@pytest.fixture
def gateway(box, settings):
    settings.SMS_URL, settings.SMS_PER_SECOND = box.url, 1_000


def test_the_commands_send_and_deliver(gateway, capsys):
    wave = triggered_wave(5, emails=2, tm=True)
    sent = command(capsys, "send_wave", wave.name)
    assert (sent["wave"], sent["state"], sent["total"], sent["ok"]) == (
        wave.name,
        "completed",
        5,
        5,
    )
    assert sent["per_second"] > 0
    assert command(capsys, "send_wave", wave.name, "--retry-failed")["ok"] == 5
    delivered = command(capsys, "deliver_email", "--limit", "1")
    assert {name: delivered[name] for name in ("sent", "failed", "left")} == {
        "sent": 1,
        "failed": 0,
        "left": 1,
    }


def test_stop_all_stops_and_resume_lets_go_on_n6(gateway, capsys):
    wave = triggered_wave(5, tm=True)
    stop = ("--by", "approver", "--reason", "drill")
    assert command(capsys, "stop_all", *stop)["state"] == "stopped"
    held = command(capsys, "send_wave", wave.name)
    assert (held["pending"], held["state"]) == (5, "triggered")
    assert "drill" in held["ended"]
    assert set(command(capsys, "stop_all", *stop, "--resume")["accounts"]) == {
        provider.name for provider in registry.ALL
    }
    assert command(capsys, "send_wave", wave.name)["ok"] == 5
    moves = StatusChange.objects.filter(subject_kind="account", subject_id="sms_http").values_list(
        "to_state", "by__username", "reason"
    )
    assert list(moves.order_by("id")) == [
        ("paused", "approver", "drill"),
        ("sending", "approver", "drill"),
    ]


def test_the_sender_refuses_what_was_not_approved_x5(box):
    wave = triggered_wave(3)
    Member.objects.filter(wave=wave, place=1).update(phone="+12025559999")
    with pytest.raises(ContentChanged, match=wave.name):
        send(box, wave)
    assert box.received()["sms"]["requests"] == 0


def test_a_wave_that_is_not_triggered_or_not_there_is_refused_w2(box):
    with pytest.raises(WrongState, match="scheduled"):
        send(box, triggered_wave(1, state="scheduled"))
    with pytest.raises(UnknownWave):
        send_wave(0)


def test_completion_is_computed_and_written_down_once_n7(box):
    wave = triggered_wave(2)
    send_rows.make_sends(wave)
    assert not results.complete(wave.pk)
    send(box, wave)
    assert not results.complete(wave.pk)
    moves = StatusChange.objects.filter(subject_id=wave.name, to_state="completed")
    assert moves.count() == 1


def test_emails_are_queued_with_the_rows_and_counted_apart_from_sent_n5_n7(box):
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


def test_with_sms_first_an_email_goes_only_where_no_sms_could_be_sent_n1(box):
    wave = triggered_wave(30, phones=25, emails=30, channels="sms_first")
    box.control(fail_rates={"400": 0.3}, seed=4)
    report = send(box, wave)
    failed = report["detail"]["sms"]["failed"]
    assert failed > 0
    assert report["detail"]["email"]["queued"] == 5 + failed
    assert report["ok"] == 30
    told_by_mail = set(
        Send.objects.filter(wave=wave, channel="email").values_list("member_id", flat=True)
    )
    told_by_sms = set(
        Send.objects.filter(wave=wave, channel="sms", state="sent").values_list(
            "member_id", flat=True
        )
    )
    assert not told_by_mail & told_by_sms


def test_with_sms_first_nobody_an_email_was_queued_for_gets_the_failed_sms_again_n1_n7(box):
    wave = triggered_wave(20, emails=15, channels="sms_first")
    box.control(fail_rates={"400": 1.0})
    with_email = send(box, wave)["detail"]["email"]["queued"]
    box.control(fail_rates={})
    accounts.resume("sms_http")
    report = send(box, wave, retry_failed=True)
    told_by_mail = set(
        Send.objects.filter(wave=wave, channel="email").values_list("member_id", flat=True)
    )
    told_by_sms = set(
        Send.objects.filter(wave=wave, channel="sms", state="sent").values_list(
            "member_id", flat=True
        )
    )
    assert with_email == len(told_by_mail) == 15
    assert not told_by_mail & told_by_sms
    assert (report["ok"], len(told_by_sms)) == (20, 5)


def test_a_paused_or_cancelled_wave_keeps_its_emails_n6():
    wave = triggered_wave(3, phones=0, emails=3)
    send_rows.make_sends(wave)
    Wave.objects.filter(pk=wave.pk).update(state="cancelled")
    assert email_queue.deliver() == {"sent": 0, "failed": 0, "left": 3}


def test_an_email_that_may_have_been_sent_is_not_sent_again_n4():
    class Cut:
        name = "email_django"

        def send(self, messages):
            return [Outcome(Kind.UNCERTAIN, "connection_cut")] * len(messages)

    wave = triggered_wave(2, phones=0, emails=2)
    send_rows.make_sends(wave)
    assert email_queue.deliver(provider=Cut()) == {"sent": 0, "failed": 0, "left": 0}
    assert states(wave, "email") == {"unknown": 2}
    assert email_queue.deliver()["sent"] == 0


def signed(value, *, secret="sandbox", at=None):  # noqa: S107
    body = json.dumps(value).encode()
    stamp = int(at or time.time())
    mac = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    return {
        "data": body,
        "content_type": "application/json",
        "headers": {"X-Signature": f"t={stamp},v1={mac}"},
    }


def receipt_for(row, status="delivered"):
    return {"receipts": [{"reference": str(row.key), "id": "p-1", "status": status}]}


def test_a_signed_receipt_settles_what_was_sent_and_a_repeat_changes_nothing_n3(box, client):
    wave = triggered_wave(2)
    send(box, wave)
    good, bad = Send.objects.filter(wave=wave, channel="sms")
    for _ in range(2):
        client.post("/receipts/sms_http", **signed(receipt_for(good)))
        client.post("/receipts/sms_http", **signed(receipt_for(bad, "undeliverable")))
    assert states(wave) == {"delivered": 1, "undeliverable": 1}
    assert results.result(wave.pk)["detail"]["sms"]["sent"] == 2


@pytest.mark.parametrize("before", ["unknown", "sending", "pending"])
def test_a_receipt_settles_what_was_unsure_and_nobody_sends_it_again_n4(box, client, before):
    wave = triggered_wave(1)
    send_rows.make_sends(wave)
    Send.objects.filter(wave=wave, channel="sms").update(
        state=before, attempts=1, maybe_accepted=True
    )
    row = Send.objects.get(wave=wave, channel="sms")
    assert client.post("/receipts/sms_http", **signed(receipt_for(row))).json() == {
        "in": 1,
        "applied": 1,
    }
    assert send(box, wave)["ok"] == 1
    assert box.received()["sms"]["requests"] == 0


def test_receipts_that_are_forged_old_or_unreadable_change_nothing(box, client):
    wave = triggered_wave(1)
    send(box, wave)
    row = Send.objects.get(wave=wave, channel="sms")
    assert (
        client.post("/receipts/sms_http", **signed(receipt_for(row), secret="other")).status_code
        == 403
    )
    assert (
        client.post(
            "/receipts/sms_http", **signed(receipt_for(row), at=time.time() - 400)
        ).status_code
        == 403
    )
    assert (
        client.post("/receipts/sms_http", data=b"{}", content_type="application/json").status_code
        == 403
    )
    assert (
        client.post("/receipts/sms_http", **signed({"receipts": [{"reference": "x"}]})).status_code
        == 400
    )
    assert client.post("/receipts/nobody", **signed(receipt_for(row))).status_code == 404
    assert client.get("/receipts/sms_http").status_code == 405
    assert states(wave) == {"sent": 1}


def test_a_receipt_for_what_was_never_attempted_changes_nothing():
    wave = triggered_wave(1)
    send_rows.make_sends(wave)
    row = Send.objects.get(wave=wave, channel="sms")
    assert receipts.apply([Receipt(row.key, SendState.DELIVERED, "p-1")]) == 0


def test_logs_hold_no_personal_data(box, caplog):
    wave = triggered_wave(3, emails=3)
    box.control(fail_rates={"400": 0.5}, seed=1)
    with caplog.at_level("DEBUG"):
        send(box, wave)
        email_queue.deliver()
    logged = "\n".join(str(vars(record)) for record in caplog.records)
    for member in Member.objects.filter(wave=wave):
        assert member.phone not in logged
        assert member.email not in logged
        assert member.code not in logged


def test_a_dead_senders_slots_are_free_when_its_lease_is_over_n2():
    wave = triggered_wave(1)
    accounts.account("sms_http")
    one, two = accounts.uuid.uuid4(), accounts.uuid.uuid4()
    now, lease = timezone.now(), timedelta(seconds=15)

    def look(sender, at, busy=0):
        return accounts.take_slots(
            "sms_http", sender, wave.pk, limits=FAST, in_flight=busy, lease=lease, now=at
        ).count

    assert look(one, now) == 50
    assert look(two, now) == 0
    assert look(one, now, busy=40) == 25
    assert look(two, now) == 10
    assert look(one, now, busy=20) == 25
    assert look(two, now) == 25
    later = now + timedelta(seconds=16)
    assert look(two, later) == 50
    assert connection.in_atomic_block is False
