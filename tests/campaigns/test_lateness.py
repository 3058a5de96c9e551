"""When luck can be known, and what is late therefore. [S-8]"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from campaigns.lateness import LuckKnown

NOON = datetime(2026, 1, 20, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
NO_SOURCE = LuckKnown(
    has_source=False, public_at=None, is_entered=False, entered_at=None, first_drawn_at=None
)
SOURCE = replace(NO_SOURCE, has_source=True, public_at=NOON)


@pytest.mark.parametrize(
    ("known", "since"),
    [
        (NO_SOURCE, None),
        (replace(NO_SOURCE, first_drawn_at=NOON), NOON),
        (SOURCE, NOON),
        (replace(SOURCE, is_entered=True, entered_at=NOON + HOUR), NOON),
        (replace(SOURCE, is_entered=True, entered_at=NOON - HOUR), NOON - HOUR),
        (replace(SOURCE, public_at=None), None),
        (replace(SOURCE, public_at=None, is_entered=True, entered_at=NOON), NOON),
        # the first draw says nothing that the value did not say before
        (replace(SOURCE, first_drawn_at=NOON - HOUR), NOON),
    ],
)
def test_luck_can_be_known_from_the_earlier_of_the_sources_time_and_the_entry_on(known, since):
    assert known.since == since


@pytest.mark.parametrize(
    ("known", "now", "late"),
    [
        (NO_SOURCE, NOON, False),
        (replace(NO_SOURCE, first_drawn_at=NOON), NOON + HOUR, True),
        (SOURCE, NOON - HOUR, False),
        (SOURCE, NOON, True),
        (replace(SOURCE, public_at=None), NOON, False),
        (replace(SOURCE, public_at=None, is_entered=True), NOON, True),
    ],
)
def test_late_is_what_comes_after_that(known, now, late):
    assert known.is_late(now) is late


def test_what_has_happened_is_late_whatever_a_clock_says():
    drawn = replace(NO_SOURCE, first_drawn_at=NOON)
    entered = replace(SOURCE, is_entered=True, entered_at=NOON)
    assert all(known.is_late(NOON - 2 * HOUR) for known in (drawn, entered))
