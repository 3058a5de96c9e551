"""Lists of waves in the admin; a template that cannot be sent is refused when saved. [N-1]"""

from __future__ import annotations

import re

import pytest
from django.contrib import admin

from campaigns.models import Campaign
from operations.models import StatusChange
from tests.support.people import client_of, member_of
from tests.support.waves import NOW, approve, campaign_with, person, request
from waves.admin import SendAdmin
from waves.choices import WaveState
from waves.models import Send, Template, Wave
from waves.preparation.prepare import prepare
from waves.schedule import schedule

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
        "audience": "selected",
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
        "audience": "selected",
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


def test_so_does_a_messages_own_page(rf):
    asked = rf.get("/")
    asked.session, asked.user = {}, person("ann")
    fields = SendAdmin(Send, admin.site).get_fields(asked)
    assert "why" in fields
    assert "reason" not in fields


def an_approved_wave(**options) -> Wave:
    wave = prepare(request(campaign_with(fans=12, **options)), by=person("ann"), now=NOW).wave
    approve(wave, by=person("bob"), digest=wave.content_digest, now=NOW)
    return schedule(wave, by=person("bob"), now=NOW)


def a_template(campaign: Campaign | None, **values: str) -> dict[str, object]:
    given = {"campaign": campaign.pk if campaign else "", "channel": "sms", "language": "en"}
    return (
        given
        | {"audience": "selected", "market": "", "subject": "", "html": "", "body": "new: {code}"}
        | values
    )


ADD = "/admin/waves/template/add/"


@pytest.mark.parametrize("for_all", [False, True])
def test_x5_before_a_template_is_saved_it_says_which_waves_lose_their_approval(client, for_all):
    wave, other = an_approved_wave(), an_approved_wave()
    values = a_template(None if for_all else wave.campaign)
    html = client.post(ADD, values).content.decode()
    assert f"{wave.name} (scheduled, due 2026-01-21 18:00 UTC)" in html
    assert (other.name in html) is for_all
    assert not Template.objects.exists()
    wave.refresh_from_db()
    assert wave.state == WaveState.SCHEDULED
    named = re.search(
        r'name="confirmed"[^>]*value="([^"]+)"|value="([^"]+)"[^>]*name="confirmed"', html
    )
    confirmed = next(group for group in named.groups() if group)
    client.post(ADD, values | {"confirmed": confirmed})
    assert Template.objects.exists()
    wave.refresh_from_db()
    assert wave.state == WaveState.PREPARED
    change = StatusChange.objects.filter(subject_id=wave.name).latest("id")
    assert (change.by.username, change.reason) == (
        "administrator-person",
        "SMS template for every market (en) added",
    )
    page = client.get(f"/admin/wave/{wave.name}/").content.decode()
    assert "This wave has lost its approval" in page
    assert "administrator-person" in page
    assert "approval lost" in client.get("/admin/").content.decode()


def test_x5_a_template_that_no_approved_wave_uses_is_saved_at_once(client):
    wave = an_approved_wave()
    client.post(ADD, a_template(campaign_with(fans=1)))
    client.post(ADD, a_template(wave.campaign, language="fr"))
    assert Template.objects.count() == 2
    wave.refresh_from_db()
    assert wave.state == WaveState.SCHEDULED


def test_x5_a_template_that_an_approved_wave_could_not_be_sent_with_is_refused(client):
    wave = an_approved_wave(code_source="tm")
    html = client.post(ADD, a_template(wave.campaign)).content.decode()
    assert "Remove {code} from it" in html
    assert not Template.objects.exists()


def test_x5_before_a_template_is_deleted_it_says_which_waves_lose_their_approval(client):
    campaign = campaign_with(fans=12)
    template = Template.objects.create(campaign=campaign, channel="email", body="x", subject="y")
    wave = prepare(request(campaign), by=person("ann"), now=NOW).wave
    approve(wave, by=person("bob"), digest=wave.content_digest, now=NOW)
    address = f"/admin/waves/template/{template.pk}/delete/"
    assert f"{wave.name} (approved" in client.get(address).content.decode()
    client.post(address, {"post": "yes"})
    wave.refresh_from_db()
    assert (wave.state, Template.objects.count()) == (WaveState.PREPARED, 0)
