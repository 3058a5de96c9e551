"""A CSV of ranks becomes a score file, and the draw's public page names it, in a real browser.
[S-15, X-2]
"""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from playwright.sync_api import expect

from campaigns import loading
from sandbox import fans
from tests.browser.conftest import Person
from tests.support.campaigns import process_scores

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

FANS = 1_000
A_WHILE = 60_000  # milliseconds: the machine may be busy


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """A score file, and ranks of the same fans with their addresses; every hundredth rank is
    none.
    """
    scores, ranks = tmp_path / f"12345.{fans.TIMESTAMP}.txt", tmp_path / "ranks.csv"
    fans.write_scores(scores, FANS)
    with ranks.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow(["global_user_id", "email", "country", "rank"])
        for place, fan in enumerate(fans.make(FANS), 1):
            out.writerow([fan.fan_id, fan.email, fan.country, place if place % 100 else "first"])
    return scores, ranks


def test_ranks_are_uploaded_translated_and_shown_to_the_public(sign_in, files: tuple[Path, Path]):
    campaign = loading.load(fans.campaign(FANS)).campaign
    scores, ranks = files
    process_scores(campaign, scores.read_bytes(), name=scores.name)
    person: Person = sign_in("operator", "approver")
    page = person.go(f"/admin/campaign/{campaign.campaign_id}/ranks/")
    page.fill("#fanlist", "fanclub")
    page.set_input_files("#file", ranks)
    page.fill("#late-upload", "the fan club was slow")
    page.click("button:has-text('Upload')")
    expect(page.locator("h2:text-is('Results')")).to_be_visible(timeout=A_WHILE)
    expect(page.locator("dl").first).to_contain_text("1,000")
    expect(page.locator("body")).to_contain_text("fanlist/uploaded/fanclub/manifest.json")
    person.picture("ranks")

    page.click("text=Attempt 2, ranks.csv")
    expect(page.locator(".fw-title .fw-badge").first).to_have_text("streamed", timeout=A_WHILE)
    expect(page.locator(".fw-facts")).to_contain_text("from the rank file of fan list fanclub")
    expect(page.locator(".fw-title")).to_contain_text("late")

    person.go(f"/draws/{campaign.campaign_id}")
    listed = page.locator("section[aria-labelledby=attempts] article")
    expect(listed).to_have_count(2)
    expect(listed.nth(0)).to_contain_text("in use")
    page.locator("#attempts").scroll_into_view_if_needed()
    person.picture("draw")
