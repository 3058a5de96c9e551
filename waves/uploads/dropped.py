"""Configs that another service puts into the scoring bucket. [W-3, T-2]

    smsWaves/scheduled/{wave}_csv.json   becomes an uploaded wave that waits for approval; its list
                                         lies at smsWaves/csv/{wave}.csv
    smsWaves/completed/{wave}_csv.json   publishes the codes of the wave that are not published yet

Each version of an object is taken up once (`campaigns.intake.arrivals`); what cannot be understood
fails its job, which alerts and is listed. What we wrote there ourselves is left alone.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final
from urllib.parse import unquote

from campaigns.errors import UnfitName
from campaigns.intake import arrivals
from campaigns.models import Arrival
from datalake.errors import NoSuchObject
from datalake.storage import buckets
from operations import leases
from operations.models import Job
from waves.choices import WaveKind, WaveState
from waves.codes import assignments, partner_assignments
from waves.errors import BadWaveConfig, BadWaveList
from waves.models import Wave
from waves.preparation.config_files import config_of
from waves.preparation.judgement import PREPARABLE
from waves.preparation.wave_files import SmsWaveKeys
from waves.uploads.config import MOST_BYTES, WaveConfig, read_config
from waves.uploads.submission import Submitted, submit

JOB_KIND: Final = "take_wave_config"
SCHEDULED, COMPLETED = "smsWaves/scheduled/", "smsWaves/completed/"
EXPECTED: Final = "{campaign}_{date key}_csv.json"
SENT: Final = (WaveState.TRIGGERED, WaveState.PAUSED, WaveState.COMPLETED)
_NAME = re.compile(r"([A-Za-z0-9-]{1,40})_(\d{8}(?:-[1-9]\d{0,8})?)_csv\.json", re.ASCII)


def watch() -> None:
    """Have both folders looked at."""
    for folder in (SCHEDULED, COMPLETED):
        arrivals.watch(folder, JOB_KIND)


def take(job_id: int, *, now: datetime) -> Job | None:
    """Take up the job's config: the job that takes in its list. None where nothing is to be taken
    in: a completed one, our own, and what has changed or moved on since.

    Raises UnfitName, NoSuchObject, BadWaveConfig, BadWaveList, what `submission.submit` raises, and
    faults; the job then says why.
    """
    arrival = arrivals.arrival_of(job_id)
    with leases.working(job_id):
        campaign_id, date_key = _named(arrival.key)
        wave = _wave(f"{campaign_id}_{date_key}")
        content = _content(arrival, wave)
        if content is None:
            return None
        ours = wave is not None and content == config_of(wave)
        if arrival.key.startswith(COMPLETED):
            _publish(wave, content, now=now)
            return None
        return None if ours else _take_up(arrival, wave, content, date_key, now=now)


def _named(key: str) -> tuple[str, str]:
    """Campaign id and date key that an object is named for, also where its name is URI-encoded.
    Raises UnfitName.
    """
    found = _NAME.fullmatch(unquote(key).rpartition("/")[2])
    if found is None:
        raise UnfitName(
            f"{key} is not processed, because its name is not {EXPECTED}. Rename it, or put it"
            " elsewhere."
        )
    return found[1], found[2]


def _wave(name: str) -> Wave | None:
    return Wave.objects.select_related("campaign").filter(name=name).first()


def _content(arrival: Arrival, wave: Wave | None) -> bytes | None:
    """The object as it was noted; None where it is another by now, or has moved on with its wave.
    Raises NoSuchObject.
    """
    bucket = buckets.scoring()
    if wave is None and not bucket.exists(arrival.key):
        raise NoSuchObject(f"{arrival.key} is no longer in the scoring bucket. Put it there again.")
    if not _is_as_noted(arrival):
        return None
    with bucket.open(arrival.key) as file:
        return file.read(MOST_BYTES + 1)


def _is_as_noted(arrival: Arrival) -> bool:
    found = buckets.scoring().found(arrival.key)
    return found is not None and found.version == arrival.version


def _delete(arrival: Arrival) -> None:
    """The wave has it; it comes back once the wave is scheduled. What took its place stays: a newer
    config, or our own where another attempt was faster. [O-6]
    """
    if _is_as_noted(arrival):
        buckets.scoring().delete(arrival.key)


def _take_up(
    arrival: Arrival, wave: Wave | None, content: bytes, date_key: str, *, now: datetime
) -> Job | None:
    config, bucket = read_config(content), buckets.scoring()
    name, key = f"{config.campaign_id}_{date_key}", unquote(arrival.key)
    if not key.endswith(f"/{name}_csv.json"):
        raise BadWaveConfig(
            f"The config names campaign {config.campaign_id}, but the object is {key}."
        )
    if wave is not None and _is_taken(wave, config):  # the worker died just after that
        _delete(arrival)
        return None
    source = SmsWaveKeys(name).members
    if not bucket.exists(source):
        raise BadWaveList(
            f"{key} has no list: there is no {source} in the scoring bucket. Put it there, then put"
            " the config there again."
        )
    with bucket.open(source) as rows:
        job = submit(Submitted(config, rows, date_key), by=None, now=now)
    _delete(arrival)
    return job


def _is_taken(wave: Wave, config: WaveConfig) -> bool:
    """Whether this config became the wave already."""
    return (
        wave.kind == WaveKind.UPLOADED
        and wave.state not in (*PREPARABLE, WaveState.CANCELLED)
        and (wave.notify_date, wave.product_id, wave.source, wave.generate_offer_code)
        == (config.notify_date, config.product_id, config.source, config.generate_offer_code)
        and wave.options == dict(config.options)
    )


def _publish(wave: Wave | None, content: bytes, *, now: datetime) -> None:
    """Raises BadWaveConfig where there is no such wave, it was not sent, or the code service has
    still to confirm codes of it. [T-2, W-11]
    """
    read_config(content)
    if wave is None or wave.state not in SENT:
        what = "does not exist" if wave is None else f"is {wave.state}"
        raise BadWaveConfig(
            f"A config says that a wave is completed, but this wave {what}, so no codes were"
            " published."
        )
    if partner_assignments.is_waiting(wave):
        raise BadWaveConfig(
            f"A config says that wave {wave.name} is completed, but the code service has not"
            " confirmed all of its codes, so no codes were published. Resume the wave."
        )
    assignments.publish(wave, now=now)
