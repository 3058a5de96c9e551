"""An address judged by given lists."""

from __future__ import annotations

import polars as pl

from campaigns.contacts.emails import (
    EmailRules,
    check_emails,
)
from tests.campaigns.contacts.email_samples import BLACKLIST, DISPOSABLE, WHITELIST

RULES = EmailRules.compile(blacklist=BLACKLIST, whitelist=WHITELIST, disposable=DISPOSABLE)


NO_LISTS = EmailRules.compile(blacklist=[], whitelist=[])


def judged(
    written: str | None, rules: EmailRules = NO_LISTS
) -> tuple[str | None, str | None, str | None]:
    """Stored form, tag and reason of one address."""
    return check_emails(pl.Series([written], dtype=pl.String), rules).row(0)


def reason(written: str, **lists: list[str]) -> str | None:
    return judged(written, EmailRules.compile(**{"blacklist": [], "whitelist": [], **lists}))[2]
