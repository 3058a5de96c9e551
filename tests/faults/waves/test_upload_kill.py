"""The upload of a wave whose worker is killed anywhere, and the next one: the end is that of an
undisturbed one but for the values of the codes that are made. [W-3, W-9]
"""

from __future__ import annotations

import os
from typing import Any

import pytest

from datalake.storage import buckets
from operations.choices import JobState
from tests.faults.test_taken_over import wait_for_lease_to_end, worker
from tests.support.waves import NOW, campaign_with, person
from tests.waves.uploads.lists import row, submitted
from waves.models import Code, Member, Wave, WaveMarket, WaveUpload
from waves.preparation import config_files, status_files
from waves.uploads import upload
from waves.uploads.submission import submit

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]

FULL = os.environ.get("FAIRWAVE_FULL") == "1"
POINTS = (
    "waves.preparation.attempts:_count",
    "waves.uploads.upload:facts_of",
    "waves.uploads.codes:_reserve_given",
    "waves.codes.own_codes:_reserve_batch",
    "waves.uploads.upload:wave_zip",
    "waves.uploads.upload:write_upload_facts",
    "waves.uploads.upload:_apply",
    "waves.preparation.status_files:put_right",
    "waves.uploads.upload:_codes_made",
    "waves.preparation.prepared:write_wave_markets",
    "waves.preparation.config_files:put_right",
)
KILLS = [(point, after) for after in (False, True) for point in POINTS]


def begin(campaign):
    rows = [
        *(row(n, code=f"{campaign.campaign_id}-G{n}") for n in range(5)),
        *(row(n) for n in range(5, 12)),
        *(row(n, market="east") for n in range(12, 20)),
        row(3),
    ]
    return submit(submitted(campaign, rows), by=person("ann"), now=NOW)


def end(campaign) -> dict[str, Any]:
    """What there is in the end, made codes by their number alone."""
    status_files.sweep()
    config_files.sweep()
    wave = Wave.objects.get(campaign=campaign)
    about = WaveUpload.objects.get(wave=wave)
    assert wave.attempts <= 2
    members = Member.objects.filter(wave=wave).order_by("place")
    codes = dict(Code.objects.filter(wave=wave).values_list("global_user_id", "code"))
    assert codes == dict(members.values_list("global_user_id", "code"))
    seats = WaveMarket.objects.filter(wave=wave)
    bucket, name = buckets.scoring(), wave.name
    assert bucket.exists(wave.zip_key)
    made = {
        "wave": (wave.state, wave.selected, wave.status_stored, wave.filed_as.partition(":")[0]),
        "members": list(members.values_list("global_user_id", "market__market_id", "place")),
        "given": [fan for fan, code in codes.items() if code.startswith(campaign.campaign_id)],
        "codes": list(Code.objects.filter(campaign=campaign).values_list("state", flat=True)),
        "ledger": (about.rows_in, about.accepted, about.rejected_by),
        "markets": list(seats.values_list("market__market_id", "given", "selected")),
        "rejected": bucket.sha256(f"smsWaves/csv/{name}.rejected.csv"),
        "files": sum(name in key for key in bucket.list("smsWaves/")),
        "prepared": len(list(bucket.list(f"wavePrep/{campaign.campaign_id}/"))),
    }
    assert not bucket.exists(f"smsWaves/configs/generateCode_{name}.json")
    return made


@pytest.mark.parametrize(("point", "after"), KILLS if FULL else KILLS[8:11])
def test_w9_after_a_killed_upload_the_next_attempt_ends_as_an_undisturbed_one(
    point, after, settings
):
    settings.JOB_LEASE_SECONDS = 1
    campaign, peaceful = (campaign_with(20, {"west": 12, "east": 5}) for _ in range(2))
    upload.run(begin(peaceful).pk, now=NOW)
    job = begin(campaign)
    worker(job, killed_at=point, after=after).wait()
    job.refresh_from_db()
    if job.state != JobState.DONE:
        wait_for_lease_to_end(job)
        assert worker(job).wait() == 0
    job.refresh_from_db()
    assert (job.state, job.error) == (JobState.DONE, "")
    assert end(campaign) == end(peaceful)
