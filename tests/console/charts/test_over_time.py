"""Counts over time say the same as a picture, in words and as a table. [O-3]"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from console.charts.over_time import Reading, lines

FIRST = datetime(2026, 3, 14, 15, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)
NAMES = {"sent": "Sent", "failed": "Failed"}
READINGS = [
    Reading(FIRST, FIRST + HOUR, {"sent": 0}),
    Reading(FIRST + 2 * HOUR, FIRST + 3 * HOUR, {"sent": 500, "failed": 20}),
    Reading(FIRST + 4 * HOUR, FIRST + 4 * HOUR, {"sent": 1_000, "failed": 20}),
]


def drawn(readings=READINGS) -> str:
    return str(lines(NAMES, readings, ident="sms", title="SMS"))


def test_o3_a_line_is_level_while_nothing_changed_and_in_proportion():
    points = re.findall(r'<polyline points="([^"]+)"', drawn())
    assert len(points) == 2
    sent = [tuple(map(float, point.split(","))) for point in points[0].split()]
    assert [x for x, _ in sent] == [0, 250, 500, 750, 1_000]
    heights = [96 - y for _, y in sent]
    assert heights[:2] == [0, 0]
    assert heights[2] == heights[3] == heights[4] / 2 > 0


def test_o3_a_picture_has_its_legend_its_meaning_and_its_numbers():
    html = drawn()
    assert "Failed <b>20</b>" in html
    assert "Sent: 0 at 14 Mar 2026, 15:05, 1,000 at 14 Mar 2026, 19:05" in html
    rows = re.findall(r'<th scope="row">([^<]+)</th>(.*?)</tr>', html)
    assert [when for when, _ in rows] == [f"14 Mar 2026, {hour}:05" for hour in ("19", "17", "15")]
    assert 'data-label="Sent">1,000</td>' in rows[0][1]
    assert "style=" not in html


def test_o3_hours_are_written_below_short_spans_and_days_below_long_ones():
    assert ">15:05</text>" in drawn()
    long = [READINGS[0], Reading(FIRST + 72 * HOUR, FIRST + 72 * HOUR, {"sent": 1})]
    assert ">17 Mar</text>" in drawn(long)


def test_o3_one_reading_is_a_line_that_is_seen_and_none_is_a_sentence():
    assert 'points="0.0,8.0 1000.0,8.0"' in drawn(READINGS[2:])
    assert drawn([]) == '<p class="fw-soft">SMS: nothing was saved in this time.</p>'
    assert 'points="0.0,96.0 1000.0,96.0"' in drawn([Reading(FIRST, FIRST, {})])
