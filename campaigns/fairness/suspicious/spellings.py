"""One contact in many spellings: Gmail's dots, `+tags`, googlemail.com for gmail.com. [X-13, S-6]

A family may share a mailbox with a tag for each of them, and people register twice. So a contact is
judged by the other contacts of the file: how many have a second spelling, and how many of these a
third. Each further one is taken to be as likely as the third.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from campaigns.choices import SuspiciousKind
from campaigns.fairness.suspicious.groups import (
    FEWEST_FANS,
    Group,
    lines_of,
    log_limit,
    log_looks,
)

# What is assumed before the first contact is counted: of ten that have two, one has a third.
BEFORE, BEFORE_THIRD = 10, 1
KIND_ALONE: Final = 1  # the expected number of contacts counts all that were looked at


def many_spellings(mail: pl.DataFrame) -> list[Group]:
    """The groups that are named. `mail`: of `Traits`."""
    ordered = mail["contact"].sort()
    again = ordered == ordered.shift(1)
    # several spellings are of several fans
    shared = ordered.filter(again).unique()
    spelled = mail.filter(pl.col("contact").is_in(shared.implode()))
    contacts = spelled.group_by("contact").agg(pl.col("spelling").n_unique().cast(pl.Int64))
    usual = contacts["spelling"].filter(contacts["spelling"] < FEWEST_FANS)
    second, third = int((usual >= 2).sum()), int((usual >= 3).sum())
    log_third = np.log((third + BEFORE_THIRD) / (second + BEFORE))
    # of all contacts, how many have as many spellings or more
    log_p = np.log(second + 1) + (pl.col("spelling") - 2) * log_third
    odd = contacts.filter(pl.col("spelling") >= FEWEST_FANS).with_columns(log_p.alias("log_p"))
    odd = odd.filter(pl.col("log_p") <= log_limit(KIND_ALONE))
    expected = mail.height / max(mail.height - int(again.sum()), 1)
    return [
        Group(
            SuspiciousKind.SPELLINGS,
            lines_of(spelled.filter(pl.col("contact") == contact)),
            expected,
            log_p + log_looks(KIND_ALONE),
            {"spellings": spellings},
        )
        for contact, spellings, log_p in odd.iter_rows()
    ]
