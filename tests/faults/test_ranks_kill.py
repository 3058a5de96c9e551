"""A file of ranks whose worker is killed, really and anywhere, becomes the score file it would have
become. [S-12, S-15]
"""

from __future__ import annotations

import os
import random
import signal

import pytest

from campaigns.models import Activation, Campaign, FanList, RankFile, RejectedRow, ScoreFile
from datalake.models import StreamBatch
from datalake.storage import buckets
from operations.models import Chunk, Job
from tests.faults.test_score_file_kill import NEVER, start
from tests.support.campaigns import make_campaign
from tests.support.processes import STATEMENT
from tests.support.score_files import read

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]

ROWS = 8_000
KILLS = 20 if os.environ.get("FAIRWAVE_FULL") else 3


def outcome(result: dict) -> dict:
    """What the ranks led to, without the numbers that the database gave."""
    entry = RankFile.objects.get()
    counts = (
        "state",
        "activated",
        "rows_in",
        "accepted",
        "rejected",
        "bands",
        "roster_digest",
        "sha256",
        "streamed",
    )
    files = [
        read(result["scrubbed"]),
        read(result["rejected_file"]),
        read(ScoreFile.objects.get().key),
    ]
    return {name: result[name] for name in counts} | {"files": files, "translated": entry.counts}


def start_over(campaign: Campaign) -> None:
    Campaign.objects.update(active_score_file=None, named_score_file=None, first_drawn_at=None)
    for model in (Activation, RejectedRow, RankFile, ScoreFile, FanList, StreamBatch, Chunk, Job):
        model.objects.all()._raw_delete("default")
    for key in buckets.scoring().list("fanlist/"):
        buckets.scoring().delete(key)


def test_after_kills_before_random_statements_the_score_file_is_that_of_an_undisturbed_run(
    bucket_folders,
):
    campaign = make_campaign()
    ranks = bucket_folders / "ranks.csv"
    lines = (
        f'{n},"fan-{n}",fan{n}@mail.example,+1206555{n % 10_000:04d}\n' for n in range(1, ROWS + 1)
    )
    ranks.write_text("rank,global_user_id,email,phone\n" + "".join(lines))
    command = ("translate_ranks", campaign.campaign_id, ranks, "--fanlist", "club", "--json")
    first = start(*command, killed_at=STATEMENT, nth=NEVER)
    undisturbed = outcome(first.result())
    _, statements = first.measured()
    start_over(campaign)
    dice = random.Random(os.environ.get("FAIRWAVE_SEED", "15"))
    for _ in range(KILLS):
        statement = dice.randrange(1, statements // (KILLS + 1))
        assert start(*command, killed_at=STATEMENT, nth=statement).wait() == -signal.SIGKILL
    assert outcome(start(*command).result()) == undisturbed
    assert ScoreFile.objects.count() == 1
