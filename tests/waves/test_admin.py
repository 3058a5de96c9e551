"""Templates in the admin: what cannot be sent is refused when it is saved. [N-1]"""

from __future__ import annotations

import pytest

from tests.support.people import client_of, member_of
from tests.support.waves import campaign_with
from waves.models import Template

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
