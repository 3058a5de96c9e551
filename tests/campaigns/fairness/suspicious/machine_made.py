"""A small score file in which a machine was at work. [X-13]"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from campaigns.models import ScoreFile
from tests.support.campaigns import (
    import_registrations,
    make_campaign,
    process_scores,
    registration_row,
    score_file_bytes,
    score_row,
)

BEGIN = datetime(2026, 1, 5, tzinfo=UTC)
PHONES = 12


def processed(**options: Any) -> ScoreFile:
    """Fans 1 to 100 are people, 101 to 140 have running digits, 141 to 160 one mailbox. Of the
    people, 1 to 12 have consecutive phone numbers. 81 to 120 registered within 20 seconds, the other
    registrants, 1 to 80, about an hour apart; 121 to 160 never did.
    """
    campaign = make_campaign(**options)
    moment = {n: BEGIN + timedelta(minutes=61 * n, seconds=n) for n in range(1, 81)} | {
        n: BEGIN + timedelta(hours=40, seconds=n // 2) for n in range(81, 121)
    }
    import_registrations(
        campaign,
        [
            registration_row(n, email=_email(n), registered_at=at.isoformat())
            for n, at in moment.items()
        ],
    )
    rows = [score_row(n, tmemail=_email(n), sms=_phone(n)) for n in range(1, 161)]
    return process_scores(campaign, score_file_bytes(rows))


def _email(number: int) -> str:
    if number <= 100:
        return f"person{'abcdefghij'[number % 10]}{'klmnopqrst'[number // 10 % 10]}@mail{number % 40}.example"
    if number <= 140:
        return f"ticketbot{number:03d}@gmail.com"
    return f"annab+{number}@gmail.com"


def _phone(number: int) -> str:
    return f"+1206555{100 + number:04d}" if number <= PHONES else ""
