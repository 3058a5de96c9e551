"""The search for suspicious groups beside the fairness report of the same score file, in a worker
of its own. [X-13]
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

from benchmarks.figures import Bound, Figure
from benchmarks.support.worker import AS_SERVED, measure
from campaigns.models import ScoreFile
from fairwave import env
from operations.database import statements

ROWS = 2_000_000
MOST_OF_FAIRNESS = 1.0
# Nine of ten fans registered within two weeks.
REGISTER = """
INSERT INTO campaigns_registrant (campaign_id, global_user_id, member_id, email, phone,
    phone_region, phone_confirmed, country, preferences, registered_at, changed_at, tags)
SELECT f.campaign_id, s.global_user_id, s.member_id, s.email, s.phone, s.phone_region, true, '',
    '{}', '2026-01-01Z'::timestamptz
        + mod(abs(hashtext(s.global_user_id)::bigint), 1209600) * interval '1 second',
    '2026-01-15Z', ''
FROM campaigns_fanscore s JOIN campaigns_scorefile f ON f.id = s.score_file_id
WHERE s.score_file_id = %(file)s AND mod(s.line, 10) <> 0
"""
ROUNDS = 3
# Both have run before, as in a worker at work; the base is the peak of both with a small file. They
# take turns, since another minute of the same machine can be half as fast.
CHILD = """
import json, pathlib, statistics, sys, time
import django; django.setup()
from campaigns.fairness import reports as fairness
from campaigns.fairness.suspicious import reports as suspicious
from campaigns.models import ScoreFile

def seconds(run):
    started = time.monotonic()
    run()
    return time.monotonic() - started

def peak():
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))

def search(file):
    return suspicious.run(suspicious.open_job(file, by=None).pk)

small, file = (ScoreFile.objects.get(pk=pk) for pk in map(int, sys.argv[1:3]))
search(small), fairness.make(file)
base, took = peak(), {"fairness": [], "search": []}
for _ in range(int(sys.argv[3])):
    took["fairness"].append(seconds(lambda: fairness.make(file)))
    took["search"].append(seconds(lambda: search(file)))
took = {name: statistics.median(each) for name, each in took.items()}
print(json.dumps(took | {"bytes": peak() - base}))
"""


def run(rows: int | None) -> list[Figure | Bound]:
    count = rows or ROWS
    done = measure(count, env.data_folder() / "bench")
    small = ScoreFile.objects.exclude(pk=done.score_file).get().pk
    for score_file in (small, done.score_file):
        statements.run(REGISTER, file=score_file)
    statements.run("ANALYZE")
    command = [sys.executable, "-c", CHILD, str(small), str(done.score_file), str(ROUNDS)]
    ran = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True, env=AS_SERVED | os.environ
    )
    took = json.loads(ran.stdout.splitlines()[-1])
    return [
        Figure(
            "rows searched for suspicious groups",
            done.rows,
            took["search"],
            "the fairness report",
            took["fairness"],
            MOST_OF_FAIRNESS,
        ),
        Bound(
            "memory of the search above its base",
            took["bytes"] / done.rows,
            "bytes a row",
            note="80 are what is compared; the others are copies that two kinds sort at a time",
        ),
    ]
