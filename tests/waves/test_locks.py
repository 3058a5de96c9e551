from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.db import transaction

from campaigns.locks import lock_campaign
from operations import leases
from tests.support.connections import WouldWait, elsewhere
from tests.support.waves import NOTIFY, NOW, campaign_with, person, request
from waves.choices import WaveState
from waves.lifecycle import move
from waves.locks import lock_wave
from waves.models import Wave
from waves.preparation import attempts
from waves.preparation.submission import submit

pytestmark = pytest.mark.django_db(transaction=True)
NOT_REPEATED = re.compile(r"(?<!@retried\n)@transaction\.atomic\ndef (\w+)")
# parts of their callers' transactions, and two that write nothing but a temporary table
PARTS, STAGES = {"back_to_configured", "renew_waves"}, {"_lines", "facts_of"}


def two_waves() -> tuple[Wave, Wave]:
    campaign = campaign_with(0)
    one, other = (
        Wave.objects.create(
            campaign=campaign, date_key=key, name=f"{campaign.pk}_{key}", notify_date=NOTIFY
        )
        for key in ("20260121", "20260122")
    )
    return one, other


def test_a_locked_wave_is_read_as_it_is_now_with_its_campaign():
    wave, _ = two_waves()
    Wave.objects.filter(pk=wave.pk).update(error="of another process")
    with transaction.atomic():
        locked = lock_wave(wave.pk)
    assert (locked.error, locked.campaign) == ("of another process", wave.campaign)


def test_who_locks_a_wave_locks_its_campaign_first_so_two_waves_of_it_never_move_at_once():
    wave, other = two_waves()
    with transaction.atomic():
        lock_wave(wave.pk)
        for work in (lambda: lock_campaign(wave.campaign_id), lambda: lock_wave(other.pk)):
            with pytest.raises(WouldWait):
                elsewhere(work)
        with pytest.raises(WouldWait):
            elsewhere(lambda: move(other, WaveState.CANCELLED, by=None))
    elsewhere(lambda: move(other, WaveState.CANCELLED, by=None))


def test_who_locks_a_wave_holds_up_whoever_locks_that_wave_alone():
    wave, other = two_waves()
    alone = Wave.objects.select_for_update(no_key=True)
    with transaction.atomic():
        lock_wave(wave.pk)
        with pytest.raises(WouldWait):
            elsewhere(lambda: alone.get(pk=wave.pk))
        assert elsewhere(lambda: alone.get(pk=other.pk)) == other


def test_w9_an_attempt_is_counted_under_the_locks_of_its_campaign_and_wave():
    job = submit(request(campaign_with(4)), by=person("ann"), now=NOW)
    wave = Wave.objects.get()
    with leases.working(job.pk) as lease, transaction.atomic():
        lock_campaign(wave.campaign_id)
        with pytest.raises(WouldWait):
            elsewhere(lambda: attempts._count(wave, lease, by=None, started=NOW))


def test_o6_each_transaction_of_the_waves_is_repeated_where_postgresql_ended_it_for_another():
    sources = (path.read_text() for path in Path("waves").rglob("*.py"))
    found = [
        name for text in sources for name in NOT_REPEATED.findall(re.sub(r"(?m)^ +", "", text))
    ]
    assert sorted(found) == sorted(PARTS | STAGES)
