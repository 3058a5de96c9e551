"""Each registration is acceptable or has one reason: the first that applies. [C-2, C-4]"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from campaigns.choices import Reason
from campaigns.formats.registration_columns import of_file
from campaigns.formats.registration_records import COLUMNS
from campaigns.registrations.judging import RegistrationRules, judge
from tests.campaigns.scoring.test_outcomes import RULES
from tests.support.campaigns import registration_row

OPENS, CLOSES = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 10, tzinfo=UTC)
MARKETS = ["west", "east"]


def reason(opens: datetime | None = OPENS, closes: datetime | None = CLOSES, **fields: str):
    row = registration_row(1, **fields)
    chunk = of_file([1], [row], COLUMNS, "C1")
    judged = judge(chunk, RegistrationRules(RULES, MARKETS, opens, closes))
    return judged.rejected["reason"].item() if judged.rejected.height else None


@pytest.mark.parametrize(
    ("at", "outside"),
    [
        ("2026-01-01T00:00:00Z", False),
        ("2025-12-31T23:59:59.999Z", True),
        ("2026-01-10T01:00:00+01:00", False),
        ("2026-01-10T00:00:00.000001Z", True),
    ],
)
def test_c2_a_registration_outside_the_window_is_rejected(at, outside):
    assert reason(registered_at=at) == (Reason.OUTSIDE_WINDOW if outside else None)


def test_c2_an_end_of_the_window_that_is_not_set_bounds_nothing():
    early, late = {"registered_at": "2025-06-01T00:00:00Z"}, {"registered_at": "2026-06-01T00:00Z"}
    assert [reason(None, **early), reason(None, **late)] == [None, Reason.OUTSIDE_WINDOW]
    assert [reason(closes=None, **early), reason(closes=None, **late)] == [
        Reason.OUTSIDE_WINDOW,
        None,
    ]


def test_c2_the_window_is_asked_of_the_registration_and_not_of_its_later_change():
    assert reason(date_created="2026-03-01T00:00:00Z") is None


def test_c4_the_window_comes_behind_contacts_and_before_markets():
    late = {"registered_at": "2026-06-01T00:00:00Z"}
    assert reason(**late, email="x@bad.example") == Reason.BLACKLISTED_DOMAIN
    assert reason(**late, market_preferences="atlantis") == Reason.OUTSIDE_WINDOW
    assert reason(market_preferences="atlantis") == Reason.UNKNOWN_MARKET


@pytest.mark.parametrize("name", ["registered_at", "date_created"])
@pytest.mark.parametrize(
    ("date", "broken"),
    [
        ("9999-12-31T23:59:59Z", True),
        ("2201-01-01T00:00:00Z", True),
        ("2200-12-31T23:59:59Z", False),
        ("2000-01-01T00:00:00Z", False),
        ("1999-12-31T23:59:59Z", True),
        ("0001-01-01T00:00:00+01:00", True),
    ],
)
def test_c2_a_date_outside_2000_to_2200_makes_the_row_malformed(name, date, broken):
    assert reason(None, None, **{name: date}) == (Reason.MALFORMED_ROW if broken else None)
