"""Tracking events of Anymail's providers: which are genuine, and what they say. [N-3, N-8]"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import uuid
from urllib.parse import urlencode

import pytest
from anymail.signals import AnymailTrackingEvent, EventType, RejectReason

from operations.errors import BadValue
from tests.waves.receipts.posting import posted
from waves.choices import SendState
from waves.providers.anymail import receipts
from waves.providers.outcomes import Ignored, Objection, Receipt, Refused
from waves.providers.reasons import REASONS

KEY, SECRET = uuid.UUID(int=7), "events:long-enough-for-us"
ABOUT = {"MessageID": "m-1", "Metadata": {"key": str(KEY), "wave": "tour_20260120"}}
DELIVERED = {"RecordType": "Delivery", "Recipient": "fan@mail.example", **ABOUT}
BODY = json.dumps(DELIVERED).encode()


@pytest.fixture(autouse=True)
def chosen(settings) -> None:
    settings.ANYMAIL_ESP = "postmark"
    settings.ANYMAIL = {"WEBHOOK_SECRET": SECRET}


def basic(secret: str = SECRET) -> str:
    return f"Basic {base64.b64encode(secret.encode()).decode()}"


def is_genuine(body=BODY, authorization=""):
    return receipts.is_genuine(posted(body, authorization=authorization), now=0.0)


def test_n3_what_carries_our_secret_is_genuine_and_without_one_nothing_is(settings):
    assert is_genuine(authorization=basic())
    for forged in ("", "Basic", "Basic !", "Bearer x", basic("events:other"), basic("")):
        assert not is_genuine(authorization=forged)
    settings.ANYMAIL = {"WEBHOOK_SECRET": ""}
    assert not is_genuine()
    assert not is_genuine(authorization=basic(""))


def mailgun(token="t", secret="signing-key"):  # noqa: S107
    signed = hmac.new(secret.encode(), f"1600000000{token}".encode(), hashlib.sha256).hexdigest()
    return json.dumps(
        {
            "signature": {"timestamp": "1600000000", "token": "t", "signature": signed},
            "event-data": {
                "event": "failed",
                "severity": "permanent",
                "reason": "bounce",
                "timestamp": 1600000000.5,
                "id": "e-1",
                "message": {"headers": {"message-id": "m-1"}},
                "user-variables": {"key": str(KEY)},
            },
        }
    ).encode()


def test_n3_a_providers_own_signature_counts_too(settings):
    settings.ANYMAIL_ESP = "mailgun"
    settings.ANYMAIL |= {"MAILGUN_WEBHOOK_SIGNING_KEY": "signing-key"}
    assert is_genuine(mailgun(), basic())
    assert not is_genuine(mailgun(), basic("events:other"))  # it signs no event
    assert not is_genuine(mailgun(token="other"), basic())
    for odd in (b"", b"[" * 100_000, b"\xff", b'{"signature": 5}'):
        assert not is_genuine(odd, basic())
    assert receipts.read(posted(mailgun())) == [
        Receipt(KEY, SendState.UNDELIVERABLE, "<m-1>", "esp_bounced", Objection.HARD_BOUNCE)
    ]


def mandrill(url=f"https://{SECRET}@presale.example/receipts/anymail"):
    """A form, signed over its address as Mandrill calls it; and its headers."""
    event = {"event": "reject", "_id": "m-1", "ts": 1600000000}
    event |= {"msg": {"_id": "m-1", "email": "fan@mail.example", "metadata": {"key": str(KEY)}}}
    form = {"mandrill_events": json.dumps([event])}
    text = url + "".join(f"{name}{value}" for name, value in sorted(form.items()))
    signed = base64.b64encode(hmac.digest(b"webhook-key", text.encode(), hashlib.sha1)).decode()
    headers = {
        "content_type": "application/x-www-form-urlencoded",
        "authorization": basic(),
        "x_mandrill_signature": signed,
    }
    address = "https://presale.example/receipts/anymail"
    return posted(urlencode(form).encode(), address=address, **headers)


def test_n3_a_signature_over_the_address_is_over_the_public_one(settings):
    settings.ANYMAIL_ESP, settings.ALLOWED_HOSTS = "mandrill", ["presale.example"]
    settings.ANYMAIL |= {"MANDRILL_WEBHOOK_KEY": "webhook-key"}
    assert receipts.is_genuine(mandrill(), now=0.0)
    assert not receipts.is_genuine(mandrill("https://other.example/"), now=0.0)
    assert receipts.read(mandrill()) == [
        Receipt(KEY, SendState.UNDELIVERABLE, "m-1", "esp_rejected")
    ]


def test_n3_a_provider_that_posts_nothing_or_lacks_settings_has_no_genuine_events(settings):
    for esp in ("scaleway", "mailgun", "pigeon"):
        settings.ANYMAIL_ESP = esp
        assert not is_genuine(authorization=basic())
        with pytest.raises(BadValue, match=f"^body: it is not what {esp} posts"):
            receipts.read(posted(BODY))


def read(**event):
    [found] = receipts.read(posted(json.dumps({**ABOUT, **event}).encode()))
    return found


@pytest.mark.parametrize(
    ("event", "state", "reason", "objection"),
    [
        ({"RecordType": "Delivery"}, SendState.DELIVERED, "", None),
        (
            {"RecordType": "Bounce", "Type": "HardBounce", "ID": 1},
            SendState.UNDELIVERABLE,
            "esp_bounced",
            Objection.HARD_BOUNCE,
        ),
        # a full mailbox is no reason to write never again
        (
            {"RecordType": "Bounce", "Type": "SoftBounce"},
            SendState.UNDELIVERABLE,
            "esp_bounced",
            None,
        ),
        (
            {"RecordType": "Bounce", "Type": "Blocked"},
            SendState.UNDELIVERABLE,
            "esp_blocked",
            None,
        ),
        (
            {"RecordType": "SpamComplaint", "Type": "SpamComplaint"},
            SendState.DELIVERED,
            "",
            Objection.COMPLAINT,
        ),
        (
            {"RecordType": "SubscriptionChange", "SuppressionReason": "ManualSuppression"},
            SendState.DELIVERED,
            "",
            Objection.UNSUBSCRIBED,
        ),
    ],
)
def test_n3_an_event_says_what_became_of_its_message(event, state, reason, objection):
    assert read(**event) == Receipt(KEY, state, "m-1", reason, objection)


# What others post of the same key, by their own words: Anymail calls each a bounce.
SES = {
    "eventType": "Bounce",
    "mail": {
        "messageId": "m-1",
        "headers": [{"name": "X-Metadata", "value": f'{{"key": "{KEY}"}}'}],
    },
}
SPARKPOST = {"type": "bounce", "transmission_id": "m-1", "rcpt_meta": {"key": str(KEY)}}


def bounced(**bounce):
    return {
        **SES,
        "bounce": {
            "bounceSubType": "General",
            "bouncedRecipients": [{"emailAddress": "a@x.example"}],
            **bounce,
        },
    }


def returned(bounce_class):
    return [{"msys": {"message_event": SPARKPOST | {"bounce_class": bounce_class}}}]


@pytest.mark.parametrize(
    ("esp", "body", "reason", "objection"),
    [
        ("amazon_ses", bounced(bounceType="Transient"), "esp_bounced", None),
        ("amazon_ses", bounced(bounceType="Permanent"), "esp_bounced", Objection.HARD_BOUNCE),
        ("sparkpost", returned("22"), "esp_bounced", None),
        ("sparkpost", returned("10"), "esp_invalid", Objection.HARD_BOUNCE),
        # a mail server's opinion of the message, not the fan's complaint
        ("sparkpost", returned("51"), "esp_spam", None),
    ],
)
def test_n8_a_full_mailbox_or_a_filter_is_no_objection(settings, esp, body, reason, objection):
    settings.ANYMAIL_ESP = esp
    if esp == "amazon_ses":
        body = {"Type": "Notification", "MessageId": "e", "Message": json.dumps(body)}
    [found] = receipts.read(
        posted(json.dumps(body).encode(), x_amz_sns_message_type="Notification")
    )
    assert found == Receipt(KEY, SendState.UNDELIVERABLE, "m-1", reason, objection)


def test_n8_a_provider_that_knows_of_an_unsubscribe_says_so():
    event = AnymailTrackingEvent(
        event_type=EventType.REJECTED,
        reject_reason=RejectReason.UNSUBSCRIBED,
        metadata={"key": str(KEY)},
        message_id="m-1",
    )
    assert receipts._event(event).objection == Objection.UNSUBSCRIBED


def test_n3_what_is_no_delivery_or_not_ours_is_ignored():
    assert read(RecordType="Open") == Ignored("opened")
    assert read(RecordType="Bounce", Type="Transient") == Ignored("deferred")
    for metadata in ({}, {"other": "app"}):
        assert read(RecordType="Delivery", Metadata=metadata) == Ignored("delivered")
    for metadata in (None, [], "x"):
        event = AnymailTrackingEvent(event_type=EventType.DELIVERED, metadata=metadata)
        assert receipts._event(event) == Ignored("delivered")


def test_n3_an_event_whose_key_is_none_of_ours_is_refused_by_itself():
    assert isinstance(read(RecordType="Delivery", Metadata={"key": "x"}), Refused)
    assert isinstance(read(RecordType="Delivery", Metadata={"key": "\ud800"}), Refused)


@pytest.mark.parametrize("body", [b"", b"[" * 100_000, b"\xff", b"5", b'{"RecordType": []}'])
def test_n3_a_body_that_anymail_cannot_read_is_refused(body):
    with pytest.raises(BadValue, match=r"^body: it is not what postmark posts"):
        receipts.read(posted(body))


def test_n3_every_reason_of_anymail_has_its_words():
    named = [value for name, value in vars(RejectReason).items() if name.isupper()]
    for reason in [*named, None, "of a later release"]:
        event = AnymailTrackingEvent(
            event_type=EventType.REJECTED, reject_reason=reason, metadata={"key": str(KEY)}
        )
        receipt = receipts._event(event)
        assert receipt.reason in REASONS
        assert receipt.reason == f"esp_{reason or 'rejected'}" or "later" in reason


def test_n3_an_event_that_is_posted_settles_its_message_and_forged_ones_do_not(client, db):
    assert client.head("/receipts/anymail").status_code == 200  # some ask first
    assert client.get("/receipts/anymail").status_code == 405
    for authorization, status in ((basic("events:other"), 403), (basic(), 200)):
        answer = client.post(
            "/receipts/anymail",
            BODY,
            content_type="application/json",
            headers={"Authorization": authorization},
        )
        assert answer.status_code == status
    assert [each["result"] for each in answer.json()["events"]] == ["unknown_message"]
