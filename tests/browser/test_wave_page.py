"""An approver sees what changed since they last looked, beside a clock of the campaign's zone.
[X-5, W-2, W-11]
"""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from tests.support.waiting import wait_until
from tests.support.waves import campaign_with, cleared, counted, person, request
from waves.approval import renew
from waves.models import Template, WaveLook
from waves.preparation.prepare import prepare

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_x5_an_approver_reads_what_changed_since_they_last_looked_and_approves(sign_in):
    now = timezone.now()
    campaign = campaign_with(30, {"west": 20, "east": 5}, time_zone="America/New_York")
    wanted = request(campaign, notify_date=now + timedelta(days=2))
    wave = cleared(counted(prepare(wanted, by=person("ann"), now=now).wave))
    anna = sign_in("approver")
    page = anna.go(f"/admin/wave/{wave.name}/")
    expect(page.locator(".fw-what-next")).to_contain_text("then approve this wave")
    wait_until(WaveLook.objects.exists, "the look at the page")

    clock = page.locator("time[data-clock]")
    shown = clock.text_content()
    expect(clock).not_to_have_text(shown, timeout=60_000)
    assert timezone.now().astimezone(ZoneInfo("America/New_York")).strftime("%H:") in {
        (clock.text_content() or "")[:3],
        shown[:3],
    }

    Template.objects.create(
        campaign=campaign, channel="sms", body="{campaign} in {market}: your code is {code}"
    )
    renew(wave.pk, by=person("ann"), reason="new text")
    wave.refresh_from_db()
    cleared(counted(wave))
    for _ in range(2):  # also when the page is loaded again
        page = anna.go(f"/admin/wave/{wave.name}/")
        expect(page.locator(".fw-changes")).to_contain_text("your code is {code}")
        wait_until(lambda: WaveLook.objects.count() == 2, "the look at the new content")
    anna.picture("wave-changes")
    page.click("text=Go to approval")
    page.click("summary:has-text('Approve')")
    page.click("text=Approve this content")
    expect(page.locator(".fw-what-next")).to_contain_text("approved, but not scheduled")
    expect(page.locator(".fw-wave-steps .fw-now")).to_contain_text("approver-anna")
    anna.picture("wave-approved")
