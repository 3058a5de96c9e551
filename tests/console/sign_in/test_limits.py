"""How often a password may be guessed, and how long the next try waits. Pure. [O-7]"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from console.sign_in.limits import (
    ACCOUNT,
    ADDRESS,
    PLACE,
    Counter,
    Counters,
    next_try_at,
    waiting_time,
    with_failure,
)

NOW = datetime(2026, 1, 20, 12, 0, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def failed(times: int, limit, *, last_at: datetime = NOW) -> Counter:
    counter = Counter()
    for _ in range(times):
        counter = with_failure(counter, limit, last_at)
    return counter


def test_o7_the_fifth_failure_in_a_place_blocks_it_for_a_quarter_of_an_hour():
    four, five = failed(4, PLACE), failed(5, PLACE)
    assert next_try_at(Counters(place=four), NOW) is None
    assert next_try_at(Counters(place=five), NOW) == NOW + 15 * MINUTE
    assert next_try_at(Counters(place=five), NOW + 15 * MINUTE) is None


def test_o7_failures_that_are_older_than_the_window_do_not_add_up():
    counter = failed(4, PLACE)
    assert with_failure(counter, PLACE, NOW + 14 * MINUTE).failures == 5
    assert with_failure(counter, PLACE, NOW + 15 * MINUTE).failures == 1
    assert with_failure(failed(5, PLACE), PLACE, NOW + 15 * MINUTE).failures == 1


def test_o7_an_address_that_tries_many_user_names_is_blocked_for_a_new_one():
    counters = Counters(place=Counter(), address=failed(20, ADDRESS), account=Counter())
    assert next_try_at(counters, NOW) == NOW + 15 * MINUTE


def test_o7_an_account_that_is_guessed_at_leaves_each_new_place_one_try_a_day():
    """Whoever types the right password at a new browser still gets in."""
    guessed = failed(30, ACCOUNT)
    clean = Counters(place=Counter(), address=Counter(), account=guessed)
    failed_once = Counters(place=failed(1, PLACE), address=failed(1, ADDRESS), account=guessed)
    assert next_try_at(clean, NOW) is None
    assert next_try_at(failed_once, NOW) == NOW + DAY
    assert next_try_at(failed_once, NOW + timedelta(hours=1)) is None  # nobody guesses any more


def test_o7_a_known_browser_answers_for_itself_alone():
    """It has neither address nor account: only its own failures count."""
    assert next_try_at(Counters(place=failed(4, PLACE)), NOW) is None


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "1 minute"),
        (61, "2 minutes"),
        (900, "15 minutes"),
        (7_200, "2 hours"),
        (86_399, "24 hours"),
    ],
)
def test_o7_the_waiting_time_is_said_in_words_and_never_too_short(seconds, text):
    assert waiting_time(seconds) == text
