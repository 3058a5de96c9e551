"""The preparation of a wave whose worker is killed anywhere, and the next attempt: the end is that
of an undisturbed one but for the values of the codes. With own codes and with a partner's.
[W-9, K-4, K-5, O-6]
"""

from __future__ import annotations

import io
import json
import os
import random
import signal
import zipfile
from collections import Counter
from collections.abc import Iterable
from typing import Any

import polars as pl
import pytest
from django.forms.models import model_to_dict

from datalake.storage import buckets
from operations.choices import JobState
from operations.models import Job
from tests.conftest import FULL
from tests.faults.test_taken_over import wait_for_lease_to_end
from tests.support.life.code_service_here import ServiceHere, serving
from tests.support.processes import Process
from tests.support.waves import NOW, campaign_with, counted, person, request
from tests.waves.codes.imported import imported
from waves.lifecycle import wave_named
from waves.models import CODE_SERVICE, Code, CodeServiceCall, Member, Wave, WaveMarket
from waves.preparation import config_files, status_files
from waves.preparation.prepare import run
from waves.preparation.submission import submit
from waves.second_count.verdict import Standing, standing

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]

SEED = os.environ.get("FAIRWAVE_SEED", "13")
# Where the worker is killed, and how often an attempt comes there.
COMMON = {
    "waves.preparation.prepare:select_and_seal": 1,
    "waves.preparation.attempts:_count": 1,
    "waves.codes.reservations:release_others": 1,
    "waves.codes.pool:reserve": 1,
    "waves.preparation.prepare:wave_zip": 1,
    "waves.preparation.prepare:write_candidates": 1,
    "waves.preparation.prepare:_apply": 1,
    "waves.preparation.prepared:write_members": 1,
    "waves.preparation.prepared:write_wave_markets": 1,
    "waves.preparation.status_files:put_right": 2,
    "waves.preparation.status_files:put": 2,
    "waves.preparation.config_files:put_right": 1,
    "operations.leases:finish": 2,
}
POINTS = {
    "own": COMMON | {"waves.codes.own_codes:_reserve_batch": 1, "waves.codes.own_codes:make": 1},
    "partner": COMMON
    | {
        "waves.codes.imported_codes:_reserve_for_market": 2,
        "waves.codes.partner_codes:_Batches.noted": 2,
        "waves.codes.partner_codes:_Batches._asked": 2,
        "waves.codes.partner_codes:_Batches._bound": 2,
        "waves.codes.partner_calls:mark_answered": 2,
    },
}
KILLS = [
    (source, point, nth, after)
    for source, points in POINTS.items()
    for point, calls in points.items()
    for nth in range(1, calls + 1)
    for after in (False, True)
]


def chosen() -> list[tuple[str, str, int, bool]]:
    """20 of them in the full run, of both sources; else three."""
    dice = random.Random(SEED)
    by_source = {source: [kill for kill in KILLS if kill[0] == source] for source in POINTS}
    own, partner = (10, 10) if FULL else (1, 2)
    return dice.sample(by_source["own"], own) + dice.sample(by_source["partner"], partner)


@pytest.fixture(scope="module")
def service():
    with serving() as service:
        yield service


def prepared(job_pk: int) -> None:
    """In a process of its own."""
    run(job_pk, now=NOW)


def begin(campaign: Any, service: ServiceHere) -> Job:
    service.begin_anew()
    if campaign.code_source == "own":
        Code.objects.bulk_create(Code(campaign=campaign, code=f"READY{n}") for n in range(4))
    else:
        imported(campaign, "LIST1", "LIST2")
        imported(campaign, "WEST1", market="west")
    return submit(request(campaign), by=person("ann"), now=NOW)


