"""The status file of a wave says what the wave's row says, also after the bucket was away.
[W-8, W-9]

The row is written first, with what its status file is to say (`status_content`) and the mark that
it does not say so yet. Whoever holds the wave's lock writes the file and takes the mark off: the
attempt itself, else a sweep each minute. Nothing that happens here changes the outcome of an
attempt.
"""

from __future__ import annotations

import logging

from datalake.storage import buckets
from operations.database.locks import exclusive
from waves.choices import WaveState
from waves.models import Wave
from waves.naming import zip_key
from waves.selection.eligibility import candidates_key

logger = logging.getLogger(__name__)


def put(wave: Wave) -> None:
    """Write the status file; the caller holds the wave's lock. Raises OSError."""
    buckets.scoring().put(wave.status_key, wave.status_content.encode())
    Wave.objects.filter(pk=wave.pk, status_content=wave.status_content).update(status_stored=True)


def put_right(wave: Wave) -> None:
    """Write the status file, and delete what a failed attempt left in the bucket: it names members
    and codes. The caller holds the wave's lock. Raises OSError.
    """
    if wave.state == WaveState.FAILED:
        campaign_id, files = wave.campaign.campaign_id, buckets.scoring()
        files.delete(zip_key(campaign_id, wave.date_key))
        files.delete(candidates_key(campaign_id, wave.date_key))
    put(wave)


def put_right_if_reachable(wave: Wave) -> bool:
    """As `put_right`; False while the bucket is away: the sweep comes again."""
    try:
        put_right(wave)
    except OSError as error:
        logger.warning(
            "status file not written yet",
            extra={"wave": wave.name, "error": type(error).__name__},
        )
        return False
    return True


def sweep() -> int:
    """Write the status files that are behind their waves; a wave that is being prepared sees to its
    own. Returns how many are right now.
    """
    put_in_order = 0
    for pk, name in (
        Wave.objects.filter(status_stored=False).order_by("id").values_list("pk", "name")
    ):
        with exclusive(f"wave {name}", wait=False) as alone:
            if not alone:
                continue
            wave = Wave.objects.select_related("campaign").get(pk=pk)
            if not wave.status_stored and not put_right_if_reachable(wave):
                break  # so would the others be
            put_in_order += 1
    return put_in_order
