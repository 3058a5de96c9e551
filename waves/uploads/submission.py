"""A list of fans and its config are submitted: everything that can be refused at once is refused
before anything is written. [W-1, W-3, W-4]
"""

from __future__ import annotations

import hashlib
import io
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Final, cast

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction

from campaigns.late_changes import is_late
from campaigns.locks import lock_campaign
from campaigns.models import Campaign
from campaigns.opening import campaign_of, require_open
from datalake.storage import buckets
from operations import jobs
from operations.database.locks import exclusive
from operations.database.retries import retried
from operations.entry.command_rights import is_service_account
from operations.models import Job
from waves.choices import WaveKind, WaveState
from waves.errors import AttemptsExhausted, BadWaveList, ReasonMissing, WrongState
from waves.lifecycle import subject_of
from waves.models import Wave, WaveUpload
from waves.naming import wave_name
from waves.preparation.judgement import MOST_ATTEMPTS, PREPARABLE, exhausted, require_lead_time
from waves.preparation.submission import require_alone
from waves.uploads.config import WaveConfig, require_usable
from waves.uploads.reading import require_rows

JOB_KIND: Final = "upload_wave"
ADMINISTRATOR: Final = "administrator"
A_SERVICE: Final = "another service"
LONGEST_ROLE: Final = 80  # as the column is: groups may have longer names


@dataclass(frozen=True)
class Submitted:
    """What is uploaded: a config, its list, under which date key, and why it is not drawn."""

    config: WaveConfig
    file: BinaryIO
    date_key: str
    reason: str = ""
    expedite: str = ""

    @property
    def name(self) -> str:
        """The wave's. Raises BadDateKey."""
        return wave_name(self.config.campaign_id, self.date_key)

    @property
    def why(self) -> str:
        """The reason, or that of the config's options, as other services may give it."""
        stated = self.config.options.get("reason")
        return self.reason.strip() or (stated.strip() if isinstance(stated, str) else "")


def submit(submitted: Submitted, *, by: User | None, now: datetime) -> Job:
    """Store the list as a wave in CONFIGURED (or FAILED), and open the job that takes it in. `by`:
    None for another service.

    Raises UnknownCampaign, WrongStatus, BadDateKey, BadWaveConfig, BadWaveList, TooLate,
    NotPermitted, ReasonMissing, WrongState, AttemptsExhausted, AlreadyRunning, OSError; then
    nothing is written but the list in the bucket.
    """
    config, name = submitted.config, submitted.name
    campaign = campaign_of(config.campaign_id)
    require_open(campaign)
    require_usable(config, time_zone=campaign.time_zone, now=now)
    require_lead_time(config.notify_date, by=by, now=now, reason=submitted.expedite, name=name)
    digest = _require_readable(submitted.file)
    key = f"smsWaves/uploads/{name}.{digest}.csv"
    with exclusive(f"wave {name}", wait=False) as alone:
        require_alone(alone, name)
        _require_preparable(Wave.objects.filter(name=name).first())
        submitted.file.seek(0)
        buckets.scoring().put(key, submitted.file)
        before = WaveUpload.objects.filter(wave__name=name).exclude(key=key).first()
        job = _store(submitted, campaign, key, digest, by)
        if before is not None:
            with suppress(OSError):  # nobody needs it; an erasure still looks into it
                buckets.scoring().delete(before.key)
        return job


@retried
@transaction.atomic
def _store(submitted: Submitted, campaign: Campaign, key: str, digest: str, by: User | None) -> Job:
    locked = lock_campaign(campaign.pk)
    require_open(locked)
    _require_reason(locked, submitted)
    config = submitted.config
    wave = Wave.objects.select_for_update(no_key=True).filter(name=submitted.name).first()
    _require_preparable(wave)
    if wave is None:
        wave = _new_wave(submitted, campaign, by)
    Wave.objects.filter(pk=wave.pk, state__in=PREPARABLE).update(
        notify_date=config.notify_date,
        category_id=config.category_id or campaign.category_id,
        product_id=config.product_id,
        source=config.source,
        generate_offer_code=config.generate_offer_code,
        options=dict(config.options),
        expedited=submitted.expedite,
        edited_by=by,
    )
    about = {
        "key": key,
        "sha256": digest,
        "by_role": role_of(by),
        "reason": submitted.why,
    }
    WaveUpload.objects.update_or_create(wave=wave, defaults=about)
    return jobs.open_job(JOB_KIND, subject_of(wave), by=by)


def role_of(by: User | None) -> str:
    """The role of who uploads, as the public page names it; never who it is. [S-10]"""
    if by is None or is_service_account(by):
        return A_SERVICE
    if by.is_superuser:
        return ADMINISTRATOR
    return ", ".join(by.groups.order_by("name").values_list("name", flat=True))[:LONGEST_ROLE]


def _require_readable(file: BinaryIO) -> str:
    """The SHA-256 of a list that can be read. Raises BadWaveList."""
    if file.seek(0, io.SEEK_END) > settings.UPLOAD_MAX_BYTES:
        raise BadWaveList(
            f"The list is larger than {settings.UPLOAD_MAX_BYTES:,} bytes, which is the limit."
            " Split it and upload the parts."
        )
    require_rows(file)
    file.seek(0)
    return hashlib.file_digest(cast("io.BytesIO", file), "sha256").hexdigest()


def _require_reason(campaign: Campaign, submitted: Submitted) -> None:
    """Once luck can be known, the public page says why these fans are not drawn. Certain under the
    campaign's lock. Raises ReasonMissing. [S-8, S-10]
    """
    if is_late(campaign) and not submitted.why:
        raise ReasonMissing(
            "Enter why these fans are not drawn: the luck could be known. It is shown on the public"
            " page."
        )


def _require_preparable(wave: Wave | None) -> None:
    if wave is None:
        return
    if wave.kind != WaveKind.UPLOADED:
        raise WrongState(
            f"Wave {wave.name} is not an uploaded one. Choose another date key, such as"
            f" {wave.date_key.partition('-')[0]}-2."
        )
    if wave.state not in PREPARABLE:
        raise WrongState(
            f"Wave {wave.name} is {wave.state}. Only a configured or failed wave can be uploaded"
            " again. Reset it first, or choose another date key."
        )
    if wave.attempts >= MOST_ATTEMPTS:
        raise AttemptsExhausted(exhausted(wave.name))


def _new_wave(submitted: Submitted, campaign: Campaign, by: User | None) -> Wave:
    wave = Wave.objects.create(
        campaign=campaign,
        date_key=submitted.date_key,
        name=submitted.name,
        kind=WaveKind.UPLOADED,
        notify_date=submitted.config.notify_date,
        notify_channels=campaign.notify_channels,
    )
    jobs.record_move(subject_of(wave), "", WaveState.CONFIGURED, by=by)
    return wave
