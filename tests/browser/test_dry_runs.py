"""A score file is tried before it counts, and its processing is watched, in a real browser. [S-3,
O-1]
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from playwright.sync_api import expect

from campaigns.models import ScoreFile
from campaigns.scoring import dry_run, score_files
from operations import leases
from operations.models import Job
from sandbox import fans
from tests.browser.conftest import Person
from tests.support.campaigns import make_campaign, receive_scores
from tests.support.score_files import messy

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

A_WHILE = 60_000  # milliseconds: the machine may be busy


def test_a_file_is_tried_looked_at_and_then_processed(sign_in, tmp_path: Path):
    person: Person = sign_in("operator")
    campaign = make_campaign(campaign_id="tried")
    file = tmp_path / "scores.txt"
    fans.write_scores(file, 3_000)
    page = person.go(f"/admin/campaign/{campaign.campaign_id}/scores/")
    page.set_input_files("#file", file)
    page.check("#then-try")
    person.picture("upload-try")
    page.click("button:has-text('Upload')")
    expect(page.locator("#dry-run")).to_contain_text(
        "Only the first rows were checked", timeout=A_WHILE
    )
    expect(page.locator("#dry-run .fw-ledger")).to_contain_text("1,000 checked")
    person.picture("dry-run")

    page.click("text=Show personal data for 15 minutes")
    page.fill("[name=reason]", "which rows are broken?")
    page.click(".fw-card button:has-text('Show')")
    expect(page.locator("#dry-run")).to_contain_text("⇥")
    person.picture("dry-run-rows")

    page.click("text=Check all rows")
    expect(page.locator("#dry-run")).to_contain_text("All rows were checked", timeout=A_WHILE)
    assert not ScoreFile.objects.get().scores.exists()
    foretold = ScoreFile.objects.get().dry_run["accepted"]
    person.picture("dry-run-all")

    page.click("button:text-is('Process')")
    expect(page.locator(".fw-title .fw-badge").first).to_have_text("streamed", timeout=A_WHILE)
    expect(page.locator(".fw-ledger").first).to_contain_text(f"{foretold:,} accepted")


def test_progress_is_seen_in_words_and_heard_by_the_tenth(sign_in):
    person: Person = sign_in("operator")
    file = receive_scores(make_campaign(campaign_id="watched"), messy())
    job = score_files.open_job(file, by=None)
    lease = leases.claim(job.pk)
    lease.step("Reading the file")
    page = person.go(f"/admin/score-file/{file.pk}/")
    expect(page.locator("#job-live")).to_contain_text("Reading the file")
    person.picture("progress-reading")
    at = time.time() - 20
    pace = {"step": "Judging rows", "rows": 2_000_000, "samples": [[at, 0]]}
    Job.objects.filter(pk=job.pk).update(pace=pace, progress=1_200_000, total=4_000_000)
    expect(page.locator("#job-live")).to_contain_text(
        "1.2 million of 2 million rows", timeout=A_WHILE
    )
    expect(page.locator("#job-live")).to_contain_text("per second, about")
    expect(page.locator("#job-heard")).to_contain_text("30 percent. Judging rows")
    heard = page.locator("#job-heard").inner_text()
    Job.objects.filter(pk=job.pk).update(progress=1_300_000)
    expect(page.locator("#job-live")).to_contain_text(
        "1.3 million of 2 million rows", timeout=A_WHILE
    )
    assert page.locator("#job-heard").inner_text() == heard
    person.picture("progress-judging")
    person.go(f"/admin/job/{job.pk}/")
    person.picture("progress-job")
    Job.objects.filter(pk=job.pk).update(state="paused")
    page = person.go(f"/admin/score-file/{file.pk}/")
    expect(page.locator("#job-live")).not_to_contain_text("per second")
    person.picture("progress-paused")


def test_a_dry_run_that_fails_says_why_and_leaves_the_file_as_it_is(sign_in):
    person: Person = sign_in("operator")
    file = receive_scores(make_campaign(campaign_id="failing"), messy())
    job = dry_run.open_job(file, by=None)
    Job.objects.filter(pk=job.pk).update(
        state="failed", error="blacklist/emails.txt cannot be read: fix or remove it."
    )
    page = person.go(f"/admin/score-file/{file.pk}/")
    expect(page.locator("text=fix or remove it")).to_be_visible()
    expect(page.locator("button:text-is('Process')")).to_be_visible()
    person.picture("dry-run-failed")
