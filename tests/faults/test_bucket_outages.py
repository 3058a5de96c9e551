"""The bucket goes away at each request of one presale in turn, and comes back: the end is that of
an undisturbed one, without a person repairing anything. [W-9, S-1, S-12, O-6]
"""

from __future__ import annotations

import io
import json
import os
import random
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
import requests
from django.db.models.functions import Now

from campaigns import tasks as campaign_tasks
from campaigns.intake import arrivals, browser_uploads
from campaigns.models import Campaign, FanScore, ScoreFile
from datalake import streams
from datalake.choices import StreamName
from datalake.storage import buckets
from datalake.streams.batches import unpack_frame
from operations import tasks
from operations.choices import JobState
from operations.models import Job
from tests.support import cloud, outages
from tests.support.campaigns import (
    import_registrations,
    make_campaign,
    registration_row,
    score_file_bytes,
    score_row,
)
from tests.support.database import resetting
from tests.support.outages import Outage, Proxy
from tests.support.waves import NOTIFY, NOW, approve, person, request
from waves import schedule
from waves import tasks as wave_tasks
from waves.models import Code, Wave
from waves.naming import attempt_of
from waves.preparation import submission
from waves.sending import tasks as sending_tasks

pytestmark = pytest.mark.django_db(transaction=True)

FULL = os.environ.get("FAIRWAVE_FULL") == "1"
A_FEW = 2
ROWS = [score_row(number, raw_local_fanscore=f"0.{number:02}") for number in range(1, 61)]
MINUTES = 12  # more than any end takes


@pytest.fixture
def proxy(settings, monkeypatch) -> Iterator[Proxy]:
    # what is put into the bucket is looked at at once
    monkeypatch.setattr(arrivals, "STEADY_SECONDS", -60)
    with (
        cloud.running(settings, monkeypatch) as amazon,
        outages.before(amazon, settings, monkeypatch) as found,
    ):
        yield found


def test_the_end_is_the_same_wherever_the_bucket_went_away(proxy):
    """[W-9, S-12] A few requests chosen by a printed seed; all of them in the full run."""
    seed = int(os.environ.get("SEED") or random.randrange(100_000))
    undisturbed, asked = presale(proxy)
    assert undisturbed["wave"] == "triggered"
    every = [(how, at) for at in range(1, len(asked) + 1) for how in Outage]
    for how, at in every if FULL else random.Random(seed).sample(every, A_FEW):
        start_anew(proxy)
        found, _ = presale(proxy, how, at)
        assert found == undisturbed, (
            f"{how} at request {at}, {asked[at - 1]}; SEED={seed} repeats this run"
        )


def start_anew(proxy: Proxy) -> None:
    """An empty database and an empty bucket."""
    resetting.reset()
    requests.post(f"{cloud.address()}/moto-api/reset")
    buckets.scoring().client.create_bucket(Bucket=cloud.BUCKET)


def presale(
    proxy: Proxy, how: Outage = Outage.FAULT, at: int = 0
) -> tuple[dict[str, Any], list[str]]:
    """From the score file to the trigger; the bucket goes away at the nth request. What came of
    it, and what was asked of the bucket.
    """
    campaign = make_campaign("tour")
    import_registrations(campaign, [registration_row(number) for number in range(1, 61)])
    ann, bob = person("ann", superuser=True), person("bob", superuser=True)
    proxy.go_away(how, at=at)
    token = upload_as_a_browser(campaign, proxy)
    insist(lambda: campaign_tasks.start_upload(token, campaign, by=ann, activate=True), proxy)
    until_done(proxy)
    insist(lambda: submission.submit(request(campaign), by=ann, now=NOW), proxy)
    until_done(proxy)
    wave = Wave.objects.get()
    approve(wave, by=bob, digest=wave.content_digest, now=NOW)
    schedule.schedule(wave, by=bob, now=NOW)
    schedule.check_due_waves(now=NOTIFY)
    proxy.back()
    asked = list(proxy.requests)
    return end_of(campaign), asked


