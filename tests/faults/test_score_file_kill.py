"""A score file whose worker is killed, really and anywhere, comes to the same end as one that
nobody disturbed. [S-12, O-6]
"""

from __future__ import annotations

import os
import random
import signal
from pathlib import Path

import pytest
from django.db import connection

from campaigns import loading
from campaigns.models import ScoreFile
from operations.choices import JobState
from operations.models import Job
from sandbox import fans
from tests.support.phases import PHASES, caught_in
from tests.support.processes import STATEMENT, Process, command
from tests.support.score_files import everything_of, start_over

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]

FULL = os.environ.get("FAIRWAVE_FULL") == "1"
ROWS, KILLS = (200_000, 20) if FULL else (8_000, 3)
# by then the process has claimed the job
FIRST_STATEMENT, NEVER = 30, 0
SMALL_CHUNKS = {
    "campaigns.formats.score_rows:read_chunks.__defaults__": (60_000,),
    "campaigns.scoring.publishing:RECORDS_AT_A_TIME": 1_000,
}


def start(*arguments: object, **deadly: str | int) -> Process:
    """A command to which a small file is one of many chunks."""
    return command(*arguments, constants=SMALL_CHUNKS, **deadly)


def undisturbed(
    bucket_folders: Path, rows: int
) -> tuple[tuple[object, ...], dict[str, object], int]:
    """The command, everything that its file leads to, and how many statements it took; then all is
    forgotten.
    """
    campaign = loading.load(fans.campaign(rows)).campaign
    scores = bucket_folders / f"{campaign.campaign_id}.20260118.txt"
    fans.write_scores(scores, rows)
    arguments = ("process_scores", campaign.campaign_id, scores, "--json")
    process = start(*arguments, killed_at=STATEMENT, nth=NEVER)
    assert process.result()["state"] == "streamed"
    made = everything_of(ScoreFile.objects.get())
    start_over(campaign)
    _, statements = process.measured()
    return arguments, made, statements


def test_after_kills_before_random_statements_all_is_as_in_an_undisturbed_run(bucket_folders):
    """Three kills over 8,000 rows; 20 over 200,000 in the full run."""
    arguments, made, statements = undisturbed(bucket_folders, ROWS)
    dice = random.Random(os.environ.get("FAIRWAVE_SEED", "12"))
    for _ in range(KILLS):
        statement = dice.randrange(FIRST_STATEMENT, statements // (KILLS + 1))
        process = start(*arguments, killed_at=STATEMENT, nth=statement)
        assert process.wait() == -signal.SIGKILL
    check_end(start(*arguments).result(), made, KILLS)


def test_after_kills_while_it_is_indexed_published_and_attached_the_end_is_the_same(bucket_folders):
    """The worker is caught in each of these moments, then killed."""
    arguments, made, _ = undisturbed(bucket_folders, 8_000)
    settings = connection.get_connection_params()
    parameters = {
        name: settings[name]
        for name in ("dbname", "user", "password", "host", "port")
        if name in settings
    }
    for phase in PHASES:
        process = start(*arguments)
        with caught_in(phase, parameters) as wait_for_it:
            wait_for_it()
            process.kill()
    check_end(start(*arguments).result(), made, len(PHASES))


def check_end(result: dict, made: dict[str, object], killed: int) -> None:
    """The last run of a file whose worker was killed so often."""
    assert result["repeated"]
    disturbed = everything_of(ScoreFile.objects.get())
    assert disturbed["counts"] == made["counts"]
    assert disturbed == made
    (job,) = Job.objects.all()
    assert (job.state, job.attempt) == (JobState.DONE, killed + 1)
