"""A score file that a browser uploads: it lies in the bucket until a job takes it in, as an arrival
like any other. No process that serves pages looks into it. [S-1]

Where the bucket can sign a form for that (S3), the person asks for a form, the browser puts the
file straight into the bucket with it, and then says so with the token it was given. Elsewhere the
file comes through us.
"""

from __future__ import annotations

import time
import uuid
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.models import User
from django.core import signing

from campaigns import late_changes
from campaigns.choices import LateKind
from campaigns.errors import NotStored, UploadNotFound
from campaigns.intake import arrivals
from campaigns.models import Arrival, Campaign
from campaigns.opening import require_open
from campaigns.scoring.reception import timestamp_of
from datalake.storage import buckets
from datalake.storage.objects import UploadForm
from operations.models import Job

FORM_SECONDS = 900  # within which an upload must begin
KEPT_SECONDS = 24 * 3600  # to finish and report an upload; then it is removed
SALT = "campaigns.intake.browser_uploads"


@dataclass(frozen=True)
class Permit:
    """The form to upload with, and the token that reports the end of the upload."""

    form: UploadForm
    token: str


def origin() -> str:
    """Where browsers upload to, as scheme and host; empty if files come through us."""
    form = _form(f"{arrivals.UPLOADS}origin")
    return "" if form is None else "{0.scheme}://{0.netloc}".format(urlsplit(form.url))


def permit(campaign: Campaign, name: str, *, by: User, reason: str = "") -> Permit:
    """Let a browser upload one file for this campaign. Raises WrongStatus, WrongCampaign,
    LateRefused; UploadNotFound where files come through us.
    """
    require_open(campaign)
    timestamp_of(campaign, name)  # a file named for another campaign is refused before it is sent
    late_changes.permit(campaign, LateKind.SCORE_FILE, "This score file", by=by, reason=reason)
    key = _new_key(campaign)
    form = _form(key)
    if form is None:
        raise UploadNotFound(
            "The scoring bucket does not accept uploads from browsers. Use the upload form"
            " on the page."
        )
    values = {
        "key": key,
        "campaign": campaign.pk,
        "by": by.pk,
        "name": _shown(name),
    }
    return Permit(form, signing.dumps(values, salt=SALT))


def keep(
    campaign: Campaign,
    name: str,
    file: BinaryIO,
    *,
    by: User,
    activate: bool,
    dry_run_first: bool = False,
    reason: str = "",
) -> Arrival:
    """Put a file that came through us where browsers put theirs, and note it. Raises WrongStatus,
    WrongCampaign, LateRefused, NotStored; then nothing is kept.
    """
    require_open(campaign)
    timestamp_of(campaign, name)
    late_changes.permit(campaign, LateKind.SCORE_FILE, "This score file", by=by, reason=reason)
    key, bucket = _new_key(campaign), buckets.scoring()
    options = {"activate": activate, "dry_run_first": dry_run_first, "reason": reason.strip()}
    try:
        file.seek(0)
        bucket.put(key, file)
        found = bucket.found(key)
        if found is None:
            raise _not_stored(name, "it is no longer there")
        arrivals.note(found, by=by, campaign=campaign, name=_shown(name), **options)
    except Exception as error:
        with suppress(OSError):
            bucket.delete(key)  # also where only the answer was lost
        if isinstance(error, OSError):
            raise _not_stored(name, str(error.strerror or error)) from error
        raise
    return Arrival.objects.get(key=key)


def _not_stored(name: str, why: str) -> NotStored:
    return NotStored(f"{name} could not be stored in the scoring bucket ({why}). Upload it again.")


def _new_key(campaign: Campaign) -> str:
    return f"{arrivals.UPLOADS}{campaign.campaign_id}/{uuid.uuid4().hex}"


def _shown(name: str) -> str:
    return name.replace("\x00", "")[:200]


def _form(key: str) -> UploadForm | None:
    return buckets.scoring().upload_form(
        key, most_bytes=settings.UPLOAD_MAX_BYTES, seconds=FORM_SECONDS
    )


def uploaded(
    token: str,
    campaign: Campaign,
    *,
    by: User,
    activate: bool,
    dry_run_first: bool = False,
    reason: str = "",
) -> Arrival:
    """The browser is done: note the upload, once however often it is reported; one that is late
    and has no reason waits there. Raises UploadNotFound.
    """
    values = _read(token)
    if (values["campaign"], values["by"]) != (campaign.pk, by.pk):
        raise UploadNotFound(
            "This upload was started by another user or for another campaign. Upload the"
            " file again."
        )
    known = Arrival.objects.filter(key=values["key"]).first()
    found = buckets.scoring().found(values["key"]) if known is None else None
    if found is not None:
        options = {"activate": activate, "dry_run_first": dry_run_first, "reason": reason.strip()}
        arrivals.note(found, by=by, campaign=campaign, name=values["name"], **options)
        known = Arrival.objects.filter(key=values["key"]).first()
    if known is None:
        raise UploadNotFound("The file did not reach the bucket. Upload it again.")
    return known


def _read(token: str) -> dict[str, Any]:
    try:
        return dict(signing.loads(token, salt=SALT, max_age=KEPT_SECONDS))
    except signing.BadSignature as error:
        raise UploadNotFound(
            "This upload was not started here, or it has expired. Upload the file again."
        ) from error


def job_of(arrival: Arrival) -> Job:
    """The job that takes the upload in."""
    return Job.objects.about(arrivals.subject_of(arrival)).get(kind=arrivals.JOB_KIND)


def forget_old() -> int:
    """Remove uploads that were not reported, or could not be taken in, within a day. Returns
    how many.
    """
    bucket, old = buckets.scoring(), time.time() - KEPT_SECONDS
    left = [found.key for found in bucket.look(arrivals.UPLOADS) if found.modified < old]
    for key in left:
        bucket.delete(key)
    return len(left)
