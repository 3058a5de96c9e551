"""The fairness report in a real browser: made by a click, pictures that fit, with words for those
who do not see them. [X-3]
"""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from campaigns import loading
from campaigns.fairness import reports
from campaigns.models import Campaign, ScoreFile
from campaigns.registrations import imports
from campaigns.scoring import score_files
from sandbox import fans
from tests.browser.conftest import Person

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
FANS = 3000


def streamed(tmp_path: Path) -> ScoreFile:
    """The demo's fans, processed as a command does it."""
    loading.load(fans.campaign(FANS))
    campaign = Campaign.objects.get()
    registered, scores = (
        tmp_path / "registrations.csv",
        tmp_path / f"{campaign.campaign_id}.{fans.TIMESTAMP}.txt",
    )
    fans.write_registrations(registered, FANS)
    fans.write_scores(scores, FANS)
    with registered.open("rb") as file:
        found = imports.receive(campaign, registered.name, file, by=None)
    imports.process(imports.open_job(found, by=None).pk)
    with scores.open("rb") as file:
        received = score_files.receive(campaign, scores.name, file, by=None)
    return score_files.process(score_files.open_job(received.score_file, by=None).pk)


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than the window."""
    return int(
        page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    )


def test_x3_the_report_is_made_by_a_click_and_fits_every_screen(sign_in, tmp_path: Path):
    score_file = streamed(tmp_path)
    operator: Person = sign_in("operator")
    page = operator.go(f"/admin/score-file/{score_file.pk}/")
    page.click("text=Create the report")
    expect(page.locator("text=Is luck spread evenly?")).to_be_visible(timeout=60_000)
    expect(page.locator("figure svg[role=img]")).to_have_count(6)
    named = page.eval_on_selector_all(
        "svg[role=img]", "all => all.map(one => one.querySelector('title').textContent)"
    )
    assert all(named)
    operator.picture("fairness")
    for width in (1280, 390, 320):
        page.set_viewport_size({"width": width, "height": 844})
        assert overflow(page) <= 0, width
    page.set_viewport_size({"width": 1280, "height": 900})
    operator.go(f"/admin/score-file/{score_file.pk}/")
    expect(page.locator("text=See the report")).to_be_visible()


def test_x3_a_red_report_says_so_in_words_and_shapes(sign_in, tmp_path: Path):
    score_file = streamed(tmp_path)
    report = reports.run(reports.open_job(score_file, by=None).pk)
    luck, group = report["luck"][1], report["groups"][0]
    assert report["verdict"] == "fair"
    luck["verdict"] = group["verdict"] = report["verdict"] = "look"
    group["selected"], group["corrected_p"], report["found"] = group["most"] + 9, 0.00001, 2
    ScoreFile.objects.filter(pk=score_file.pk).update(fairness=report)
    viewer: Person = sign_in("viewer")
    page = viewer.go(f"/admin/score-file/{score_file.pk}/fairness/")
    expect(page.locator(".fw-verdict")).to_contain_text("Look for a fault before you publish")
    expect(page.locator(".fw-verdict")).to_contain_text("Never repeat the draw")
    expect(page.locator(".fw-groups path.fw-found")).to_have_count(1)
    expect(page.locator(".fw-statistics tbody").first).to_be_hidden()
    page.click("text=The statistics")
    expect(page.locator(".fw-statistics tr.fw-row-look").last).to_contain_text("< 0.0001")
    assert page.locator("text=Create it again").count() == 0
    viewer.picture("fairness-red")
