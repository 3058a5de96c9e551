"""No approval without a recent pre-flight that is green or waived. [X-6]"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.db.models import F

from operations.models import StatusChange
from tests.support.database import kept
from tests.support.waves import NOW, cleared, person
from waves.approval import approve
from waves.errors import NotCleared
from waves.models import Preflight, Wave
from waves.preflight.clearance import VALID_FOR, unchecked

pytestmark = pytest.mark.django_db
RED = [{"name": "SMS provider", "ok": "red", "detail": "It cannot be reached."}]


@pytest.fixture
def wave() -> Wave:
    return kept.counted_wave()


def red_run(wave: Wave) -> Preflight:
    return Preflight.objects.create(wave=wave, digest=wave.content_digest, checks=RED, reds=1)


def approved(wave: Wave, **options) -> Wave:
    return approve(wave, by=person("bob"), digest=wave.content_digest, now=NOW, **options)


def test_x6_a_wave_without_a_pre_flight_is_not_approved(wave):
    with pytest.raises(NotCleared, match="no pre-flight of the last 15 minutes"):
        approved(wave)
    assert approved(cleared(wave)).state == "approved"
    assert Preflight.objects.get(wave=wave).approved_at == NOW


def test_x6_one_that_is_too_old_or_of_another_content_does_not_count(wave):
    cleared(wave)
    Preflight.objects.update(at=F("at") - VALID_FOR - timedelta(seconds=1))
    with pytest.raises(NotCleared):
        approved(wave)
    Preflight.objects.create(wave=wave, digest="0" * 64, reds=0)
    with pytest.raises(NotCleared):
        approved(wave)


def test_x6_a_red_line_blocks_and_is_named(wave):
    red_run(wave)
    with pytest.raises(NotCleared, match=r"1 red line\. SMS provider: It cannot be reached\."):
        approved(wave)
    wave.refresh_from_db()
    assert wave.state == "prepared"


def test_x6_an_approver_waives_it_with_a_reason_that_is_kept(wave):
    run = red_run(wave)
    with pytest.raises(NotCleared):
        approved(wave, waiver="  ")
    approved(wave, waiver="the provider is in maintenance", seen_preflight=run.pk)
    run.refresh_from_db()
    assert (run.waived_by.username, run.waiver) == ("bob", "the provider is in maintenance")
    assert wave.waiver == ""  # there was a second person
    assert StatusChange.objects.filter(to_state="approved", reason=run.waiver).exists()


def test_x6_a_waiver_is_for_the_run_that_was_looked_at(wave):
    seen = red_run(wave)
    red_run(wave)
    with pytest.raises(NotCleared, match="has run again since"):
        approved(wave, waiver="seen", seen_preflight=seen.pk)


def test_x6_a_green_run_needs_no_waiver_and_records_none(wave):
    approved(cleared(wave), waiver="just in case")
    run = Preflight.objects.get(wave=wave)
    assert (run.waiver, run.waived_by) == ("", None)


def test_x6_the_database_refuses_an_approval_by_a_red_run_without_a_reason(wave):
    run = red_run(wave)
    for values in ({}, {"waived_by": person("bob")}, {"waiver": "because"}):
        with (
            pytest.raises(IntegrityError, match="preflight_red_is_waived_with_a_reason"),
            transaction.atomic(),
        ):
            Preflight.objects.filter(pk=run.pk).update(approved_at=NOW, **values)


def test_x6_prepared_and_counted_waves_without_a_run_are_found(wave):
    assert list(unchecked()) == [wave]
    cleared(wave)
    assert not unchecked().exists()
    Preflight.objects.all().delete()
    Wave.objects.filter(pk=wave.pk).update(counted_digest="")
    assert not unchecked().exists()