def end(job: Job, service: ServiceHere) -> dict[str, Any]:
    """What there is in the end, without the values of codes; then all is forgotten."""
    status_files.sweep()
    config_files.sweep()
    wave = counted(wave_named(job.subject_id))
    assert standing(wave) == Standing.AGREES, wave.count_problems
    assert wave.attempts <= 2
    codes = Code.objects.filter(campaign=wave.campaign)
    owners = dict(codes.exclude(wave=None).values_list("global_user_id", "code"))
    assert owners == dict(Member.objects.values_list("global_user_id", "code"))
    at_service = service.box.codes.held
    of_service = codes.filter(origin=CODE_SERVICE)
    assert set(at_service) == set(of_service.values_list("code", flat=True))
    bucket = buckets.scoring()
    with bucket.open(wave.status_key) as file:
        status = json.load(file)
    made = {
        "wave": model_to_dict(wave, fields=OF_THE_WAVE),
        "score file": (wave.score_file_id, wave.least_score, wave.prepared_by_id),
        "files kept": [bool(key) and bucket.exists(key) for key in kept_keys(wave)],
        "facts": (wave.facts_digest, bucket.sha256(wave.facts_key)),
        "candidates": rows_of(wave.candidates_key),
        "members": list(Member.objects.order_by("place").values(*OF_A_MEMBER)),
        "codes": sorted(codes.values_list(*OF_A_CODE)),
        "markets": list(WaveMarket.objects.order_by("position").values(*OF_A_MARKET)),
        "zip": without_codes(wave.zip_key, owners.values()),
        "zip for others": without_codes(
            f"wavePrep/{wave.campaign.campaign_id}/prepped/prepped.{wave.date_key}.zip",
            owners.values(),
        ),
        "status": {name: value for name, value in status.items() if name not in OF_AN_ATTEMPT},
        "stored": (wave.status_stored, wave.filed_as.partition(":")[0]),
        "keys": sorted(key.count("/") for key in bucket.list("")),
        "at the service": Counter(held.state for held in at_service.values()),
        "asked": sorted(CodeServiceCall.objects.values_list(*OF_A_CALL)),
        "job": (job.rows_in, job.rows_out, job.rows_rejected),
    }
    for key in list(bucket.list("")):
        bucket.delete(key)
    for model in (Member, WaveMarket, CodeServiceCall, Code, Job, Wave):
        model.objects.all()._raw_delete("default")
    return made


OF_THE_WAVE = (
    *("state", "selected", "candidates", "waitlist", "returned", "excluded", "members_digest"),
    *("content", "notify_channels", "notify_date", "order", "error"),
)
OF_AN_ATTEMPT = ("attempts", "date")
OF_A_MEMBER = (
    *("global_user_id", "member_id", "market", "email", "phone", "language", "place", "band_score"),
)
OF_A_CODE = ("global_user_id", "market__market_id", "state", "source", "origin", "begins_at")
OF_A_MARKET = (
    *("market", "name", "capacity", "given", "own_capacity", "room", "selection_time", "position"),
    *("code_source", "selected", "wanted", "cutoff"),
)
OF_A_CALL = ("action", "market__market_id", "number", "quantity", "valid")


def kept_keys(wave: Wave) -> list[str]:
    return [wave.zip_key, wave.candidates_key, wave.facts_key]


def rows_of(key: str) -> list[tuple[Any, ...]]:
    """Of a Parquet file, whose order says nothing."""
    with buckets.scoring().open(key) as file:
        return sorted(pl.read_parquet(file).rows(), key=str)


def without_codes(key: str, codes: Iterable[str]) -> dict[str, str]:
    """Each file of a zip, in which every code stands as CODE."""
    known = set(codes)
    with buckets.scoring().open(key) as file:
        archive = zipfile.ZipFile(io.BytesIO(file.read()))
    found = {}
    for name in archive.namelist():
        lines = [line.rsplit(",", 1) for line in archive.read(name).decode().splitlines()]
        assert {code for _, code in lines[1:]} <= known
        found[name] = [row for row, _ in lines]
    return found


@pytest.mark.parametrize(("source", "point", "nth", "after"), chosen())
def test_w9_after_a_killed_preparation_the_next_attempt_ends_as_an_undisturbed_one(
    source, point, nth, after, service, settings
):
    print(f"seed {SEED}")  # noqa: T201 to be run again with it
    settings.JOB_LEASE_SECONDS = 1
    settings.CODE_SERVICE_URL = service.url
    wishes = [["west"], ["east", "west"], [], ["west", "east"]] * 10
    campaign = campaign_with(40, {"west": 7, "east": 6}, preferences=wishes, code_source=source)
    job = begin(campaign, service)
    run(job.pk, now=NOW)
    job.refresh_from_db()
    undisturbed = end(job, service)
    job = begin(campaign, service)
    short_lease = {"django.conf:settings.JOB_LEASE_SECONDS": 1}
    killed = Process(prepared, job.pk, killed_at=point, nth=nth, after=after, constants=short_lease)
    assert killed.wait() == -signal.SIGKILL, "it did not come to this point"
    job.refresh_from_db()
    if job.state != JobState.DONE:
        wait_for_lease_to_end(job)
        run(job.pk, now=NOW)
    job.refresh_from_db()
    assert (job.state, job.error) == (JobState.DONE, "")
    assert end(job, service) == undisturbed
