"""A score file whose worker is killed, really and anywhere, comes to the same end as one that
nobody disturbed. [S-12, O-6]
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.db import connection

from campaigns import loading
from campaigns.models import ScoreFile
from operations.choices import JobState
from operations.models import Job
from sandbox import fans
from tests.support.phases import PHASES, caught_in
from tests.support.score_files import everything_of, start_over

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]

ROOT = Path(__file__).parent.parent.parent
FULL = os.environ.get("FAIRWAVE_FULL") == "1"
ROWS, KILLS = (200_000, 20) if FULL else (20_000, 3)


def start(bucket_folders: Path, *arguments: object) -> subprocess.Popen[str]:
    asked = {
        "database": connection.settings_dict["NAME"],
        "buckets": str(bucket_folders),
        "block_bytes": 150_000,
    }
    command = [
        sys.executable,
        "-m",
        "tests.support.run_command",
        json.dumps(asked),
        *map(str, arguments),
    ]
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def finish(process: subprocess.Popen[str]) -> dict:
    out, err = process.communicate(timeout=240)
    assert process.returncode == 0, err
    return json.loads(out.splitlines()[-1])


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def kill_at(process: subprocess.Popen[str], progress: int, *, attempt: int) -> bool:
    """Kill it once it works on the job, as this attempt, and has come so far. False if it had ended
    by then.
    """
    far_enough = Job.objects.filter(attempt=attempt, progress__gte=progress, state=JobState.RUNNING)
    while process.poll() is None:
        if far_enough.exists():
            kill(process)
            return True
        time.sleep(0.002)
    return False


def undisturbed(
    bucket_folders: Path, rows: int
) -> tuple[tuple[object, ...], dict[str, object], int]:
    """The command, everything that its file leads to, and the job's progress at the end; then all
    is forgotten.
    """
    campaign = loading.load(fans.campaign(rows)).campaign
    scores = bucket_folders / f"{campaign.campaign_id}.20260118.txt"
    fans.write_scores(scores, rows)
    command = ("process_scores", campaign.campaign_id, scores, "--json")
    assert finish(start(bucket_folders, *command))["state"] == "streamed"
    told, whole = everything_of(ScoreFile.objects.get()), Job.objects.get().progress
    start_over(campaign)
    return command, told, whole


def test_after_kills_at_random_points_rows_files_and_stream_are_those_of_an_undisturbed_run(
    bucket_folders,
):
    """Three points of 20,000 rows; 20 of 200,000 in the full run."""
    command, told, whole = undisturbed(bucket_folders, ROWS)
    dice = random.Random(os.environ.get("FAIRWAVE_SEED", "12"))
    points = sorted(dice.randrange(whole) for _ in range(KILLS))
    killed = 0
    for point in points:
        killed += kill_at(start(bucket_folders, *command), point, attempt=killed + 1)
    assert killed > KILLS // 2, points
    check_end(finish(start(bucket_folders, *command)), told, killed)


def test_after_kills_while_it_is_indexed_published_and_attached_the_end_is_the_same(bucket_folders):
    """No progress shows these moments: the worker is caught in each, then killed."""
    command, told, _ = undisturbed(bucket_folders, 20_000)
    settings = connection.get_connection_params()
    parameters = {
        name: settings[name]
        for name in ("dbname", "user", "password", "host", "port")
        if name in settings
    }
    for phase in PHASES:
        process = start(bucket_folders, *command)
        with caught_in(phase, parameters) as wait_for_it:
            wait_for_it()
            kill(process)
    check_end(finish(start(bucket_folders, *command)), told, len(PHASES))


def check_end(result: dict, told: dict[str, object], killed: int) -> None:
    """The last run of a file whose worker was killed so often."""
    assert result["repeated"]
    disturbed = everything_of(ScoreFile.objects.get())
    assert disturbed["counts"] == told["counts"]
    assert disturbed == told
    (job,) = Job.objects.all()
    assert (job.state, job.attempt) == (JobState.DONE, killed + 1)
