"""Filters of the templates."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.context_processors import PermWrapper
from django.template import Context, Template
from django.utils import timezone

from console.templatetags.console import is_past
from tests.support.waves import person
from waves import alarms

pytestmark = pytest.mark.django_db


def test_times_stand_in_utc_and_where_the_campaign_lives():
    from console.templatetags.console import moment

    at = datetime(2026, 1, 20, 2, 30, tzinfo=UTC)
    assert "20 Jan 2026, 02:30 UTC <span>(19 Jan 21:30 New York)</span>" in moment(
        at, "America/New_York"
    )
    assert "20 Jan 2026, 02:30 UTC" in moment(at, "UTC")
    assert "(" not in moment(at, "UTC")


def test_a_time_is_past_once_it_has_come():
    now = timezone.now()
    assert [is_past(now), is_past(now + timedelta(hours=1))] == [True, False]


def test_a_change_has_its_sign_and_none_is_said_in_words():
    from console.templatetags.console import signed

    assert [signed(change) for change in (1_234, -3, 0)] == ["+1,234", "−3", "no change"]


def test_x5_the_first_waves_that_lost_their_approval_have_a_bar_each_and_the_others_are_folded(
    monkeypatch, rf
):
    at, root = datetime(2026, 1, 20, tzinfo=UTC), person("root", superuser=True)
    stopped = [alarms.Alarm("account", "sms_http", at, "drill", "ann", None, "")]
    waves = [
        alarms.Alarm("wave", f"tour_{number}", at, "rain", "", at, "prepared")
        for number in range(5)
    ]
    found = stopped + waves
    monkeypatch.setattr(alarms, "standing", lambda: found)

    def bars() -> tuple[int, str]:
        request = rf.get("/admin/")
        request.user = root
        page = Template("{% load alarms %}{% standing_alarms %}")
        html = page.render(Context({"request": request, "perms": PermWrapper(root)}))
        above, _, folded = html.partition("<details")
        return above.count('<p class="fw-next'), folded

    shown, folded = bars()
    assert shown == 4
    assert "2 more waves have lost their approval" in folded
    assert [f"tour_{number} has lost" in folded for number in range(5)] == [False] * 3 + [True] * 2
    del found[5]
    assert "1 more wave has lost its approval" in bars()[1]
    del found[4]
    assert bars() == (4, "")
