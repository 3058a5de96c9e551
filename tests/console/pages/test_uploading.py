"""Pages with a file's form send it to the bucket themselves where the bucket can take it. [S-1]"""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.django_db(transaction=True)


def test_s1_only_the_page_of_score_files_may_speak_to_the_bucket(aws, operator, campaign):
    page = operator.get(f"/admin/campaign/{campaign.campaign_id}/scores/")
    assert f"connect-src 'self' {aws.address};" in page.headers["Content-Security-Policy"] + ";"
    assert "fairwave/upload.js" in page.content.decode()
    for other in ("registrations/", ""):
        policy = operator.get(f"/admin/campaign/{campaign.campaign_id}/{other}").headers[
            "Content-Security-Policy"
        ]
        assert aws.address not in policy


def test_s1_where_the_bucket_is_a_folder_files_come_through_the_form(operator, campaign):
    page = operator.get(f"/admin/campaign/{campaign.campaign_id}/scores/")
    assert "connect-src" not in page.headers["Content-Security-Policy"]
    assert "upload.js" not in page.content.decode()
    asked = operator.post(f"/admin/campaign/{campaign.campaign_id}/scores/permit/", {"name": "x"})
    assert (
        asked.status_code,
        "does not accept uploads from browsers" in asked.json()["error"],
    ) == (
        409,
        True,
    )
