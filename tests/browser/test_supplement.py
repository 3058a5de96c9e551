"""Rejected rows are downloaded, corrected and uploaded again, in a real browser. [S-14]"""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from campaigns import loading
from campaigns.models import ScoreFile
from sandbox import fans
from tests.browser.conftest import Person
from tests.support.campaigns import process_scores

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

FANS = 2_000
A_WHILE = 60_000  # milliseconds: the machine may be busy


def test_s14_rejected_rows_are_downloaded_corrected_and_come_back(sign_in, tmp_path: Path):
    campaign = loading.load(fans.campaign(FANS)).campaign
    scores = tmp_path / f"{campaign.campaign_id}.20260118.txt"
    fans.write_scores(scores, FANS)
    parent = process_scores(campaign, scores.read_bytes(), name=scores.name)
    operator: Person = sign_in("operator", "approver")
    page = operator.go(f"/admin/score-file/{parent.pk}/")
    page.fill("#reason", "the phones were typed wrong")
    with page.expect_download() as download:
        page.click("button[value=rejected]")
    corrected = tmp_path / "corrected.csv"
    text = Path(download.value.path()).read_text()
    corrected.write_text("\ufeff" + text.replace("n/a", "0.93"), encoding="utf-8", newline="\r\n")
    operator.picture("supplement-form")

    page.set_input_files("#corrected", corrected)
    page.fill("#late-supplement", "the phones were typed wrong")
    page.click("#supplements button:has-text('Upload')")
    expect(page.locator("body")).to_contain_text("The corrected rows were uploaded")
    row = page.locator("#supplements tbody tr")
    expect(row).to_contain_text("20260118-s1", timeout=A_WHILE)
    child = ScoreFile.objects.get(supplement_of=parent)
    expect(page.locator("#supplements #job-live")).to_have_count(0, timeout=A_WHILE)
    page.goto(page.url)
    page.locator("#supplements").scroll_into_view_if_needed()
    operator.picture("supplement")

    row.locator("a").click()
    expect(page.locator(".fw-title .fw-badge").first).to_have_text("streamed", timeout=A_WHILE)
    expect(page.locator("#supplements")).to_contain_text("This file is a supplement of")
    operator.picture("supplement-result")
    child.refresh_from_db()
    assert child.rows_in == parent.accepted + parent.rejected == child.accepted + child.rejected
