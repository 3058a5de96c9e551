"""What providers post settles messages, each event by itself; what is forged changes nothing. [N-3,
N-4, N-8]
"""

from __future__ import annotations

import json
import time
import uuid
from types import SimpleNamespace
from urllib.parse import urlencode

import pytest
from django.db.models import Sum

from sandbox.providers.twilio import ACCOUNT, signature
from tests.support.sending import FAST, QUICK, attempted, send, states, triggered_wave
from tests.waves.receipts.posting import signed
from waves.models import ReceiptCount, Send
from waves.providers import registry
from waves.providers.infobip.client import InfobipSms
from waves.providers.outcomes import Ignored
from waves.providers.twilio.client import TwilioSms
from waves.receipts import door
from waves.sending import new_messages, results
from waves.sending.send_wave import send_wave

pytestmark = pytest.mark.django_db(transaction=True)

DOOR, SITE = "/receipts/sms_http", "https://presale.example/receipts/"


def told(row, status="delivered"):
    return {"reference": str(row.key), "id": "p-1", "status": status}


def post(client, *documents, **how):
    return client.post(DOOR, **signed(json.dumps({"receipts": documents}).encode(), **how))


def results_of(answer):
    return [event["result"] for event in answer.json()["events"]]


def state(row):
    row.refresh_from_db()
    return row.state, row.reason


def counted():
    rows = ReceiptCount.objects.values_list("result").annotate(Sum("number"))
    return dict(rows)


def test_n3_a_signed_receipt_settles_what_was_sent_and_a_repeat_changes_nothing(box, client):
    wave = triggered_wave(2)
    send(box, wave)
    good, bad = Send.objects.filter(wave=wave, channel="sms")
    for expected in ("applied", "repeated"):
        answer = post(client, told(good), told(bad, "undeliverable"))
        assert results_of(answer) == [expected] * 2
    assert states(wave) == {"delivered": 1, "undeliverable": 1}
    assert results.result(wave.pk)["detail"]["sms"]["sent"] == 2
    assert counted() == {"repeated": 2}


@pytest.mark.parametrize("before", ["unknown", "sending", "pending"])
def test_n4_a_receipt_settles_what_was_unsure_and_nobody_sends_it_again(box, client, before):
    [row] = attempted(state=before)
    Send.objects.filter(pk=row.pk).update(maybe_accepted=True, claim=uuid.uuid4())
    answer = post(client, told(row)).json()
    assert answer == {
        "in": 1,
        "applied": 1,
        "events": [{"reference": str(row.key), "result": "applied"}],
    }
    assert send(box, row.wave)["ok"] == 1
    assert box.received()["sms"]["requests"] == 0
    row.refresh_from_db()
    assert (row.claim, row.lease_until, row.provider_id) == (None, None, "p-1")


def test_n3_each_receipt_of_a_batch_is_taken_or_refused_by_itself(client):
    first, last = attempted(2)
    never = triggered_wave(1)
    new_messages.make_sends(never)
    answer = post(
        client,
        told(first),
        {"reference": "x"},
        told(first, "undeliverable"),
        {"reference": str(uuid.UUID(int=1)), "status": "delivered"},
        told(Send.objects.get(wave=never, channel="sms")),
        told(last, "undeliverable"),
    )
    assert answer.status_code == 200
    assert results_of(answer) == [
        "applied",
        "refused",
        "late",
        "unknown_message",
        "never_sent",
        "applied",
    ]
    assert answer.json()["events"][1]["error"] == "reference: 'x' is not a UUID."
    assert (state(first), state(last)) == (("delivered", ""), ("undeliverable", ""))
    assert counted() == {"refused": 1, "late": 1, "unknown_message": 1, "never_sent": 1}


def test_n3_where_no_event_can_be_read_the_answer_is_400_with_the_first_reason(client):
    answer = post(client, {"reference": "x"}, {"reference": 5})
    assert (answer.status_code, answer.json()["error"]) == (400, "reference: 'x' is not a UUID.")
    assert counted() == {"refused": 2}


def test_n3_a_provider_of_one_channel_settles_no_message_of_the_other(client):
    [row] = attempted(emails=1)
    email = Send.objects.get(wave=row.wave, channel="email")
    assert results_of(post(client, told(email))) == ["unknown_message"]
    assert state(email)[0] == "sent"


def test_n3_what_is_forged_or_old_changes_nothing_and_is_counted(client):
    [row] = attempted()
    assert post(client, told(row), secret="other").status_code == 403
    assert post(client, told(row), at=time.time() - 400).status_code == 403
    assert client.post(DOOR, data=b"{}", content_type="application/json").status_code == 403
    assert state(row)[0] == "sent"
    assert counted() == {"forged": 3}


