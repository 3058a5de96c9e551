"""What a prepared wave has and what it has not, however it came about."""

from __future__ import annotations

import pytest

from tests.support.waves import NOW, approve, campaign_with, members_of, person, request
from tests.waves.uploads.lists import row, uploaded
from waves.approval import back_to_configured
from waves.models import Wave
from waves.preparation.prepare import prepare

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("kind", ["drawn", "uploaded"])
def test_x5_a_wave_that_is_prepared_anew_has_nothing_of_its_earlier_approval_and_count(kind):
    campaign, ann = campaign_with(4, {"west": 3}), person("ann")

    def made() -> Wave:
        if kind == "uploaded":
            return uploaded(campaign, [row(0), row(1)], by=ann)
        return prepare(request(campaign), by=ann, now=NOW).wave

    wave = made()
    first, digest = members_of(wave), wave.content_digest
    wave = approve(wave, by=person("bob"), digest=digest, now=NOW)
    back_to_configured(wave, by=person("root"), reason="again")
    Wave.objects.update(counted_digest="old", error="old", waiver="old", approved_digest="old")
    again = made()
    assert members_of(again) == first
    assert (again.state, again.selected, again.prepared_by) == ("prepared", len(first), ann)
    assert (again.counted_digest, again.error, again.waiver, again.approved_digest) == ("",) * 4
    assert again.content_digest == digest
    assert again.wave_markets.count() == 1
