"""The digest that approval names, and the sender's check against it. [W-7, X-5]"""

from __future__ import annotations

import pytest
from django.db import connection

from tests.support.database import kept
from tests.support.waves import NOW, approve, person
from waves.digest import content_digest
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
