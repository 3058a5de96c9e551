"""The status file and the zip that others read of a wave are what the wave's row says, also after
the bucket was away. [W-8, W-9]

The row is written first, with what its status file is to say (`status_content`, nothing after a
reset or a cancellation) and the mark that it does not say so yet. Whoever holds the wave's lock
writes or deletes the files and takes the mark off: the attempt or the person's request itself, else
a sweep each minute. Nothing that happens here changes the outcome of an attempt.

An attempt that was taken over has lost the lock and may not know it. So the row is asked before
anything is deleted, files of later attempts are left alone, and the row is asked once more after
its zip was copied. [O-6]
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable

from django.urls import reverse

from datalake.errors import NoSuchObject
from datalake.storage import buckets
from operations.alerts import alert_failure
from operations.database.locks import exclusive
from waves.choices import WaveState
from waves.models import Wave
from waves.naming import Attempt, attempt_of, attempt_prefix, status_key, zip_key

logger = logging.getLogger(__name__)

# What a wave's row names the files by that its preparation made, and that count.
KEPT = ("zip_key", "candidates_key", "waiting_key", "facts_key", "rejected_key")
NO_LATER = Attempt(sys.maxsize, 0)  # who sweeps holds the lock: no attempt is at work


def put(wave: Wave) -> None:
    """Write the status file, or delete it where there is nothing to say; the caller holds the
    wave's lock. Raises OSError.
    """
    key, files = status_key(wave.campaign.campaign_id, wave.date_key), buckets.scoring()
    if wave.status_content:
        files.put(key, wave.status_content.encode())
    else:
        files.delete(key)
    Wave.objects.filter(pk=wave.pk, status_content=wave.status_content).update(status_stored=True)


def put_right(wave: Wave, upto: Attempt = NO_LATER) -> None:
    """Write the status file, and make the zip that others read the one that counts; a cancelled
    wave has none for them, though it keeps its own as evidence. Files of attempts that do not
    count, `upto` this one, are deleted: they name members and codes. The caller holds the wave's
    lock, or did. Raises OSError.
    """
    wave.refresh_from_db(fields=["state", *KEPT, "status_content"])
    delete_uncounted(wave, lambda attempt: attempt <= upto)
    published, files = zip_key(wave.campaign.campaign_id, wave.date_key), buckets.scoring()
    if wave.zip_key and wave.state != WaveState.CANCELLED:
        files.copy(wave.zip_key, published)
    else:
        files.delete(published)
    put(wave)
    as_written = {"zip_key": wave.zip_key, "status_content": wave.status_content}
    if not Wave.objects.filter(pk=wave.pk, **as_written).exists():
        put_right(Wave.objects.select_related("campaign").get(pk=wave.pk), upto)


def delete_uncounted(wave: Wave, among: Callable[[Attempt], bool]) -> None:
    """Delete the files of these attempts, but for those that the wave names; the caller has just
    read it anew.
    """
    files, counted = buckets.scoring(), {getattr(wave, name) for name in KEPT}
    for key in list(files.list(attempt_prefix(wave.campaign.campaign_id, wave.date_key))):
        attempt = attempt_of(key)
        if attempt is not None and among(attempt) and key not in counted:
            files.delete(key)


def put_right_if_reachable(wave: Wave, upto: Attempt = NO_LATER) -> bool:
    """As `put_right`; False while the bucket is away: the sweep comes again."""
    try:
        put_right(wave, upto)
    except OSError as error:
        logger.warning(
            "status file not written yet",
            extra={"wave": wave.name, "error": type(error).__name__},
        )
        return False
    return True


def sweep() -> int:
    """Write the status files that are behind their waves; a wave that is being prepared sees to its
    own. One whose zip is gone from the bucket alerts, and holds up no other. Returns how many are
    right now.
    """
    put_in_order = 0
    for pk, name in (
        Wave.objects.filter(status_stored=False).order_by("id").values_list("pk", "name")
    ):
        with exclusive(f"wave {name}", wait=False) as alone:
            if not alone:
                continue
            wave = Wave.objects.select_related("campaign").get(pk=pk)
            try:
                if not wave.status_stored and not put_right_if_reachable(wave):
                    break  # so would the others be
            except NoSuchObject as error:
                page = reverse("wave", args=[name])
                alert_failure("Publishing the files of a wave", f"wave {name}", error, page=page)
                continue
            put_in_order += 1
    return put_in_order
