"""The stored proof, looked at before the rows that it was made of go. [C-2, S-10]"""

from __future__ import annotations

import pytest

from campaigns.models import Campaign
from console.archiving import published
from console.proof.proof import PublishedBundle, published_bundle
from datalake.storage import buckets
from tests.console.archiving.closed import without_waves

pytestmark = pytest.mark.django_db


def problem_of(campaign: Campaign) -> str:
    return published.problem_of(campaign, on_step=lambda done, total: None)


def test_s10_a_stored_proof_is_accepted_as_a_whole_and_each_of_its_files_counts():
    campaign = without_waves()
    steps: list[tuple[int, int]] = []
    found = published.problem_of(campaign, on_step=lambda *step: steps.append(step))
    assert (found, steps[-1]) == ("", (2, 2))  # draw.json, and the one shard of three fans
    folder = f"proofs/{campaign.campaign_id}"
    keys = list(buckets.scoring().list(f"{folder}/shards/"))
    assert len(keys) == 4
    bundle = f"{folder}.zip"
    for key in (bundle, f"{bundle}.sha256", *keys):
        with buckets.scoring().open(key) as file:
            before = file.read()
        for spoiled in (None, before[:-9] + bytes(9)):
            buckets.scoring().delete(key)
            if spoiled is not None:
                buckets.scoring().put(key, spoiled)
            assert problem_of(campaign), key
        buckets.scoring().put(key, before)
    assert problem_of(campaign) == ""


def test_s10_a_page_that_says_otherwise_than_the_proof_is_a_problem():
    campaign = without_waves()
    campaign.score_files.update(rows_in=4, rejected=1)
    assert "The checker does not accept it" in problem_of(campaign)


def test_s10_a_bucket_that_is_away_is_no_problem_of_the_proof(monkeypatch):
    campaign = without_waves()
    assert published_bundle(campaign).sha256
    away = PublishedBundle(in_reach=False)
    monkeypatch.setattr(published, "published_bundle", lambda _: away)
    with pytest.raises(OSError, match="can't be reached"):
        problem_of(campaign)


def test_c2_s10_without_the_roster_of_any_attempt_a_campaign_is_not_archived():
    campaign = without_waves()
    assert problem_of(campaign) == ""
    key = campaign.score_files.get().roster_key
    buckets.scoring().put(key, b"another")
    assert problem_of(campaign) == f"{key} is not as it was made."
    buckets.scoring().delete(key)
    assert problem_of(campaign) == f"{key} is not in the scoring bucket."
