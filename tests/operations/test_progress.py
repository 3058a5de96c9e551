"""How fast work goes and how long it will take, in words. [O-1]"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations.progress import Pace, duration, estimate, milestone, rounded, sentence, spoken

COUNTS = st.integers(0, 10**12)
TIMES = st.floats(0, 4e9, allow_nan=False)
PACES = st.builds(
    Pace,
    step=st.sampled_from(["", "Judging rows"]),
    first=COUNTS,
    rows=COUNTS,
    samples=st.lists(st.tuples(TIMES, COUNTS), max_size=4).map(tuple),
)


def pace(*samples: tuple[float, int], **values: object) -> Pace:
    return Pace(**({"step": "Judging rows", "rows": 2_000_000} | values), samples=samples)


def test_step_count_speed_and_time_left_make_one_sentence():
    said = sentence(pace((100.0, 300_000)), now=110.0, progress=1_200_000, total=2_000_000)
    assert (
        said
        == "Judging rows: 1.2 million of 2 million rows, 90,000 per second, about 9 seconds left"
    )


def test_the_time_left_is_that_of_the_whole_job_and_the_rows_are_the_steps():
    """Half a million rows are judged, then published: a million units of work."""
    said = sentence(pace((100.0, 0), rows=500_000), now=110.0, progress=250_000, total=1_000_000)
    assert said == "Judging rows: 250,000 of 500,000 rows, 25,000 per second, about 30 seconds left"
    publishing = pace((100.0, 500_000), step="Writing files", first=500_000, rows=500_000)
    said = sentence(publishing, now=102.0, progress=600_000, total=1_000_000)
    assert said == "Writing files: 100,000 of 500,000 rows, 50,000 per second, about 8 seconds left"


def test_a_night_that_a_job_was_paused_for_does_not_make_it_slow():
    """The attempt that goes on begins with a look of its own."""
    found = estimate(pace((40_000.0, 1_000)), now=40_010.0, progress=2_000, total=3_000)
    assert (found.per_second, found.seconds_left) == (100, 10)


def test_a_step_that_counts_nothing_is_only_named():
    assert (
        sentence(Pace("Reading the file", samples=((0.0, 0),)), now=9.0, progress=0, total=0)
        == "Reading the file"
    )
    assert (
        sentence(Pace("Closing", samples=((0.0, 5),)), now=9.0, progress=900, total=1_000)
        == "Closing"
    )


def test_work_without_named_steps_counts_them():
    assert sentence(Pace(), now=9.0, progress=3, total=5) == "3 of 5 steps"
    assert sentence(Pace(), now=9.0, progress=3, total=0) == "3 steps"
    assert sentence(Pace(), now=9.0, progress=0, total=0) == ""


@pytest.mark.parametrize(
    ("samples", "now", "progress", "why"),
    [
        ((), 10.0, 500, "nobody looked yet"),
        (((9.5, 0),), 10.0, 500, "half a second is no measure"),
        (((5.0, 500),), 10.0, 500, "nothing moved"),
        (((5.0, 600),), 10.0, 500, "it began again"),
        (((99.0, 0),), 10.0, 500, "the worker's clock is ahead"),
    ],
)
def test_no_speed_is_said_where_none_is_known(samples, now, progress, why):
    found = estimate(pace(*samples), now=now, progress=progress, total=1_000)
    assert (found.per_second, found.seconds_left) == (0, None), why


def test_a_handful_of_unlike_steps_has_no_speed():
    assert estimate(pace((0.0, 0)), now=10.0, progress=3, total=5).per_second == 0


@given(PACES, TIMES, COUNTS, COUNTS)
def test_an_estimate_is_never_negative_and_always_has_words(kept, now, progress, total):
    found = estimate(kept, now=now, progress=progress, total=total)
    assert found.per_second >= 0
    assert found.seconds_left is None or found.seconds_left >= 0
    said = sentence(kept, now=now, progress=progress, total=total)
    assert "-" not in said
    assert said.startswith(kept.step)


@given(PACES)
def test_what_is_kept_reads_back_the_same(kept):
    assert Pace.from_json(kept.as_json()) == kept


def test_what_an_older_worker_kept_reads_as_nothing_known():
    assert Pace.from_json({}) == Pace()


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "almost finished"),
        (1.4, "almost finished"),
        (1.6, "about 2 seconds left"),
        (9.2, "about 9 seconds left"),
        (33, "about 35 seconds left"),
        (59, "about 1 minute left"),
        (150, "about 2 minutes left"),
        (3500, "about 1 hour left"),
        (7300, "about 2 hours left"),
        (100_000, "about 28 hours left"),
        (200_000, "about 2 days left"),
        (1e12, "more than two months left"),
    ],
)
def test_time_left_is_said_as_people_say_it(seconds, words):
    assert duration(seconds) == words


@given(st.floats(0, 1e9), st.floats(0, 1e9))
def test_longer_is_never_said_to_be_nearly_done(one, other):
    short, long = sorted((one, other))
    assert duration(long) != "almost finished" or duration(short) == "almost finished"


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "0"),
        (999_999, "999,999"),
        (1_000_000, "1 million"),
        (1_999_999, "1.9 million"),
        (12_345_678_901, "12,345.6 million"),
    ],
)
def test_large_numbers_are_spoken_in_millions_and_never_exaggerated(number, words):
    assert spoken(number) == words


@pytest.mark.parametrize(
    ("speed", "words"),
    [
        (0.4, "0.4"),
        (3.0, "3"),
        (42.6, "43"),
        (93_512.0, "94,000"),
        (99_999.0, "100,000"),
        (1_230_000.0, "1.2 million"),
    ],
)
def test_a_speed_has_two_digits(speed, words):
    assert rounded(speed) == words


def test_a_screen_reader_hears_of_each_step_and_each_tenth():
    judging = Pace("Judging rows")
    heard = [milestone(judging, percent=percent) for percent in range(100)]
    assert len(set(heard)) == 10
    assert milestone(Pace("Writing files"), percent=99) not in heard
