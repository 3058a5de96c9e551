"""A score file whose worker is killed, really and anywhere, comes to the same end as one that nobody disturbed. [S-12, O-6]"""

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
from tests.campaigns.score_cases import everything_of, start_over

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]

ROOT = Path(__file__).parent.parent.parent
ROWS = 20_000
KILLS = 20 if os.environ.get("FAIRWAVE_FULL") else 3


def start(buckets: Path, *arguments: object) -> subprocess.Popen[str]:
    asked = {"database": connection.settings_dict["NAME"], "buckets": str(buckets), "block_bytes": 150_000}
    command = [sys.executable, "-m", "tests.faults.run_command", json.dumps(asked), *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen[str]) -> dict:
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return json.loads(out.splitlines()[-1])


def kill_at(process: subprocess.Popen[str], progress: int, *, attempt: int) -> bool:
    """Kill it once it works on the job, as this attempt, and has come so far. False if it had ended by then."""
    far_enough = Job.objects.filter(attempt=attempt, progress__gte=progress, state=JobState.RUNNING)
    while process.poll() is None:
        if far_enough.exists():
            process.kill()
            process.communicate()
            return True
        time.sleep(0.002)
    return False


def test_after_kills_at_random_points_rows_files_and_stream_are_those_of_an_undisturbed_run(buckets):
    campaign = loading.load(fans.campaign(ROWS)).campaign
    scores = buckets / f"{campaign.campaign_id}.20260118.txt"
    fans.write_scores(scores, ROWS)
    command = ("process_scores", campaign.campaign_id, scores, "--json")
    result = finish(start(buckets, *command))
    assert result["state"] == "streamed"
    undisturbed = everything_of(ScoreFile.objects.get())
    whole = Job.objects.get().progress
    start_over(campaign)
    dice = random.Random(os.environ.get("FAIRWAVE_SEED", "12"))
    points = sorted(dice.randrange(whole) for _ in range(KILLS))
    killed = 0
    for point in points:
        killed += kill_at(start(buckets, *command), point, attempt=killed + 1)
    assert killed > KILLS // 2, points
    again = finish(start(buckets, *command))
    assert again["repeated"]
    disturbed = everything_of(ScoreFile.objects.get())
    assert disturbed["counts"] == undisturbed["counts"], points
    assert disturbed == undisturbed, points
    (job,) = Job.objects.all()
    assert (job.state, job.attempt) == (JobState.DONE, killed + 1)
