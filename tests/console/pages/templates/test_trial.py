"""A test message from the editor. [N-1]"""

from __future__ import annotations

import html
import re
import uuid

import pytest

from tests.support.people import client_of, member_of
from tests.support.waves import campaign_with
from waves.models import TrialMessage

pytestmark = pytest.mark.django_db
ADDRESS = "ann@band.example"
DRAFT = {
    "channel": "email",
    "language": "en",
    "audience": "selected",
    "subject": "Hi",
    "body": "{code}",
    "test_to": ADDRESS,
}
SEND = "/admin/templates/test/"


@pytest.fixture
def client(settings):
    settings.TEST_RECIPIENTS = [ADDRESS]
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    return client_of(member_of("operator"))


def said(client, **values) -> str:
    return html.unescape(client.post(SEND, DRAFT | values).content.decode())


def test_a_test_message_is_sent_and_listed_and_the_next_has_a_key_of_its_own(client):
    key = str(uuid.uuid4())
    campaign = campaign_with(1)
    text = said(client, test_key=key, campaign=campaign.pk)
    assert f"The test message to {ADDRESS} was handed to the provider." in text
    assert f"E-mail to {ADDRESS} in en, " in text
    row = TrialMessage.objects.get()
    assert (str(row.key), row.campaign, row.by.username) == (key, campaign, "operator-person")
    assert re.search(r'id="test-key"[^>]*value="([0-9a-f-]{36})"', text)[1] != key


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"test_to": "bob@band.example"}, "not on the list"),
        ({"body": "{cod}"}, "Unknown placeholder"),
        ({"channel": "fax"}, "Choose a channel"),
        ({"language": "english"}, "as a tag"),
        ({"test_key": "x"}, "Open it again"),
        ({"test_key": ""}, "Open it again"),
    ],
)
def test_what_cannot_be_sent_is_said_in_a_sentence(client, values, sentence):
    campaign_with(1)
    assert sentence in said(client, **{"test_key": str(uuid.uuid4())} | values)
    assert not TrialMessage.objects.exists()


def test_without_a_campaign_there_is_nothing_to_test(client):
    assert "Add a campaign first." in said(client, test_key=str(uuid.uuid4()))


def test_the_editor_offers_the_list_or_says_how_to_make_one(client, settings):
    page = "/admin/waves/template/add/"
    assert f">{ADDRESS}</option>" in client.get(page).content.decode()
    settings.TEST_RECIPIENTS = []
    assert "in the setting TEST_RECIPIENTS" in client.get(page).content.decode()
