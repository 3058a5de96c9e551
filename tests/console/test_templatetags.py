"""Filters of the templates."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

pytestmark = pytest.mark.django_db


def test_times_stand_in_utc_and_where_the_campaign_lives():
    from console.templatetags.console import moment

    at = datetime(2026, 1, 20, 2, 30, tzinfo=UTC)
    assert "20 Jan 2026, 02:30 UTC <span>(19 Jan 21:30 New York)</span>" in moment(
        at, "America/New_York"
    )
    assert "20 Jan 2026, 02:30 UTC" in moment(at, "UTC")
    assert "(" not in moment(at, "UTC")


def test_a_change_has_its_sign_and_none_is_said_in_words():
    from console.templatetags.console import signed

    assert [signed(change) for change in (1_234, -3, 0)] == ["+1,234", "−3", "no change"]
