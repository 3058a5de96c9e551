"""The digest that approval names, and the sender's check against it. [W-7, X-5]"""

from __future__ import annotations

import pytest
from django.db import connection

from tests.support.database import kept
from tests.support.waves import NOW, approve, person
from waves.choices import Channel
from waves.digest import content_digest, require_approved_providers
from waves.errors import ContentChanged
from waves.models import Member, Wave

pytestmark = pytest.mark.django_db


@pytest.fixture
def wave():
    return kept.counted_wave()


def approved(wave: Wave) -> Wave:
    return approve(wave, by=person("bob"), digest=wave.content_digest, now=NOW)


def test_w7_the_content_digest_does_not_depend_on_how_rows_lie(wave):
    before = content_digest(wave)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE waves_member SET place = place WHERE wave_id = %s AND place %% 2 = 0", [wave.pk]
        )
    assert content_digest(wave) == before == wave.content_digest


def test_w7_the_content_digest_covers_the_language_of_each_member(wave):
    Member.objects.filter(pk=Member.objects.filter(wave=wave).first().pk).update(language="fr")
    assert content_digest(wave) != wave.content_digest


def test_w7_the_content_digest_covers_the_names_of_markets_as_messages_say_them(wave):
    """X-5: who saw one name in the messages approves no other."""
    wave.wave_markets.filter(market__market_id="west").update(name="Far West")
    assert content_digest(wave) != wave.content_digest


@pytest.mark.parametrize(
    ("approved_ones", "named", "channel", "left"),
    [
        ({"sms": "http"}, ("http", ""), "sms", ["sms_http"]),
        ({"sms": "http"}, ("twilio", "http"), "sms", ["sms_http"]),
        (
            {"sms": "http", "sms_fallback": "twilio"},
            ("http", "twilio"),
            "sms",
            ["sms_http", "twilio"],
        ),
        ({"sms": "http", "sms_fallback": "twilio"}, ("twilio", ""), "sms", ["twilio"]),
        ({"sms": "http"}, ("twilio", ""), "sms", None),
        ({"sms": "gone"}, ("twilio", ""), "sms", None),
        ({"email": "django"}, ("http", ""), "email", ["email_django"]),
        ({"email": "sfmc"}, ("http", ""), "email", None),
        ({"sms": "http"}, ("http", ""), "email", None),
    ],
)
def test_x5_n9_only_approved_providers_that_the_settings_name_send_a_wave(
    settings, approved_ones, named, channel, left
):
    settings.SMS_PROVIDER, settings.SMS_FALLBACK = named
    wave = Wave(name="tour_20260120", content={"providers": approved_ones})
    if left is not None:
        assert require_approved_providers(wave, Channel(channel)) == left
        return
    with pytest.raises(ContentChanged, match="was approved to be sent through"):
        require_approved_providers(wave, Channel(channel))
