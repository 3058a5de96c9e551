"""The rate of a wave as lines. [N-2, N-7]"""

from __future__ import annotations

import pytest

from console.charts.sending import MOST_POINTS, line_chart, present_rate, rates

AT = 1_790_000_000
TITLES = {"sms": "SMS", "email": "E-mail"}


def test_a_short_wave_has_a_point_a_second_and_the_second_that_runs_is_left_out():
    found = rates({"sms": {AT: 3, AT + 2: 5, AT + 3: 1}, "email": {AT + 1: 2}}, until=AT + 3)
    assert (found.first, found.width) == (AT, 1)
    assert found.of == {"sms": (3, 0, 5), "email": (0, 2, 0)}


def test_while_nothing_is_sent_any_more_the_line_falls_to_zero_until_sending_is_over():
    counts = {"sms": {AT: 3}, "email": {}}
    assert rates(counts, until=AT + 4).of["sms"] == (3, 0, 0, 0)
    assert rates(counts, until=None).of["sms"] == (3,)


@pytest.mark.parametrize(
    ("seconds", "width"),
    [(MOST_POINTS, 1), (MOST_POINTS + 1, 10), (1_201, 60), (7_201, 600), (90_000, 3_600)],
)
def test_a_longer_wave_has_longer_intervals_and_no_message_is_lost(seconds, width):
    counts = {AT + second: 2 for second in range(seconds)}
    found = rates({"sms": counts}, until=None)
    assert found.width == width
    assert len(found.of["sms"]) <= MOST_POINTS
    assert sum(found.of["sms"]) * width == pytest.approx(2 * seconds)
    assert found.of["sms"][0] == 2


def test_an_interval_that_is_not_over_is_left_out_while_sending_goes_on():
    counts = {"sms": {AT + second: 1 for second in range(125)}}
    assert len(rates(counts, until=AT + 125).of["sms"]) == 12
    assert len(rates(counts, until=None).of["sms"]) == 13


def test_nothing_is_drawn_before_something_was_sent():
    assert rates({"sms": {}, "email": {}}, until=AT) is None


def test_the_present_rate_is_that_of_the_last_ten_seconds_or_since_the_first_message():
    assert present_rate({AT: 100, AT + 15: 30, AT + 20: 99}, until=AT + 20) == 3
    assert present_rate({AT: 8, AT + 1: 4}, until=AT + 2) == 6
    assert present_rate({AT: 8}, until=AT + 60) == 0
    assert present_rate({AT: 8}, until=AT) == 0
    assert present_rate({}, until=AT) == 0


def test_each_channel_that_sent_something_has_its_line_and_words_say_the_same():
    html = line_chart(
        rates({"sms": {AT: 3, AT + 1: 6}, "email": {}}, until=None), TITLES, with_numbers=True
    )
    assert html.count("<polyline") == 1
    assert 'points="0.0,52.0 1000.0,8.0"' in html
    assert "SMS: at most 6, last 6" in html
    assert "E-mail" not in html
    assert "in intervals of 1 second." in html
    assert "<details>" in html
    assert "style=" not in html


def test_a_picture_that_is_drawn_anew_every_moment_has_no_table_to_open():
    found = rates({"sms": {AT: 3}}, until=None)
    assert "<details>" not in line_chart(found, TITLES, with_numbers=False)
