"""The second count as a job. [X-14]"""

from __future__ import annotations

import pytest

from tests.support.waves import NOW, approve, campaign_with, counted, person, request
from waves.choices import WaveState
from waves.models import Wave
from waves.preparation.prepare import prepare
from waves.second_count import count

pytestmark = pytest.mark.django_db


@pytest.fixture
def wave() -> Wave:
    return prepare(request(campaign_with(12)), by=person("ann"), now=NOW).wave


def test_x14_a_wave_that_was_counted_can_be_approved(wave):
    counted(wave)
    assert (wave.count_problems, wave.counted_digest) == ([], wave.content_digest)
    assert (
        approve(wave, by=person("bob"), digest=wave.content_digest, now=NOW).state
        == WaveState.APPROVED
    )


def test_process(wave):
    count.count_here(wave)
    assert (wave.count_problems, wave.counted_digest) == ([], wave.content_digest)
