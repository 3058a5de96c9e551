"""What is read of each fan: once, and no join that can find nobody. [W-5]"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from campaigns.models import Campaign, Registrant
from operations.database.statements import run
from tests.support.waves import NOW, campaign_with, phone, request
from waves.choices import Channel, SuppressedBy
from waves.preparation.prepare import prepare
from waves.selection.reading import SCHEMA, Reading
from waves.suppression.contacts import Contact
from waves.suppression.suppressed import Ground, suppress

pytestmark = pytest.mark.django_db

JOINS = ("waves_member", "waves_suppression")
ODD_INSTANTS = [
    datetime(2198, 12, 31, 23, 59, 59, 999_999, UTC),
    datetime(2000, 1, 1, tzinfo=UTC) - timedelta(microseconds=1),
    datetime(1999, 12, 31, 0, 0, 0, 1, UTC),
    datetime(2026, 1, 18, 11, 59, 59, 123_457, UTC),
]


def read(campaign: Campaign, **options) -> tuple[Reading, pl.DataFrame]:
    assert campaign.active_score_file is not None
    reading = Reading.of(campaign.active_score_file, wave_id=None, **options)
    frames = [reading.columns_of(frame) for frame in reading.frames()]
    return reading, pl.concat(frames).sort("global_user_id")


def test_w5_waves_and_suppressed_contacts_are_joined_where_there_are_some(ann):
    campaign = campaign_with(3, {"west": 1})
    reading, before = read(campaign)
    assert [join for join in JOINS if join in reading.query] == []
    wave = prepare(request(campaign), by=ann, now=NOW).wave
    suppress([Contact(Channel.SMS, phone(2))], Ground(SuppressedBy.STOP, campaign))
    reading, after = read(campaign)
    assert [join for join in JOINS if join in reading.query] == [*JOINS]
    first = wave.members.get().global_user_id
    found = {
        "in_wave": before["global_user_id"] == first,
        "phone_suppressed": before["phone"] == phone(2),
    }
    assert after.equals(before.with_columns(found[name].alias(name) for name in found))
    assert before.schema == after.schema == SCHEMA


def test_w5_dates_are_read_to_the_microsecond(ann):
    campaign = campaign_with(4)
    fans = Registrant.objects.filter(campaign=campaign).order_by("global_user_id")
    for fan, moment in zip(fans, ODD_INSTANTS, strict=True):
        run(
            "UPDATE campaigns_registrant SET registered_at = %(at)s, changed_at = %(at)s"
            " WHERE id = %(fan)s",
            at=moment,
            fan=fan.pk,
        )
    _, found = read(campaign, anybody_erased=True)
    for name in ("registered_us", "changed_us"):
        assert found[name].cast(pl.Datetime("us", "UTC")).to_list() == ODD_INSTANTS
    _, found = read(campaign)
    assert found["changed_us"].null_count() == 4
