"""Failed sign-ins are counted in rows, by the database's clock. [O-7]

An attempt is counted as failed before the password is looked at, and forgiven when it was right: so
guesses that come at the same time do not pass the limit together. An attempt that has to wait is
not counted, so waiting always ends. Rows and logs hold neither user names nor addresses, only keyed
digests. Strangers are counted by what they type, so neither whether a user exists nor whose an
e-mail address is makes a difference.
"""

from __future__ import annotations

import logging
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils.crypto import salted_hmac

from console.models import SignInCounter
from console.sign_in import limits
from console.sign_in.limits import Counter, Counters, Limit
from operations.errors import Refusal

logger = logging.getLogger(__name__)
FORGOTTEN = "If you forgot your password, an administrator can send you a new link."


class TooManyAttempts(Refusal):
    """The next try has to wait this many seconds."""

    is_transient = True

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        wait = limits.waiting_time(seconds)
        super().__init__(f"Too many failed attempts. Try again in {wait}. {FORGOTTEN}")


@dataclass(frozen=True)
class Attempt:
    """The keys under which an attempt is counted; address and account are empty at a known
    browser.
    """

    place: str
    address: str = ""
    account: str = ""

    def limits(self) -> dict[str, Limit]:
        """Key → its limit."""
        found = {
            self.place: limits.PLACE,
            self.address: limits.ADDRESS,
            self.account: limits.ACCOUNT,
        }
        return {key: limit for key, limit in found.items() if key}


def account_key(typed: str) -> str:
    """However its letters are written."""
    return _key("account", unicodedata.normalize("NFKC", typed).casefold())


def attempt_at(account: str, *, address: str, browser: str | None) -> Attempt:
    """An attempt to sign in to an account from an address, or with a browser known to it."""
    if browser is not None:
        return Attempt(place=_key("browser", account, browser))
    return Attempt(
        place=_key("place", account, address), address=_key("address", address), account=account
    )


def begin(attempt: Attempt, *, account: str) -> None:
    """Count the attempt as failed. Raises TooManyAttempts, and counts nothing, if it must wait."""
    wanted = attempt.limits()
    with transaction.atomic():
        rows, now = _locked(wanted, account)
        counters = {key: Counter(row.failures, row.since, row.last_at) for key, row in rows.items()}
        found = Counters(
            counters[attempt.place], counters.get(attempt.address), counters.get(attempt.account)
        )
        if (until := limits.next_try_at(found, now)) is not None:
            raise TooManyAttempts((until - now).total_seconds())
        for key, row in rows.items():
            after = limits.with_failure(counters[key], wanted[key], now)
            row.failures, row.since, row.last_at = after.failures, after.since, after.last_at
            row.save(update_fields=["failures", "since", "last_at"])
            if after.failures == wanted[key].failures:
                logger.warning("failed sign-ins reached a limit", extra={"counter": row.pk})


def forgive(attempt: Attempt) -> None:
    """The password was right. Each statement stands alone, so that it waits for nobody in a
    circle.
    """
    SignInCounter.objects.filter(key=attempt.place).delete()
    for key in filter(None, (attempt.address, attempt.account)):
        SignInCounter.objects.filter(key=key, failures__gt=0).update(failures=F("failures") - 1)


def failures_of(*typed: str) -> int:
    """How many failed sign-ins with this user name or address are remembered, at most a day old."""
    accounts = [account_key(each) for each in typed]
    rows = SignInCounter.objects.filter(account__in=accounts, last_at__gt=_oldest())
    return sum(rows.exclude(key__in=accounts).values_list("failures", flat=True))


def forget(*typed: str) -> None:
    """Let whoever signs in with one of these try again from everywhere."""
    SignInCounter.objects.filter(account__in=[account_key(each) for each in typed]).delete()


def prune_failed_sign_ins() -> int:
    """Delete the counters that say nothing any more. Returns how many."""
    return SignInCounter.objects.filter(last_at__lt=_oldest()).delete()[0]


def _oldest() -> object:
    return Now() - limits.KEPT


def _locked(keys: Iterable[str], account: str) -> tuple[dict[str, SignInCounter], datetime]:
    """The rows of these keys, made where they are missing and locked in the order of the keys, and
    the time.
    """
    SignInCounter.objects.bulk_create(
        [SignInCounter(key=key, account=_owner(key, account)) for key in sorted(keys)],
        update_conflicts=True,
        unique_fields=["key"],
        update_fields=["account"],
    )
    rows = list(SignInCounter.objects.filter(key__in=list(keys)).annotate(now=Now()))
    return {row.key: row for row in rows}, rows[0].now


def _owner(key: str, account: str) -> str:
    """An address belongs to no account."""
    return "" if key.startswith("address:") else account


def _key(kind: str, *parts: str) -> str:
    digest = salted_hmac(f"fairwave.sign_in.{kind}", "\0".join(parts), algorithm="sha256")
    return f"{kind}:{digest.hexdigest()}"