def test_n3_nothing_is_parsed_before_the_signature_is_checked(client, monkeypatch):
    read = []
    reader = SimpleNamespace(ANSWER=None, is_genuine=lambda request, now: False, read=read.append)
    monkeypatch.setattr(registry, "receipt_reader", lambda name: reader)
    answer = client.post(DOOR, data=b"[" * 100_000, content_type="application/json")
    assert (answer.status_code, read) == (403, [])


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "body: it is empty."),
        (b"\xff", "body: it is not JSON"),
        (b"[" * 100_000, "body: the JSON is nested too deeply."),
        (b'{"receipts": 5}', "receipts: write a list of objects, not 5."),
    ],
)
def test_n3_a_body_that_cannot_be_read_is_400_in_one_sentence(client, body, says):
    answer = client.post(DOOR, **signed(body))
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(says)
    assert counted() == {"refused": 1}


def test_n3_a_body_that_is_too_large_is_400(client, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    answer = client.post(DOOR, **signed(b" " * 101))
    assert (answer.status_code, answer.json()) == (
        400,
        {"error": "body: it is incomplete, or larger than 100 bytes."},
    )


def test_n3_only_providers_that_post_have_a_door_and_it_takes_posts_alone(client):
    assert client.post("/receipts/nobody", **signed(b"{}")).status_code == 404
    assert client.get(DOOR).status_code == 405


def test_n3_receipts_of_one_message_in_one_body_are_judged_in_their_order(client):
    [row] = attempted()
    answer = post(client, told(row, "undeliverable"), told(row), told(row))
    assert results_of(answer) == ["applied", "applied", "repeated"]
    assert state(row) == ("delivered", "")


def test_n3_a_provider_that_reads_our_answer_gets_the_one_it_reads(client, monkeypatch):
    reader = SimpleNamespace(
        ANSWER=("text/xml", "<Response/>"),
        is_genuine=lambda request, now: True,
        read=lambda request: [Ignored("queued")],
    )
    monkeypatch.setattr(registry, "receipt_reader", lambda name: reader)
    answer = client.post(DOOR, data=b"x", content_type="text/plain")
    assert (answer.content, answer["Content-Type"]) == (b"<Response/>", "text/xml")


def test_n3_the_address_that_is_signed_is_the_public_one(rf, settings):
    settings.SITE_URL = "https://presale.example/"
    request = rf.post("/receipts/x?key=a%20b&wave=")
    assert door.public_address(request) == "https://presale.example/receipts/x?key=a%20b&wave="


def twilio_of(box):
    return TwilioSms(box.url, ACCOUNT, "sandbox", sender="Presale", reports=f"{SITE}twilio")


def test_n4_twilios_receipts_settle_what_a_cut_connection_left_unknown(box, client, settings):
    settings.SITE_URL, settings.TWILIO_AUTH_TOKEN = "https://presale.example", "sandbox"
    wave = triggered_wave(12)
    box.control(drop_rate=0.5, seed=3)
    report = send_wave(wave.pk, provider=twilio_of(box), limits=FAST, timing=QUICK)
    assert 0 < report["unknown"] < 12
    accepted = box.messages("twilio")
    assert len(accepted) == 12
    for message in accepted:
        address = message["StatusCallback"]
        form = {"MessageSid": message["id"], "MessageStatus": "delivered"}
        answer = client.post(
            address.removeprefix("https://presale.example"),
            data=urlencode(form),
            content_type="application/x-www-form-urlencoded",
            headers={"X-Twilio-Signature": signature("sandbox", address, form)},
        )
        assert (answer.status_code, answer.content) == (200, b"<Response/>")
    assert states(wave) == {"delivered": 12}


def test_n4_through_infobip_a_cut_connection_costs_nobody_a_message_and_doubles_none(
    box, monkeypatch
):
    monkeypatch.setattr("waves.sending.pacing.MOST_TRIES", 30)  # no message is out of luck
    wave = triggered_wave(12)
    box.control(drop_rate=0.4, seed=3)
    provider = InfobipSms(box.url, "sandbox", sender="Presale")
    report = send_wave(wave.pk, provider=provider, limits=FAST, timing=QUICK)
    counts = box.received()["infobip"]
    assert (report["unknown"], counts["accepted"]) == (0, 12)
    assert (counts["keys_accepted_twice"], counts["repeats"] > 0) == (0, True)
