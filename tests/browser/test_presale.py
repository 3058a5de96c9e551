"""A whole presale by hand: from upload to completed wave, in a real browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from campaigns import loading
from campaigns.models import Campaign, Market, ScoreFile
from console.models import PersonalDataAccess
from sandbox import fans
from sandbox.process import RunningSandbox
from tests.browser.conftest import Person
from waves.models import Wave
from waves.sending.results import result

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

CAMPAIGN_ID = "12345"
FANS = 3000
A_WHILE = 60_000  # milliseconds: the machine may be busy


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """Registrations and a messy score file of the same fans, as the demo's."""
    made = {
        "registrations": tmp_path / "registrations.csv",
        "scores": tmp_path / f"{CAMPAIGN_ID}.{fans.TIMESTAMP}.txt",
    }
    fans.write_registrations(made["registrations"], FANS)
    fans.write_scores(made["scores"], FANS)
    return made


def draft(**values: Any) -> Campaign:
    """The demo's campaign before it opens, its markets ready to select."""
    loading.load(fans.campaign(FANS, campaign_id=CAMPAIGN_ID) | {"status": "draft"} | values)
    return Campaign.objects.get(campaign_id=CAMPAIGN_ID)


def test_from_upload_to_a_completed_wave(sign_in, provider: RunningSandbox, files: dict[str, Path]):
    draft()
    admin: Person = sign_in("administrator")
    approver: Person = sign_in("approver")
    page = admin.go(f"/admin/campaign/{CAMPAIGN_ID}/")
    admin.picture("campaign-draft")

    page.click("text=Open campaign…")
    page.check("#without-source")
    page.click("text=Open and lock the draw")
    expect(page.locator("body")).to_contain_text("The campaign is open")

    page.click("text=Upload registrations")
    page.set_input_files("#file", files["registrations"])
    page.click("button:has-text('Upload')")
    expect(page.locator("text=Every row has one outcome")).to_be_visible(timeout=A_WHILE)
    admin.picture("registrations")

    page.goto(page.url)
    admin.go(f"/admin/campaign/{CAMPAIGN_ID}/")
    page.click("text=Upload score file")
    admin.picture("upload-scores")
    page.set_input_files("#file", files["scores"])
    page.click("button:has-text('Upload')")
    expect(page.locator(".fw-title .fw-badge").first).to_have_text("streamed", timeout=A_WHILE)
    score_file = ScoreFile.objects.get()
    expect(page.locator(".fw-ledger")).to_contain_text(f"{score_file.rows_in:,} in")
    expect(page.locator("text=active").first).to_be_visible()
    admin.picture("score-file")
    score_file_page = page.url

    admin.go(f"/admin/campaign/{CAMPAIGN_ID}/")
    page.click("text=New wave")
    page.fill("#id_notify_date", _due_now())
    page.click("button:text-is('Preview')")
    expect(page.locator("h2:text-is('Preview')")).to_be_visible(timeout=A_WHILE)
    page.fill("#id_expedite", "the band moved the presale forward")
    assert not Wave.objects.exists()
    admin.picture("wave-preview")
    _choose_a_plan(admin)
    page.click("text=Prepare this wave")
    expect(page.locator(".fw-title .fw-badge")).to_have_text("prepared", timeout=A_WHILE)
    expect(page.locator("text=as previewed")).to_be_visible()
    expect(page.locator("text=second count agrees")).to_be_visible(timeout=A_WHILE)
    expect(page.locator("text=another person must approve it").first).to_be_visible()
    assert page.locator("text=Approve…").count() == 0

    wave = Wave.objects.get()
    other = approver.go(f"/admin/wave/{wave.name}/")
    approver.picture("wave-approval")
    other.click("text=Approve…")
    other.click("text=Approve this content")
    expect(other.locator(".fw-title .fw-badge")).to_have_text("approved")

    page.reload()
    page.click("button:text-is('Schedule')")
    page.click("button:text-is('Send now')")
    expect(page.locator("#wave-live")).to_contain_text("per second", timeout=A_WHILE)
    admin.picture("wave-sending")
    expect(page.locator(".fw-title .fw-badge")).to_have_text("completed", timeout=A_WHILE)
    admin.picture("wave-completed")
    wave.refresh_from_db()
    assert wave.wave_markets.first().selected == 7
    counted = result(wave.pk)
    settled = counted["ok"] + counted["failed"] + counted["skipped"]
    assert counted["total"] == wave.selected == settled
    assert provider.received()["sms"]["accepted"] == counted["detail"]["sms"]["sent"]

    _downloads_ask_why(admin, score_file_page)
    for name, path in (
        PICTURED | {"campaign-edit": f"/admin/campaigns/campaign/{wave.campaign_id}/change/"}
    ).items():
        admin.go(path)
        admin.picture(name)


PICTURED = {
    "home": "/admin/",
    "campaign": f"/admin/campaign/{CAMPAIGN_ID}/",
    "campaigns": "/admin/campaigns/campaign/",
    "registrants": "/admin/campaigns/registrant/",
    "members": "/admin/waves/member/",
    "codes": "/admin/waves/code/",
    "messages": "/admin/waves/send/",
    "jobs": "/admin/operations/job/",
    "find": "/admin/find/",
    "lists": "/admin/campaigns/listentry/",
    "users": "/admin/auth/user/",
    "roles": "/admin/roles/",
}


# whether the page says that it is working: after its form was sent, and after "Back" to it
SENT_BUT_NOT_ANSWERED = """() => {
  const form = document.querySelector("form[data-working]");
  const text = document.querySelector("[data-working-text]");
  form.addEventListener("submit", (event) => event.preventDefault(), { once: true });
  form.requestSubmit();
  const shown = [!text.hidden];
  window.dispatchEvent(new Event("pageshow"));
  return [...shown, !text.hidden];
}"""


def _choose_a_plan(person: Person) -> None:
    """A plan with fewer seats in one market, beside the first; it goes into the form. [X-4]"""
    page, market = person.page, Market.objects.order_by("position").first()
    assert page.evaluate(SENT_BUT_NOT_ANSWERED) == [True, False], "it says that it is working"
    page.fill(f"#id_plan2-capacity-{market.market_id}", "7")
    page.click("button:text-is('Compare these plans')")
    expect(page.locator("#what-if .fw-change").first).to_be_visible(timeout=A_WHILE)
    page.locator("#what-if").evaluate("section => section.scrollIntoView()")
    person.picture("wave-plans")
    page.click("button:text-is('Use plan 2')")
    expect(page.locator(f"#id_market-{market.market_id}-capacity")).to_have_value("7")
    expect(page.locator("#what-if .fw-change")).to_have_count(0)
    assert not Wave.objects.exists()


def _due_now() -> str:
    """This minute on the campaign's clock, as a browser writes it."""

    zone = ZoneInfo(Campaign.objects.get().time_zone)
    return f"{timezone.now().astimezone(zone):%Y-%m-%dT%H:%M}"


def _downloads_ask_why(person: Person, address: str) -> None:
    page = person.page
    page.goto(address)
    page.fill("#reason", "the label asked which rows failed")
    with page.expect_download() as download:
        page.click("button:has-text('Rejected rows')")
    text = Path(download.value.path()).read_text()
    assert text.splitlines()[0].endswith("line,reason")
    assert not any(
        cell.startswith(("=", "+", "@")) for line in text.splitlines() for cell in line.split(",")
    )
    access = PersonalDataAccess.objects.get(what="exported")
    assert access.reason == "the label asked which rows failed"
