"""Without the second count's agreement nobody approves. [X-14]"""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from operations.leases import working
from operations.models import Alert
from tests.support.database import kept
from tests.support.waves import NOW, cleared, counted, person
from waves.approval import approve
from waves.choices import WaveState
from waves.errors import NotCounted
from waves.models import Wave
from waves.second_count import count, verdict
from waves.second_count.checker import Verdict
from waves.second_count.claim import Claim

pytestmark = pytest.mark.django_db
DIFFERS = Verdict(agrees=False, problems=("Member 3: the wave has nobody.",), fans=12)


@pytest.fixture
def wave() -> Wave:
    return kept.prepared()


def approved(wave: Wave) -> Wave:
    return approve(wave, by=person("bob"), digest=wave.content_digest, now=NOW)


def recorded(wave: Wave, found: Verdict, digest: str) -> Wave:
    with working(count.open_job(wave).pk) as lease:
        claim = Claim(digest, unchanged=True, facts_digest=wave.facts_digest, sha256="")
        verdict.record(wave, lease, claim, found, now=NOW)
    wave.refresh_from_db()
    return wave


def test_x14_a_wave_is_not_approved_before_it_was_counted(wave):
    with pytest.raises(NotCounted, match="its second count is not finished"):
        approved(wave)
    assert approved(cleared(counted(wave))).state == WaveState.APPROVED


def test_x14_no_waiver_helps(wave, settings):
    settings.WAVES_FOUR_EYES = False
    with pytest.raises(NotCounted):
        approve(wave, by=person("ann"), digest=wave.content_digest, now=NOW, waiver="alone")


def test_x14_a_count_that_differs_says_in_what_and_alerts(wave):
    recorded(wave, DIFFERS, wave.content_digest)
    with pytest.raises(NotCounted, match=r"the wave has nobody\. An operator must reset"):
        approved(wave)
    assert not verdict.is_due(wave)
    assert "the second count differs" in Alert.objects.latest("id").text
    assert "An operator must reset the wave" in Alert.objects.latest("id").text


def test_x14_a_verdict_stands_for_the_present_content_alone():
    now = {"content_digest": "now"}
    said = [
        verdict.standing(Wave(**now, counted_digest=counted, differs_digest=differs))
        for counted, differs in (("now", ""), ("", "now"), ("old", "old"), ("", ""))
    ]
    assert said == ["agrees", "differs", "not finished", "not finished"]
    assert verdict.standing(Wave()) == "not finished"


def test_x14_a_verdict_about_other_content_is_none(wave):
    recorded(wave, DIFFERS, "0" * 64)
    assert (wave.count_problems, wave.counted_at, verdict.is_due(wave)) == ([], None, True)


@pytest.mark.parametrize("digest", ["", "0" * 64])
def test_x14_the_database_refuses_an_approval_that_was_not_counted(wave, digest):
    values = {"approved_by": person("bob"), "approved_digest": wave.content_digest}
    with pytest.raises(IntegrityError, match="wave_approval_was_counted"), transaction.atomic():
        Wave.objects.filter(pk=wave.pk).update(
            state=WaveState.APPROVED, counted_digest=digest, **values
        )
    Wave.objects.filter(pk=wave.pk).update(
        state=WaveState.APPROVED, counted_digest=wave.content_digest, **values
    )


def test_x14_the_database_refuses_two_verdicts_about_one_content(wave):
    with pytest.raises(IntegrityError, match="wave_count_has_one_verdict"), transaction.atomic():
        Wave.objects.filter(pk=wave.pk).update(counted_digest="a", differs_digest="a")
