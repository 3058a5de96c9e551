"""A wave is sent: over real connections to the sandbox, every row in PostgreSQL. [N-1 … N-7,
X-5]
"""

from __future__ import annotations

import pytest

from campaigns.errors import WrongStatus
from campaigns.models import Campaign
from campaigns.opening import draw_of
from operations.correlation import correlated
from tests.support.sending import send, triggered_wave
from waves.errors import ContentChanged, UnknownWave, WrongState
from waves.models import Member, Send, Template
from waves.sending import accounts, email_queue
from waves.sending.send_wave import send_wave

pytestmark = pytest.mark.django_db(transaction=True)


def test_n1_n7_every_member_with_a_phone_gets_one_sms_and_the_wave_completes(box):
    wave = triggered_wave(30, phones=25)
    report = send(box, wave)
    assert report["total"] == 30
    assert (report["ok"], report["skipped"], report["pending"]) == (25, 5, 0)
    assert report["detail"] == {
        "sms": {"sent": 25, "failed": 0, "delivered": 0, "undeliverable": 0},
        "email": {"queued": 0, "sent": 0, "failed": 0, "delivered": 0, "undeliverable": 0},
    }
    assert report["state"] == "completed"
    phones = set(Member.objects.filter(wave=wave).exclude(phone="").values_list("phone", flat=True))
    assert {message["to"] for message in box.messages()} == phones
    assert len(box.messages()) == 25


def test_n1_the_text_names_campaign_market_and_the_members_own_code(box):
    wave = triggered_wave(1, body="{campaign} / {market} / {code} / {valid_until} / {fan_ref}")
    with correlated("job-00001234"):
        send(box, wave)
    sent = box.messages()[0]
    assert (sent["wave"], sent["correlation_id"]) == (wave.name, "job-00001234")
    member = Member.objects.get(wave=wave)
    fan_ref = draw_of(wave.campaign).fan_ref(member.global_user_id)
    assert sent["body"] == f"Spring Tour / US West / {member.code} / January 20, 2027 / {fan_ref}"


def test_n3_n7_a_refused_number_fails_at_once_and_only_failed_ones_are_sent_again(box):
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


def test_c2_a_closed_campaign_sends_nothing_again(box):
    wave = triggered_wave(3)
    box.control(fail_rates={"400": 1.0})
    send(box, wave)
    Campaign.objects.filter(pk=wave.campaign_id).update(status="closed")
    requests = box.received()["sms"]["requests"]
    with pytest.raises(WrongStatus):
        send(box, wave, retry_failed=True)
    assert box.received()["sms"]["requests"] == requests


def test_x5_the_sender_refuses_what_was_not_approved(box):
    wave = triggered_wave(3)
    Member.objects.filter(wave=wave, place=1).update(phone="+12025559999")
    with pytest.raises(ContentChanged, match=wave.name):
        send(box, wave)
    assert box.received()["sms"]["requests"] == 0


def test_w2_a_wave_that_is_not_triggered_or_not_there_is_refused(box):
    with pytest.raises(WrongState, match="scheduled"):
        send(box, triggered_wave(1, state="scheduled"))
    with pytest.raises(UnknownWave):
        send_wave(0)


def test_n1_with_sms_first_an_email_goes_only_where_no_sms_could_be_sent(box):
    wave = triggered_wave(30, phones=25, emails=30, channels="sms_first")
    box.control(fail_rates={"400": 0.3}, seed=4)
    report = send(box, wave)
    failed = report["detail"]["sms"]["failed"]
    assert failed > 0
    assert report["detail"]["email"]["queued"] == 5 + failed
    assert report["ok"] == 30
    notified_by_mail = set(
        Send.objects.filter(wave=wave, channel="email").values_list("member_id", flat=True)
    )
    notified_by_sms = set(
        Send.objects.filter(wave=wave, channel="sms", state="sent").values_list(
            "member_id", flat=True
        )
    )
    assert not notified_by_mail & notified_by_sms


def test_n1_n7_with_sms_first_nobody_an_email_was_queued_for_gets_the_failed_sms_again(box):
    wave = triggered_wave(20, emails=15, channels="sms_first")
    box.control(fail_rates={"400": 1.0})
    with_email = send(box, wave)["detail"]["email"]["queued"]
    box.control(fail_rates={})
    accounts.resume("sms_http")
    report = send(box, wave, retry_failed=True)
    notified_by_mail = set(
        Send.objects.filter(wave=wave, channel="email").values_list("member_id", flat=True)
    )
    notified_by_sms = set(
        Send.objects.filter(wave=wave, channel="sms", state="sent").values_list(
            "member_id", flat=True
        )
    )
    assert with_email == len(notified_by_mail) == 15
    assert not notified_by_mail & notified_by_sms
    assert (report["ok"], len(notified_by_sms)) == (20, 5)


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


def test_x5_a_wave_that_is_sent_goes_on_with_what_was_approved(box):
    wave = triggered_wave(5, body="approved {code}")
    Template.objects.update(body="next month: {code}")
    Template.objects.create(campaign=None, channel="email", body="x", subject="y")
    Campaign.objects.filter(pk=wave.campaign_id).update(name="Another Tour")
    assert send(box, wave)["ok"] == 5
    assert {message["body"].split()[0] for message in box.messages()} == {"approved"}
