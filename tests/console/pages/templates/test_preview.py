"""The editor of a template, and the preview beside it. [N-1, X-5]"""

from __future__ import annotations

import html
from decimal import Decimal

import pytest

from tests.support.people import client_of, member_of
from tests.support.waves import NOW, approve, campaign_with, person, request
from waves.models import Template
from waves.preparation.prepare import prepare

pytestmark = pytest.mark.django_db
DRAFT = {"channel": "sms", "language": "en", "audience": "selected", "body": "{market}: {code}"}
PREVIEW = "/admin/templates/preview/"


@pytest.fixture
def client():
    return client_of(member_of("operator"))


def shown(client, **values) -> str:
    return html.unescape(client.post(PREVIEW, DRAFT | values).content.decode())


def test_the_preview_shows_the_message_its_segments_and_a_masked_fan(client):
    campaign = campaign_with(3)
    text = shown(client, campaign=campaign.pk)
    assert "West: A7KX29QWER" in text
    assert "<b>1 segment</b>: 16 characters in GSM-7." in text
    assert "+1202555" not in text
    east = campaign.markets.get(market_id="east")
    assert "East: A7KX29QWER" in shown(client, campaign=campaign.pk, preview_market=east.pk)
    assert "East: A7KX29QWER" in shown(client, campaign=campaign.pk, market=east.pk)


def test_x6_the_price_of_a_message_is_shown_where_it_is_known(client, settings):
    settings.SMS_RATES = {"US": Decimal("0.0079"), "CA": Decimal(1)}
    campaign = campaign_with(1)
    text = shown(client, campaign=campaign.pk, body="{code} " * 20)
    assert "<b>2 segments</b>" in text
    assert "One message costs US: 0.0158 USD" in text
    assert "CA" not in text


def test_the_character_that_forces_the_dearer_encoding_is_named_with_what_to_write_instead(client):
    campaign_with(1)
    text = shown(client, body="You\u2019re in: {code}")
    assert "“\u2019” (right single quotation mark, U+2019) makes it UCS-2" in text
    assert "Write ' instead." in text


def test_what_would_be_refused_or_asked_is_said_while_one_types(client):
    campaign = campaign_with(12)
    wave = prepare(request(campaign), by=person("ann"), now=NOW).wave
    approve(wave, by=person("bob"), digest=wave.content_digest, now=NOW)
    own = {"campaign": campaign.pk}
    assert f"voids the approval of: {wave.name}" in shown(client, **own)
    assert "does not contain {code}" in shown(client, **own, body="hi")
    assert "Unknown placeholder {cod}" in shown(client, **own, body="{cod}")
    assert "An e-mail needs a subject." in shown(client, **own, channel="email")
    assert "as a tag, such as en or pt-BR" in shown(client, **own, language="english")
    assert not Template.objects.exists()


def test_html_of_others_is_shown_in_a_frame_that_runs_and_loads_nothing(client):
    campaign_with(1)
    hostile = '<script>alert(1)</script>"><img src=https://spy.example/x onerror=alert(2)>{code}'
    answer = client.post(
        PREVIEW, DRAFT | {"channel": "email", "subject": "s", "html": hostile}
    ).content.decode()
    (frame,) = [line for line in answer.splitlines() if "<iframe" in line]
    assert '<iframe class="fw-mail" sandbox title=' in frame
    assert frame.count("<") == 2  # the frame's own tags
    document = html.unescape(frame.partition('srcdoc="')[2])
    assert document.startswith("<!doctype html><meta charset=utf-8><meta http-equiv=Content-Sec")
    assert "default-src 'none'" in document


@pytest.mark.parametrize(
    "values", [{}, {"channel": "fax"}, {"campaign": "x"}, {"body": "x" * 200_000}, {"market": "0"}]
)
def test_whatever_is_sent_has_an_answer(client, values):
    campaign_with(0)
    assert client.post(PREVIEW, values and DRAFT | values).status_code == 200


def test_without_any_campaign_the_preview_says_what_is_missing(client):
    assert "Add a campaign" in shown(client)


def test_a_new_template_of_a_campaign_starts_in_its_default_language(client):
    campaign = campaign_with(0, default_language="fr")
    page = client.get(f"/admin/waves/template/add/?campaign={campaign.pk}&body=x").content.decode()
    assert 'name="language" value="fr"' in page
    assert f'<option value="{campaign.pk}" selected>' in page
    assert "Buy tickets from {wave_date}" in page


def test_who_may_only_look_sees_the_text_and_its_preview():
    campaign = campaign_with(1)
    template = Template.objects.create(campaign=campaign, channel="sms", body="Only {code}")
    page = client_of(member_of("viewer")).get(f"/admin/waves/template/{template.pk}/change/")
    assert "Only {code}" in page.content.decode()
    assert 'name="body" value="Only {code}"' in page.content.decode()


def test_the_box_to_save_a_text_without_the_code_comes_in_red(client):
    values = DRAFT | {"campaign": campaign_with(1).pk, "body": "hi"}
    page = client.post("/admin/waves/template/add/", values).content.decode()
    assert 'class="fw-next fw-bad"><div class="fw-check"><input type="checkbox"' in page
    assert not Template.objects.exists()
    client.post("/admin/waves/template/add/", values | {"without_code": "agreed"})
    assert Template.objects.get().body == "hi"
