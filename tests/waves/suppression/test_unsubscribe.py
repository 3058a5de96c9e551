"""The link of an e-mail unsubscribes its reader, and names nobody. [N-8]"""

from __future__ import annotations

import re
import uuid

import pytest

from tests.support.sending import triggered_wave
from waves.choices import Channel
from waves.models import Send
from waves.sending import new_messages
from waves.suppression.contacts import Contact
from waves.suppression.suppressed import entries_of
from waves.suppression.unsubscribe import link, message_of, unsubscribe

pytestmark = pytest.mark.django_db


@pytest.fixture
def messages() -> dict[str, Send]:
    wave = triggered_wave(1, emails=1)
    new_messages.make_sends(wave)
    return {row.channel: row for row in Send.objects.filter(wave=wave)}


def token_of(row: Send) -> str:
    return link(str(row.key)).rpartition("/")[2]


def test_n8_a_link_leads_to_its_message_alone(messages, settings):
    email = messages[Channel.EMAIL]
    settings.SITE_URL = "https://presales.example/"
    found = link(str(email.key))
    assert re.fullmatch(r"https://presales\.example/unsubscribe/[0-9a-f]{32}\.[\w-]{43}", found)
    assert message_of(token_of(email)) == email
    changed = uuid.UUID(int=email.key.int ^ 1).hex
    for token in (
        token_of(messages[Channel.SMS]),
        token_of(email)[:-1],
        changed + token_of(email)[32:],
        *("", ".", "x", email.key.hex),
    ):
        assert message_of(token) is None


def test_n8_an_older_link_works_after_a_new_secret_key(messages, settings):
    token = token_of(messages[Channel.EMAIL])
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "n3w" * 20
    assert message_of(token) == messages[Channel.EMAIL]
    settings.SECRET_KEY_FALLBACKS = []
    assert message_of(token) is None


def test_n8_a_reader_unsubscribes_from_one_campaign_or_from_all(messages):
    email = messages[Channel.EMAIL]
    for campaign in (email.wave.campaign, None, None):
        unsubscribe(email, campaign)
    found = entries_of(Contact(Channel.EMAIL, "fan1@example.com")).order_by("id")
    assert list(found.values_list("campaign", "cause")) == [
        (email.wave.campaign_id, "unsubscribed"),
        (None, "unsubscribed"),
    ]
