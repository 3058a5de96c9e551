"""A worker that previews and prepares a wave: its times and its memory, as one JSON object.

As workers at work have, it has done the same for a smaller campaign before: its base is its peak
with that one.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import django

django.setup()

from django.contrib.auth.models import User  # noqa: E402 Django is set up first

from benchmarks.selecting import NOTIFY, NOW  # noqa: E402
from campaigns.models import Campaign  # noqa: E402
from campaigns.opening import campaign_of  # noqa: E402
from campaigns.scoring import rules  # noqa: E402
from operations.database.copying import CSV, pieces_of  # noqa: E402
from waves.models import Wave  # noqa: E402
from waves.preparation import prepare, previews  # noqa: E402
from waves.second_count import count  # noqa: E402
from waves.second_count.sealed_record import write_facts  # noqa: E402
from waves.selection.request import WaveRequest  # noqa: E402

TIMES = 3  # each is done so often, in turn; the middle one counts
# The columns that a preview needs, read as plainly as they can be.
BARE = """
SELECT score.global_user_id, score.raw_score, score.band_score, score.luck, score.preferences,
    score.email, score.phone, score.phone_confirmed, fan.email, fan.phone, fan.phone_confirmed,
    fan.registered_at, fan.preferences
FROM campaigns_fanscore AS score
LEFT JOIN campaigns_registrant AS fan
    ON fan.campaign_id = %(campaign)s AND fan.global_user_id = score.global_user_id COLLATE
        "default"
WHERE score.score_file_id = %(score_file)s
"""


def main(warm_up: str, campaign_id: str) -> None:
    by = User.objects.create(username="bench")
    small, campaign = campaign_of(warm_up), campaign_of(campaign_id)
    _preview(small)
    base = _peak()
    pairs = [(_timed(lambda: _read(campaign)), _preview(campaign)) for _ in range(TIMES)]
    found = {"reading": median(r for r, _ in pairs), "previewing": median(p for _, p in pairs)}
    found |= {"preview_peak": (peak := _peak()), "preview_bytes": peak - base}
    found["sealing"] = _timed(lambda: _seal(campaign))
    _forget_the_peak()
    _prepare(small, by)
    base = _peak()
    _forget_the_peak()
    wave, found["preparing"] = _prepare(campaign, by)
    found |= {"preparation_peak": (peak := _peak()), "preparation_bytes": peak - base}
    found["counting"] = _timed(lambda: count.count_here(wave))
    wave.refresh_from_db()
    agreed = wave.counted_digest == wave.content_digest
    verdict = "agrees" if agreed else f"DIFFERS: {wave.count_problems}"
    print(json.dumps(found | {"members": wave.selected, "verdict": verdict}))


def _preview(campaign: Campaign) -> float:
    return _timed(lambda: previews.preview(_request(campaign), now=NOW))


def _prepare(campaign: Campaign, by: User) -> tuple[Wave, float]:
    started = time.monotonic()
    wave = prepare.prepare(_request(campaign), by=by, now=NOW).wave
    return wave, time.monotonic() - started


def _request(campaign: Campaign) -> WaveRequest:
    return WaveRequest(campaign.campaign_id, "20260121", notify_date=NOTIFY)


def _read(campaign: Campaign) -> None:
    """What the preview reads, thrown away as it comes."""
    numbers = {"campaign": campaign.pk, "score_file": campaign.active_score_file_id}
    for _ in pieces_of(BARE, CSV, **numbers):
        pass


def _seal(campaign: Campaign) -> None:
    """What a preparation does for the second count: its facts, written and thrown away."""
    wave = Wave.objects.create(
        campaign=campaign, date_key="20260122", name="bench_sealed", notify_date=NOTIFY
    )
    lists = rules.files_for(campaign)
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "facts.zip"
        write_facts(wave.pk, target, now=NOW, lists=lists, markets_file=None)
    wave.delete()


def _timed(work: Callable[[], Any]) -> float:
    started = time.monotonic()
    work()
    return time.monotonic() - started


def _peak() -> int:
    """By /proc: for getrusage the peak is at least that of the process that started this one."""
    return 1024 * next(
        int(line.split()[1])
        for line in Path("/proc/self/status").read_text().splitlines()
        if line.startswith("VmHWM:")
    )


def _forget_the_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


if __name__ == "__main__":
    main(*sys.argv[1:])
