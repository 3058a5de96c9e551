"""An approver is shown what changed since they last looked, however often the page is loaded.
[X-5]
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.support.waves import NOTIFY, NOW, campaign_with, counted, person, request
from waves import actions
from waves.models import Wave, WaveLook
from waves.preparation.prepare import prepare
from waves.review.looks import look, since_last_look

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def later(wave: Wave, days: int) -> Wave:
    date = NOTIFY + timedelta(days=days)
    return actions.reschedule(wave, notify_date=date, by=person("ann"), reason="rain", now=NOW)


def test_x5_the_changes_are_those_since_the_last_other_content_that_the_user_saw():
    wave = counted(prepare(request(campaign_with()), by=person("ann"), now=NOW).wave)
    bob = person("bob")
    assert since_last_look(wave, bob) is None
    assert look(wave, bob, digest=wave.content_digest, now=NOW)
    assert since_last_look(wave, bob) is None
    later(wave, 3)
    seen = since_last_look(wave, bob)
    assert seen.at == NOW
    assert [(change.what, change.before[:10], change.after[:10]) for change in seen.changes] == [
        ("Notify date", "2026-01-21", "2026-01-24")
    ]
    # loading the page again still shows them
    assert look(wave, bob, digest=wave.content_digest, now=NOW + HOUR)
    assert look(wave, bob, digest=wave.content_digest, now=NOW + 2 * HOUR)
    assert since_last_look(wave, bob) == seen
    later(wave, 0)
    assert [change.before[:10] for change in since_last_look(wave, bob).changes] == ["2026-01-24"]
    assert since_last_look(wave, person("eve")) is None


def test_x5_a_page_that_shows_an_older_content_counts_for_nothing():
    wave = prepare(request(campaign_with()), by=person("ann"), now=NOW).wave
    old = wave.content_digest
    later(wave, 3)
    assert not look(wave, person("bob"), digest=old, now=NOW)
    assert not look(wave, person("bob"), digest="", now=NOW)
    assert not WaveLook.objects.exists()


def test_o5_what_is_kept_of_a_look_holds_no_fan():
    wave = prepare(request(campaign_with()), by=person("ann"), now=NOW).wave
    look(wave, person("bob"), digest=wave.content_digest, now=NOW)
    kept = str(WaveLook.objects.get().snapshot)
    assert "fan-0" not in kept
    assert "@example.com" not in kept
    assert "+1206" not in kept
