"""A real browser sends a score file straight to S3, past the site. [S-1]"""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from campaigns.models import ScoreFile
from datalake.storage import buckets
from operations.choices import LIVE_JOBS
from operations.models import Job
from tests.browser.conftest import Person
from tests.support.campaigns import make_campaign, score_file_bytes, score_row

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("aws"),
]
A_WHILE = 60_000  # milliseconds: the machine may be busy


def test_s1_a_score_file_goes_from_the_browser_to_the_bucket_and_its_page_comes_by_itself(
    sign_in, aws, tmp_path: Path
):
    campaign = make_campaign()
    scores = tmp_path / f"{campaign.campaign_id}.1.txt"
    scores.write_bytes(score_file_bytes(score_row(number) for number in range(2_000)))
    operator: Person = sign_in("operator")
    page = operator.go(f"/admin/campaign/{campaign.campaign_id}/scores/")
    sent: list[str] = []
    page.on(
        "request", lambda request: sent.append(request.url) if request.method == "POST" else None
    )
    page.set_input_files("#file", scores)
    page.click("button:has-text('Upload')")
    page.wait_for_url("**/admin/score-file/**", timeout=A_WHILE)
    expect(page.locator("text=Every row has one outcome")).to_be_visible(timeout=A_WHILE)
    score_file = ScoreFile.objects.get()
    assert (score_file.name, score_file.bytes) == (scores.name, scores.stat().st_size)
    assert buckets.scoring().sha256(score_file.key) == score_file.sha256
    assert [url.startswith(aws.address) for url in sent[:3]] == [False, True, False]
    # what follows by itself; the worker ends with the test
    while Job.objects.filter(state__in=LIVE_JOBS).exists():
        page.wait_for_timeout(100)


def test_s1_what_is_too_large_is_said_before_it_is_sent(sign_in, settings, tmp_path: Path):
    campaign = make_campaign()
    settings.UPLOAD_MAX_BYTES = 1_000
    scores = tmp_path / "scores.txt"
    scores.write_bytes(b"x" * 1_001)
    operator: Person = sign_in("operator")
    page = operator.go(f"/admin/campaign/{campaign.campaign_id}/scores/")
    page.set_input_files("#file", scores)
    page.click("button:has-text('Upload')")
    expect(page.locator("form [role=status]")).to_contain_text("larger than 1,000 bytes")
    assert list(buckets.scoring().list("uploads/")) == []
