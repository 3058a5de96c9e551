"""A supplement whose command is killed, really and anywhere, comes to the same end as one that
nobody disturbed. [S-14, O-6]
"""

from __future__ import annotations

import os
import random
import signal

import pytest

from campaigns import loading
from campaigns.models import ScoreFile
from datalake.storage import buckets
from sandbox import fans
from tests.faults.test_score_file_kill import NEVER, start
from tests.support.campaigns import process_scores
from tests.support.people import late_arguments
from tests.support.processes import STATEMENT
from tests.support.score_files import read

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]

ROWS = 8_000
KILLS = 20 if os.environ.get("FAIRWAVE_FULL") else 3


def test_s14_kills_before_random_statements_leave_nothing_half_and_the_last_run_makes_it_whole(
    bucket_folders,
):
    campaign = loading.load(fans.campaign(ROWS)).campaign
    scores = bucket_folders / f"{campaign.campaign_id}.20260118.txt"
    fans.write_scores(scores, ROWS)
    parent = process_scores(campaign, scores.read_bytes(), name=scores.name)
    corrected, accepted = bucket_folders / "corrected.csv", parent.accepted
    corrected.write_bytes(read(parent.rejected_key).replace(b"n/a", b"0.93"))
    command = (
        "process_scores",
        campaign.campaign_id,
        corrected,
        "--supplement-of",
        parent.pk,
        *late_arguments(),
        "--json",
    )
    first = start(*command, killed_at=STATEMENT, nth=NEVER)
    whole = first.result()
    _, statements = first.measured()
    ScoreFile.objects.filter(pk=whole["score_file"]).update(
        campaign=loading.load(fans.campaign(10, campaign_id="x")).campaign
    )

    dice = random.Random(os.environ.get("FAIRWAVE_SEED", "14"))
    for _ in range(KILLS):
        statement = dice.randrange(1, statements // (KILLS + 1))
        assert start(*command, killed_at=STATEMENT, nth=statement).wait() == -signal.SIGKILL
        for made in ScoreFile.objects.filter(supplement_of=parent).exclude(pk=whole["score_file"]):
            assert made.sha256 == whole["sha256"], statement
    again = start(*command).result()
    assert again["score_file"] != whole["score_file"]
    same = (
        "sha256",
        "rows_in",
        "accepted",
        "rejected",
        "bands",
        "roster_digest",
        "streamed",
        "supplement_of",
    )
    assert {name: again[name] for name in same} == {name: whole[name] for name in same}
    assert (
        buckets.scoring().sha256(ScoreFile.objects.get(pk=again["score_file"]).key)
        == whole["sha256"]
    )
    parent.refresh_from_db()
    assert parent.accepted == accepted
