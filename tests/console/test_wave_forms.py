"""A notify date is entered by the clock of its campaign. [K-2]"""

from __future__ import annotations

from campaigns.models import Campaign
from console.wave_forms import NotifyDateForm


def test_a_new_notify_date_is_read_by_the_campaigns_clock():
    entered = {"notify_date": "2030-01-20T10:00", "reason": "rain"}
    form = NotifyDateForm(entered, campaign=Campaign(time_zone="America/New_York"))
    assert form.is_valid()
    assert form.cleaned_data["notify_date"].isoformat() == "2030-01-20T15:00:00+00:00"
    assert "New York time (America/New_York)" in form["notify_date"].help_text
