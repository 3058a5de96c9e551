"""Signed receipts settle messages; forged ones change nothing. [N-3, N-4]"""

from __future__ import annotations

import hashlib
import hmac
import json
import time

import pytest

from tests.support.sending import send, states, triggered_wave
from waves.choices import SendState
from waves.models import Send
from waves.providers.outcomes import Receipt
from waves.sending import receipts, results, send_rows

pytestmark = pytest.mark.django_db(transaction=True)


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


def test_n3_a_signed_receipt_settles_what_was_sent_and_a_repeat_changes_nothing(box, client):
    wave = triggered_wave(2)
    send(box, wave)
    good, bad = Send.objects.filter(wave=wave, channel="sms")
    for _ in range(2):
        client.post("/receipts/sms_http", **signed(receipt_for(good)))
        client.post("/receipts/sms_http", **signed(receipt_for(bad, "undeliverable")))
    assert states(wave) == {"delivered": 1, "undeliverable": 1}
    assert results.result(wave.pk)["detail"]["sms"]["sent"] == 2


@pytest.mark.parametrize("before", ["unknown", "sending", "pending"])
def test_n4_a_receipt_settles_what_was_unsure_and_nobody_sends_it_again(box, client, before):
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
