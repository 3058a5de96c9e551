"""Times are typed and shown in a campaign's zone and kept in UTC. [C-1]"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django import forms

from operations.adminkit.wall_clock import WallClockField, use_zone

NEW_YORK, LOS_ANGELES = ZoneInfo("America/New_York"), ZoneInfo("America/Los_Angeles")
# the second 01:30 of that night, with the seconds that no box shows
STORED = datetime(2026, 11, 1, 6, 30, 15, 250_000, tzinfo=UTC)


class Clock(forms.Form):
    at = WallClockField(help_text="Fans who come later wait.", required=False)


def clock(typed: str | None = None, **zones: Any) -> Clock:
    form = Clock(None if typed is None else {"at": typed}, initial={"at": STORED})
    use_zone(form, zones.pop("zone", NEW_YORK), **zones)
    return form


def test_the_box_shows_the_zones_clock_and_names_the_zone():
    form = clock()
    assert form["at"].value() == "2026-11-01T01:30:15"
    assert form["at"].help_text == "Fans who come later wait. New York time (America/New_York)"


@pytest.mark.parametrize("typed", ["2026-01-18T07:30", "2026-01-18 07:30:00", " 2026-01-18T07:30 "])
def test_what_is_typed_is_that_clock_and_is_kept_in_utc(typed):
    form = clock(typed)
    assert form.is_valid()
    assert form.cleaned_data["at"] == datetime(2026, 1, 18, 12, 30, tzinfo=UTC)
    assert form.has_changed()


def test_a_time_that_comes_back_as_it_was_shown_is_as_it_was_though_clocks_show_it_twice():
    form = clock("2026-11-01T01:30:15")
    assert form.is_valid()
    assert form.cleaned_data["at"] == STORED
    assert not form.has_changed()


def test_with_another_zone_the_same_clock_is_another_instant():
    form = clock("2026-01-18T07:30", zone=LOS_ANGELES, shown=NEW_YORK)
    assert form.is_valid()
    assert form.cleaned_data["at"] == datetime(2026, 1, 18, 15, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("2026-03-08T02:30", "The clocks in New York never show 8 Mar 2026, 02:30"),
        ("soon", "Enter a date and a time, such as 2026-01-18 12:00, without a time zone."),
        ("2026-01-18T12:00:00Z", "without a time zone"),
        ("2026-02-30 12:00", "Enter a date and a time"),
        ("9999-12-31T23:59", "The year 9999 is not allowed"),
    ],
)
def test_what_is_no_time_of_that_clock_is_explained_beside_the_box(typed, said):
    assert said in clock(typed).errors["at"][0]


def test_an_empty_box_is_no_time():
    form = clock("")
    assert form.is_valid()
    assert form.cleaned_data["at"] is None
