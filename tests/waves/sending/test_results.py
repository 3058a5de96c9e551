"""Results and completion. [N-7]"""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.utils import timezone

from campaigns.models import Campaign
from operations.models import StatusChange
from tests.support.sending import attempted, send, states, triggered_wave
from tests.support.waves import person
from waves.choices import Channel, ReceiptResult, SendState, Settling
from waves.models import Resend, Send
from waves.providers.outcomes import Receipt
from waves.receipts import taking
from waves.sending import new_messages, results, settling

pytestmark = pytest.mark.django_db(transaction=True)


def test_n7_completion_is_computed_and_written_down_once(box):
    wave = triggered_wave(2)
    new_messages.make_sends(wave)
    assert not results.complete(wave.pk)
    send(box, wave)
    assert not results.complete(wave.pk)
    moves = StatusChange.objects.filter(subject_id=wave.name, to_state="completed")
    assert moves.count() == 1


def test_n7_one_channels_failed_messages_go_again_alone(box):
    wave = triggered_wave(2, emails=2)
    new_messages.make_sends(wave)
    Send.objects.filter(wave=wave).update(state="failed", reason="http_400")
    assert results.retry_failed(wave.pk, Channel.EMAIL) == 2
    assert (states(wave), states(wave, "email")) == ({"failed": 2}, {"pending": 2})
    assert results.retry_failed(wave.pk) == 2


def test_n4_only_what_its_provider_refuses_for_good_goes_again_with_another_key():
    wave = triggered_wave(4)
    new_messages.make_sends(wave)
    refused = [
        {"provider": "infobip", "reason": "infobip_12"},
        {"provider": "infobip", "reason": "infobip_12", "maybe_accepted": True},
        {"provider": "infobip", "reason": "settled_by_hand"},
        {"provider": "sms_http", "reason": "http_400"},
    ]
    before = list(wave.sends.filter(channel="sms").order_by("pk").values_list("pk", "key"))
    for (pk, _), values in zip(before, refused, strict=True):
        values["key_used_at"] = timezone.now()
        Send.objects.filter(pk=pk).update(state="failed", attempts=1, **values)
    assert results.retry_failed(wave.pk, Channel.SMS) == 4
    after = wave.sends.filter(channel="sms").order_by("pk").values_list("pk", "key")
    same = [key == new for (_, key), (_, new) in zip(before, after, strict=True)]
    assert not wave.sends.exclude(key_used_at=None).exists()
    assert (same, states(wave)) == ([False, True, True, True], {"pending": 4})


def test_n7_the_result_counts_receipts_of_both_channels_and_a_refused_e_mail_as_failed():
    wave = triggered_wave(3, emails=3)
    new_messages.make_sends(wave)
    fates = {
        "sms": ["delivered", "undeliverable", "failed"],
        "email": ["delivered", "sent", "failed"],
    }
    for channel, states_of in fates.items():
        for send_row, state in zip(
            Send.objects.filter(wave=wave, channel=channel).order_by("member"),
            states_of,
            strict=True,
        ):
            Send.objects.filter(pk=send_row.pk).update(state=state, reason="x")
    found = results.result(wave.pk)
    assert (found["total"], found["ok"], found["failed"]) == (3, 2, 1)
    assert found["detail"] == {
        "sms": {"sent": 2, "failed": 1, "delivered": 1, "undeliverable": 1},
        "email": {"queued": 3, "sent": 2, "failed": 1, "delivered": 1, "undeliverable": 0},
    }


def test_n7_a_fan_with_an_unknown_message_and_one_to_come_is_pending():
    wave = triggered_wave(2, emails=2)
    new_messages.make_sends(wave)
    Send.objects.filter(wave=wave, channel="email").update(state="unknown")
    found = results.result(wave.pk)
    assert (found["total"], found["pending"], found["unknown"]) == (2, 2, 0)


def test_n7_with_sms_first_a_failed_e_mail_goes_again_and_the_sms_that_it_replaced_does_not():
    wave = triggered_wave(2, emails=2, channels="sms_first")
    new_messages.make_sends(wave)
    of_wave = Send.objects.filter(wave=wave)
    of_wave.filter(channel="sms").update(state="failed", reason="http_400", attempts=3)
    new_messages.queue_emails_instead(wave)
    assert of_wave.filter(channel="email").update(state="failed", reason="bounced") == 2
    assert results.to_send_again(wave) == {"sms": 0, "email": 2}
    assert results.retry_failed(wave.pk) == 2
    assert (states(wave), states(wave, "email")) == ({"failed": 2}, {"pending": 2})


def test_n4_n7_a_receipt_counts_for_what_goes_again_though_a_person_said_that_it_had_failed():
    """Unknown, settled as failed, to be sent again: then comes the receipt of the first attempt."""
    (message, untried) = attempted(2, state="unknown")
    Send.objects.filter(pk=message.pk).update(maybe_accepted=True)
    wave = message.wave
    settling.settle(wave.pk, Settling.FAILED, by=person("ann"), reason="asked the provider")
    results.retry_failed(wave.pk)
    (taken,) = taking.take("sms_http", [Receipt(message.key, SendState.DELIVERED, "p")])
    assert taken.result == ReceiptResult.APPLIED
    assert states(wave) == {"delivered": 1, "pending": 1}
    assert Send.objects.get(pk=untried.pk).attempts == 0


def test_x12_a_failed_message_that_support_sent_again_meanwhile_stays_failed():
    """N-7: unless that one failed, too."""
    wave = triggered_wave(2, state="completed")
    new_messages.make_sends(wave)
    Send.objects.filter(wave=wave, channel="sms").update(state="failed", reason="http_400")
    resent = Resend.objects.create(
        wave=wave,
        member=wave.members.first(),
        by=person("desk"),
        why="mistyped",
        channel="sms",
        contact="+12065550142",
        is_corrected=True,
        state="sent",
        key=uuid4(),
        request=uuid4(),
    )
    assert results.to_send_again(wave)["sms"] == 1
    assert results.retry_failed(wave.pk) == 1
    left = Send.objects.get(wave=wave, state="failed")
    assert left.member == resent.member
    Resend.objects.update(state="failed", reason="http_400")
    assert results.to_send_again(wave)["sms"] == 1


def test_c2_n7_what_was_to_go_again_of_a_closed_campaign_needs_no_sender():
    wave = triggered_wave(2, state="completed")
    new_messages.make_sends(wave)
    assert list(results.waves_to_send()) == [wave]
    Campaign.objects.filter(pk=wave.campaign_id).update(status="closed")
    assert list(results.waves_to_send()) == []
