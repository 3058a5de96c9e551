"""Lists of waves in the admin; a template that cannot be sent is refused when saved. [N-1]"""

from __future__ import annotations

import pytest
from django.contrib import admin

from tests.support.people import client_of, member_of
from tests.support.waves import campaign_with
from waves.admin import SendAdmin
from waves.models import Send, Template

pytestmark = pytest.mark.django_db


@pytest.fixture
def client():
    return client_of(member_of("administrator"))


@pytest.mark.parametrize("body", ["Hello {name}", "Hello {code", "{code!r}"])
def test_a_template_with_an_unknown_placeholder_is_refused_when_saved(client, body):
    campaign = campaign_with(fans=1)
    values = {
        "campaign": campaign.pk,
        "market": "",
        "channel": "sms",
        "language": "en",
        "subject": "",
        "html": "",
    }
    client.post("/admin/waves/template/add/", values | {"body": body})
    assert not Template.objects.exists()
    client.post("/admin/waves/template/add/", values | {"body": "{campaign}: {code}"})
    assert Template.objects.get().body == "{campaign}: {code}"


def test_a_template_cannot_name_another_campaigns_market(client):
    one, other = campaign_with(fans=1), campaign_with(fans=1)
    values = {
        "campaign": one.pk,
        "market": other.markets.first().pk,
        "channel": "sms",
        "language": "en",
        "body": "hi",
    }
    html = client.post("/admin/waves/template/add/", values).content.decode()
    assert "belongs to another campaign" in html
    assert not Template.objects.exists()


@pytest.mark.parametrize(
    ("reason", "words"), [("", ""), ("http_400", "Rejected by the provider (HTTP 400)")]
)
def test_the_list_of_messages_shows_reasons_in_words(reason, words):
    assert SendAdmin(Send, admin.site).why(Send(reason=reason)) == words
