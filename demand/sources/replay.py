"""Events of an error file once more, as they are or repaired by hand. [BR-014, BR-017]

A try is a batch of its own: its number and a digest of its events are its position, so asking twice
at once is asking once, and a worker that died leaves what the same request takes up.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from datalake.errors import NoSuchObject
from datalake.storage import buckets
from demand.archiving import archive
from demand.archiving.batches import MOST_EVENTS
from demand.choices import BatchState
from demand.erasure.scrubbing import ERASED
from demand.errors import CannotReplay
from demand.events.redaction import REDACTED
from demand.models import Batch, ErrorFile
from operations.jobs import record_move
from operations.plurals import plural
from operations.subjects import Subject


def subject_of(error_file: ErrorFile) -> Subject:
    """Under what its replays are recorded."""
    return Subject("error_file", str(error_file.pk))


def source_of(error_file: ErrorFile) -> str:
    """What the batches of its replays name as their source."""
    return f"replay:{error_file.key}"


def replay(
    error_file: ErrorFile, *, events: list[str] | None, by: User | None, reason: str = ""
) -> Batch:
    """Archive the file's events as they are, or, if `events` are given, these instead. Returns the
    batch of the try.

    An event without a time of its own gets that of the batch it failed in. The same events again,
    once any of them are archived, are not archived twice. Raises CannotReplay, OSError, BatchTaken
    if another worker is at it.
    """
    texts = (
        _as_they_are(error_file) if events is None else [text for text in events if text.strip()]
    )
    if not texts:
        raise CannotReplay("There are no events to replay.")
    if len(texts) > MOST_EVENTS:
        raise CannotReplay(
            f"You entered {len(texts):,} events. Replay at most {MOST_EVENTS:,}, or upload"
            " them as a file."
        )
    batch = _claim(error_file, texts, by=by, reason=reason)
    return archive.archive(
        batch, [text.encode("utf-8", "surrogatepass") for text in texts], wait=True
    )


@transaction.atomic
def _claim(error_file: ErrorFile, texts: list[str], *, by: User | None, reason: str) -> Batch:
    """The batch of this try, recorded before anything is done. The lock keeps two requests from
    numbering theirs alike.
    """
    ErrorFile.objects.select_for_update().get(pk=error_file.pk)
    source, digest = source_of(error_file), _digest(texts)
    tries = list(Batch.objects.filter(source=source).order_by("pk"))
    for known in tries:
        if known.last.endswith(f":{digest}") and (known.state == BatchState.OPEN or known.archived):
            return known
    number = len(tries) + 1
    record_move(
        subject_of(error_file), "failed", f"replayed, try {number}"[:20], by=by, reason=reason
    )
    failed_at = Batch.objects.values_list("created_at", flat=True).get(pk=error_file.batch_id)
    return archive.claim(
        source, str(number), f"{number}:{digest}", len(texts), created_at=failed_at
    )


def _digest(texts: list[str]) -> str:
    return hashlib.sha256("\n".join(texts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _as_they_are(error_file: ErrorFile) -> list[str]:
    """The events as the bucket keeps them. Raises CannotReplay if something of them is gone for
    good.
    """
    try:
        with buckets.campaign_data().open(error_file.key) as file:
            texts = list(json.load(file)["events"])
    except NoSuchObject:
        raise CannotReplay(f"{error_file.key} is no longer in the bucket.") from None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise CannotReplay(f"{error_file.key} is not an error file of this archive.") from None
    lacking = [number for number, text in enumerate(texts, 1) if not _is_whole(text)]
    if lacking:
        raise CannotReplay(
            f"{len(lacking):,} of {plural(len(texts), 'event')} had personal data removed"
            f" or cannot be parsed. The first one is number {lacking[0]}. Repair them, or"
            " replay only the others."
        )
    return [str(text) for text in texts]


def _is_whole(text: Any) -> bool:
    """Whether the event is what it was, or a deletion: what is redacted in one is redacted in the
    archive, too. [BR-005]
    """
    if not isinstance(text, str) or text.strip() == ERASED:
        return False
    try:
        event = json.loads(text)
    except (ValueError, RecursionError):
        return False
    if not isinstance(event, dict) or "raw" in event or ERASED in text:
        return False
    return REDACTED not in text or event.get("eventName") == "REMOVE"
