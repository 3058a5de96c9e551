"""Every registered provider has what its contract asks for. [N-3, N-5]"""

from __future__ import annotations

import asyncio
import inspect
import json
import uuid
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations.entry.values import is_unfit
from operations.errors import BadValue
from sandbox.providers.twilio import ACCOUNT
from tests.waves.receipts.posting import posted
from waves.choices import Channel
from waves.providers import contract, registry
from waves.providers.outcomes import Kind, Receipt, Refused
from waves.providers.sfmc.receipts import BOUNCED


def parameters(function) -> list[str]:
    return [name for name in inspect.signature(function).parameters if name != "self"]


@pytest.mark.parametrize("value", list(registry.SMS))
def test_n3_an_sms_client_sends_looks_up_and_is_checked(settings, value):
    settings.SMS_PROVIDER = value
    is_a_provider(registry.sms_client())


POINTED = {
    "http": {"SMS_TOKEN": "sandbox"},
    "twilio": {
        "TWILIO_ACCOUNT_SID": ACCOUNT,
        "TWILIO_AUTH_TOKEN": "sandbox",
        "TWILIO_SENDER": "+15005550006",
    },
    "infobip": {"INFOBIP_API_KEY": "sandbox", "INFOBIP_SENDER": "Presale"},
}


@pytest.mark.parametrize("value", list(registry.SMS))
def test_o4_every_request_for_an_sms_names_what_it_belongs_to_beside_its_text(box, settings, value):
    """Campaign, wave, wave date, market and correlation id; the last in our header too."""
    settings.SMS_PROVIDER = value
    settings.SMS_URL = settings.TWILIO_URL = settings.INFOBIP_URL = box.url
    for name, pointed in POINTED[value].items():
        setattr(settings, name, pointed)
    about = contract.About("tour-1", "tour-1_20260120", "2026-01-21", "west-2", "corr-00013")
    client = registry.sms_client()

    async def send():
        async with client.open_session(5.0, 1) as session:
            return await client.send(
                session, contract.SmsMessage("key-1", "+12025550123", "text", about)
            )

    assert asyncio.run(send()).kind == Kind.SENT
    name = {"http": "sms"}.get(value, value)
    [received] = box.messages(name)
    assert received.pop("correlation_id") == about.correlation_id
    written = json.dumps(received)
    fields = about if value != "http" else about[:4]  # the gateway reads the header
    assert [each for each in fields if f"{each}" not in written] == []


@pytest.mark.parametrize("value", list(registry.EMAIL))
def test_n5_an_e_mail_client_sends_looks_up_and_is_checked(settings, value):
    settings.EMAIL_PROVIDER = value
    is_a_provider(registry.email_client())


@pytest.mark.parametrize("channel", list(Channel))
def test_x6_a_recorder_does_what_a_provider_does(channel):
    is_a_provider(registry.recorder(channel))


def is_a_provider(client) -> None:
    assert isinstance(client.honours_keys, bool)
    assert client.keys_last is None or client.keys_last > timedelta(hours=1)
    for name in ("open_session", "send", "look_up", "check"):
        asked = getattr(contract.Provider, name)
        assert parameters(getattr(client, name)) == parameters(asked)


@pytest.mark.parametrize(
    "name", [provider.name for provider in registry.ALL if provider.signs_receipts]
)
def test_n3_a_reader_of_receipts_judges_signatures_and_reads(name):
    reader = registry.receipt_reader(name)
    assert parameters(reader.is_genuine) == parameters(contract.ReceiptReader.is_genuine)
    assert parameters(reader.read) == parameters(contract.ReceiptReader.read)


KEY = str(uuid.UUID(int=7))
# Of each provider what it posts, and where in the body that stands; Twilio's are forms.
EVENTS = [
    ("sms_http", "receipts", {"reference": KEY, "id": "p", "status": "delivered"}),
    ("infobip", "results", {"messageId": KEY, "status": {"groupId": 2, "id": 9}, "error": {}}),
    ("infobip", "results", {"messageId": "m", "from": "12025550123", "text": "STOP"}),
    ("sfmc", "", {"eventCategoryType": BOUNCED, "compositeId": "c", "info": {"messageKey": KEY}}),
    ("twilio", "", {"MessageSid": "m", "MessageStatus": "failed", "ErrorCode": "30003"}),
    ("twilio", "", {"MessageSid": "m", "From": "+12025550123", "Body": "STOP"}),
]
PLAIN = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**30), 10**30),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["", "\0", "\ud800", "x" * 5_000, KEY, "9" * 5_000]),
)
INSIDE = st.dictionaries(
    st.sampled_from(["groupId", "id", "messageKey", "name"]), PLAIN, max_size=3
)
ODD = PLAIN | INSIDE | st.lists(PLAIN, max_size=2)


def said_of(reader, request) -> list:
    """The events in it, or the sentence with which it is refused."""
    try:
        return reader.read(request)
    except BadValue as refusal:
        return [Refused(str(refusal))]


@pytest.mark.parametrize(("name", "within", "event"), EVENTS)
@given(data=st.data())
def test_n3_whatever_a_provider_posts_is_taken_or_refused_in_a_sentence(name, within, event, data):
    """And what is taken can be kept in a row."""
    reader = registry.receipt_reader(name)
    missing = data.draw(st.sets(st.sampled_from(sorted(event)), max_size=1))
    odd = data.draw(st.dictionaries(st.sampled_from(sorted(event)), ODD, max_size=2))
    fields = {field: each for field, each in (event | odd).items() if field not in missing}
    kind, body = "json", json.dumps({within: [fields]} if within else [fields]).encode()
    if name == "twilio":
        spelled = {
            field: str(each).encode(errors="surrogatepass") for field, each in fields.items()
        }
        kind, body = "x-www-form-urlencoded", urlencode(spelled).encode()
    address = f"https://presale.example/receipts/{name}?key={KEY}"
    request = posted(body, content_type=f"application/{kind}", address=address)
    assert reader.is_genuine(request, now=0) in {True, False}
    for each in said_of(reader, request):
        assert not any(is_unfit(part) for part in each if isinstance(part, str))
        if isinstance(each, Refused):
            assert len(each.why.splitlines()) == 1
        if isinstance(each, Receipt):
            assert isinstance(each.key, uuid.UUID)
            assert len(each.provider_id) <= 80