def upload_as_a_browser(campaign: Campaign, proxy: Proxy) -> str:
    """The file is in the bucket: what a browser does until then is the person's to repeat."""
    permit = browser_uploads.permit(campaign, "tour.7.txt", by=person("ann"))
    url = permit.form.url.replace(proxy.address, cloud.address())
    files = {"file": ("blob", score_file_bytes(ROWS))}
    assert requests.post(url, data=permit.form.fields, files=files).status_code == 204
    return permit.token


def insist(step: Callable[[], object], proxy: Proxy) -> None:
    """A person whose click fails does it again later."""
    try:
        step()
    except OSError:
        proxy.back()
        step()


def until_done(proxy: Proxy) -> None:
    """What workers and scheduled runs do, the bucket being back after the first minute; all pauses
    are over at once.
    """
    for _ in range(MINUTES):
        a_minute()
        if proxy.is_away:
            proxy.back()
        Job.objects.filter(retry_at__isnull=False).update(retry_at=Now())
        if not work() and not Wave.objects.filter(status_stored=False).exists():
            return
    raise AssertionError(list(Job.objects.values_list("kind", "state", "error")))


def work() -> list[Job]:
    """Jobs that wait for a worker. Sending is another story."""
    tasks.sweep()
    waiting = Job.objects.filter(state=JobState.QUEUED).exclude(kind=sending_tasks.SEND_KIND)
    return list(waiting.order_by("id"))


def a_minute() -> None:
    for scheduled in (campaign_tasks.look_for_dropped_files, wave_tasks.look_after):
        with suppress(OSError):
            scheduled()
    while waiting := work():
        for job in waiting:
            with suppress(OSError):
                tasks.run_job(job.pk)


def end_of(campaign: Campaign) -> dict[str, Any]:
    """All that a presale leaves behind, codes' own characters and times aside."""
    campaign.refresh_from_db()
    score_file = ScoreFile.objects.get()
    wave = Wave.objects.get()
    bucket = buckets.scoring()
    return {
        "score file": (
            score_file.is_drawn,
            score_file.rows_in,
            score_file.accepted,
            score_file.streamed,
            score_file.roster_digest,
            campaign.active_score_file_id == score_file.pk,
        ),
        "scores": list(FanScore.objects.order_by("line").values_list("line", "band_score")),
        "scored stream": sorted(streamed(StreamName.SCORED)),
        "published codes": sorted(streamed(StreamName.INPUT)),
        "wave": wave.state,
        "members": list(
            wave.members.order_by("place").values_list("global_user_id", "market__market_id")
        ),
        "codes": list(
            Code.objects.order_by("global_user_id").values_list("global_user_id", "state")
        ),
        "bucket": sorted(without_attempt(key) for key in bucket.list("")),
        "files": [bucket.sha256(key) for key in (score_file.scrubbed_key, score_file.rejected_key)],
        "zip": lines_without_codes(bucket.open(wave.zip_key).read()),
        "status": {
            name: json.loads(bucket.open(wave.status_key).read())[name]
            for name in ("status", "count", "path")
        },
        "failed jobs": list(Job.objects.filter(state=JobState.FAILED).values_list("kind", "error")),
    }


def without_attempt(key: str) -> str:
    """A key that several attempts may have made, each its own, of which only one's stays; or one
    that carries a row's number.
    """
    if key.endswith(".rejected.csv") and key.startswith("registrations/"):
        return f"{key.rpartition('/')[0]}/*.rejected.csv"
    return key if attempt_of(key) is None else f"{key.rpartition('/')[0]}/*{key[-4:]}"


def streamed(stream: StreamName) -> list[tuple[str, str]]:
    """Type and fan of each record."""
    last = streams.extent(stream, 0, 1_000)
    batches = streams.read(stream, 1, last) if last else []
    return [
        (record["type"], record["globalUserId"])
        for batch in batches
        for record in unpack_frame(batch.payload).to_dicts()
    ]


def lines_without_codes(content: bytes) -> dict[str, list[str]]:
    archive = zipfile.ZipFile(io.BytesIO(content))
    return {
        name: [line.rpartition(",")[0] for line in archive.read(name).decode().splitlines()]
        for name in archive.namelist()
    }
