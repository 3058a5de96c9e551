"""An approver reads the pre-flight, rehearses the wave, and approves it in spite of a red line. [X-6]"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import F
from django.utils import timezone
from playwright.sync_api import expect

from tests.console.page_cases import prepared
from tests.support.site.surroundings import WELL, found
from tests.support.waves import campaign_with, counted, person, request
from waves.models import Preflight
from waves.preflight.run import preflight
from waves.preparation.prepare import prepare
from waves.providers.outcomes import Health

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_x6_an_approver_waives_a_red_line_with_a_reason(sign_in, worker, monkeypatch):
    down = {"sms": Health(is_well=False, detail="cannot be reached"), "email": WELL}
    monkeypatch.setattr(
        "waves.preflight.surroundings.ask", lambda channels, partner_codes: found(health=down)
    )
    now = timezone.now()
    wanted = request(campaign_with(30), notify_date=now + timedelta(days=2))
    wave = counted(prepare(wanted, by=person("ann"), now=now).wave)
    anna = sign_in("approver")
    page = anna.go(f"/admin/wave/{wave.name}/")
    # nobody asked for it: the page does
    expect(page.locator("#preflight tr:has-text('SMS provider')")).to_contain_text(
        "It cannot be reached.", timeout=30_000
    )
    page.click("#rehearsal button:has-text('Rehearse')")
    expect(page.locator("#rehearsal tbody")).to_contain_text("done", timeout=30_000)
    page.click("summary:has-text('sample messages')")
    page.click("summary:has-text('recorded messages')")
    anna.picture("wave-preflight")
    page.click("summary:has-text('Approve')")
    page.click("text=Approve this content")  # the browser asks for the reason
    assert Preflight.objects.get(wave=wave).approved_at is None
    page.fill("#waiver", "the provider is back at noon")
    page.click("text=Approve this content")
    expect(page.locator(".fw-title .fw-badge").first).to_have_text("approved")
    expect(page.locator("#preflight")).to_contain_text("the provider is back at noon")
    assert anna.complaints == []


@pytest.mark.full
def test_x6_a_reason_that_is_half_typed_is_kept_when_the_pre_flight_ends(sign_in):
    wave = prepared()
    Preflight.objects.update(at=F("at") - timedelta(hours=1))
    anna = sign_in("operator")
    page = anna.go(f"/admin/wave/{wave.name}/")
    page.click("summary:has-text('Cancel wave')")
    page.fill("#reason-cancel", "the artist is i")
    preflight(wave, by=None)
    expect(page.locator("[data-changed]")).to_be_visible(timeout=60_000)
    expect(page.locator("#reason-cancel")).to_have_value("the artist is i")
    page.fill("#reason-cancel", "")  # nothing is lost any more
    expect(page.locator("[data-changed]")).to_be_hidden(timeout=60_000)
    assert anna.complaints == []
