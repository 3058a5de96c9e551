"""The form of a top-up and of a wave for fans who were not selected. [X-7, X-8]"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from console.new_wave.follow_up import FollowUpForm
from tests.support.waves import campaign_with, person

pytestmark = pytest.mark.django_db


def form_with(**data: str) -> FollowUpForm:
    campaign = campaign_with(0, time_zone="America/New_York")
    return FollowUpForm(data, campaign=campaign, by=person("ann"), with_rules=False)


def test_w1_the_date_key_is_the_first_free_one_of_the_day_where_the_campaign_is():
    form = form_with(notify_date="2026-03-01T20:00")
    assert form.is_valid(), form.errors
    assert form.cleaned_data["notify_date"] == datetime(2026, 3, 2, 1, tzinfo=UTC)
    assert form.cleaned_data["date_key"] == "20260301"


def test_w1_a_date_key_that_is_none_is_refused_at_its_field():
    form = form_with(notify_date="2026-03-01T20:00", date_key="tomorrow")
    assert list(form.errors) == ["date_key"]


def test_s8_only_a_top_up_may_need_a_reason_for_its_rules():
    assert "reason" not in form_with().fields
    boss = person("boss", superuser=True)
    assert "reason" in FollowUpForm({}, campaign=campaign_with(0), by=boss, with_rules=True).fields


def test_w4_who_may_not_prepare_late_has_no_field_for_a_reason():
    assert list(form_with(notify_date="2026-03-01T20:00", expedite="x" * 3_000).errors) == []
