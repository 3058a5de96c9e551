"""What the one score file of a database led to, for a test on another server; then it is forgotten,
if told to.

`python -m tests.faults.tell_everything '{"database": …}' [forget]`; prints a checksum of each part,
and the counts.
"""

from __future__ import annotations

import hashlib
import json
import sys

from tests.support.run_command import set_up


def main(asked: dict, *, forget: bool) -> None:
    set_up(asked)
    from campaigns.models import ScoreFile
    from operations.models import Job
    from tests.support.score_files import everything_of, start_over

    score_file = ScoreFile.objects.get()
    told = everything_of(score_file)
    parts = {
        name: hashlib.sha256(repr(part).encode()).hexdigest()
        for name, part in told.items()
        if name != "counts"
    }
    jobs = list(Job.objects.filter(kind="process_scores").values("state", "attempt"))
    print(json.dumps({"everything": parts | {"counts": told["counts"]}, "jobs": jobs}))  # noqa: T201
    if forget:
        start_over(score_file.campaign)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]), forget="forget" in sys.argv[2:])
