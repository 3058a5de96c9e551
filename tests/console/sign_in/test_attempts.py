"""Failed sign-ins are rows, counted before the password is looked at. [O-7]"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.db.models import F

from console import tasks
from console.models import SignInCounter
from console.sign_in import attempts
from console.sign_in.attempts import Attempt, TooManyAttempts, account_key, attempt_at
from operations.errors import Refusal
from tests.support.connections import elsewhere
from tests.support.waiting import wait_until

ANNA = account_key("anna")


def at(address: str, account: str = ANNA, browser: str | None = None) -> Attempt:
    return attempt_at(account, address=address, browser=browser)


def fail(times: int, attempt: Attempt, account: str = ANNA) -> None:
    for _ in range(times):
        attempts.begin(attempt, account=account)


@pytest.mark.django_db
def test_o7_a_refused_attempt_is_not_counted_so_waiting_ends():
    fail(5, at("192.0.2.1"))
    before = list(SignInCounter.objects.order_by("pk").values())
    for _ in range(3):
        with pytest.raises(TooManyAttempts, match="Try again in 15 minutes"):
            attempts.begin(at("192.0.2.1"), account=ANNA)
    assert list(SignInCounter.objects.order_by("pk").values()) == before
    SignInCounter.objects.update(last_at=F("last_at") - timedelta(minutes=15))
    attempts.begin(at("192.0.2.1"), account=ANNA)


@pytest.mark.django_db
def test_o7_the_right_password_forgives_its_own_attempt_and_no_other():
    fail(4, at("192.0.2.1"))
    fail(2, at("192.0.2.2"))
    attempts.forgive(at("192.0.2.2"))
    left = dict(SignInCounter.objects.values_list("key", "failures"))
    assert at("192.0.2.2").place not in left
    assert (left[at("192.0.2.2").address], left[ANNA]) == (1, 5)
    assert left[at("192.0.2.1").place] == 4


@pytest.mark.django_db
def test_o7_rows_name_neither_users_nor_addresses():
    fail(1, at("192.0.2.1"))
    row = str(list(SignInCounter.objects.values()))
    assert "anna" not in row
    assert "192.0.2.1" not in row
    assert account_key("ANNA") == account_key("ａｎｎａ") == ANNA


@pytest.mark.django_db(transaction=True)
def test_o7_guesses_that_come_at_the_same_time_do_not_pass_the_limit_together():
    fail(4, at("192.0.2.1"))

    def guess() -> str:
        try:
            attempts.begin(at("192.0.2.1"), account=ANNA)
        except Refusal as refusal:
            return str(refusal)
        finally:
            connection.close()
        return "passed"

    with ThreadPoolExecutor(1) as thread:
        with transaction.atomic():
            attempts._locked(at("192.0.2.1").limits(), ANNA)  # read, not counted yet
            other = thread.submit(guess)
            wait_until(
                lambda: other.done() or elsewhere(_somebody_waits),
                "the second guess at the first one's rows",
            )
            attempts.begin(at("192.0.2.1"), account=ANNA)
        assert "Too many failed attempts" in other.result()


def _somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM pg_stat_activity WHERE datname = current_database()"
            " AND wait_event_type = 'Lock'"
        )
        return cursor.fetchone() is not None


@pytest.mark.django_db
def test_o7_what_says_nothing_any_more_is_pruned_each_hour():
    """The address limit bounds what comes until then."""
    fail(1, at("192.0.2.1"))
    SignInCounter.objects.update(last_at=F("last_at") - timedelta(days=1, minutes=1))
    fail(1, at("192.0.2.2", account_key("bob")), account_key("bob"))
    (run,) = tasks.SCHEDULED_RUNS
    assert (run.run, run.every) == (attempts.prune_failed_sign_ins, "hour")
    assert attempts.prune_failed_sign_ins() == 3
    assert SignInCounter.objects.count() == 3


@pytest.mark.django_db
def test_o7_an_administrator_can_let_a_user_try_again_at_once():
    fail(5, at("192.0.2.1"))
    fail(2, at("192.0.2.9", browser="b" * 32))
    by_email = account_key("anna@example.com")
    fail(5, at("192.0.2.1", by_email), by_email)
    assert attempts.failures_of("Anna", "anna@example.com") == 12
    attempts.forget("Anna", "anna@example.com")
    assert attempts.failures_of("anna", "anna@example.com") == 0
    for account in (ANNA, by_email):
        attempts.begin(at("192.0.2.1", account), account=account)
