"""Rows of erased fans do not stay in the files that they came in: neither in the score file as it
was received, nor in the ranks that it was made of, nor where a service dropped it. [X-11, S-1]

    rows judged and in the database → the ids of the erased ones, read in the file →
    what was dropped → the ranks → the file itself

The file itself is last: killed before, a repeat finds the ids again. By then nothing reads it as it
was: the ledger and the roster are whole. Who registers again comes back with a later file.
"""

from __future__ import annotations

import logging
from functools import partial

from campaigns.choices import Reason
from campaigns.formats.fan_lines import fans_in, without_fans
from campaigns.models import Arrival, RankFile, RejectedRow, ScoreFile
from datalake.storage import buckets
from datalake.storage.rewriting import rewrite_lines
from datalake.storage.unpacking import unpacked
from operations.leases import Lease

logger = logging.getLogger(__name__)


def forget_erased(score_file: ScoreFile, lease: Lease) -> None:
    """Take them out, if the file has any. Raises OSError while the bucket is down."""
    if not score_file.rejected_by.get(Reason.ERASED):
        return
    lease.step("Removing erased fans from the file")
    erased = RejectedRow.objects.filter(score_file=score_file, reason=Reason.ERASED)
    lines = dict(erased.values_list("line", "global_user_id"))
    with buckets.scoring().open(score_file.key) as source:
        names = {fan: lines[line] for line, fan in fans_in(unpacked(source), lines)}
    for arrival in Arrival.objects.filter(score_file=score_file).order_by("pk"):
        _delete_dropped(arrival)
    ranks = RankFile.objects.filter(score_file=score_file).order_by("pk")
    without_them = partial(without_fans, names=names)
    for key in ranks.values_list("key", flat=True):
        rewrite_lines(key, without_them)
    rewrite_lines(score_file.key, without_them, partial(note_kept, score_file.key))
    logger.info("erased fans taken out", extra={"score_file": score_file.pk, "rows": len(lines)})


def note_kept(key: str, sha256: str) -> None:
    """What the bucket is going to have of a score file, before it has it: killed between the two,
    it has what was known before. [S-14]
    """
    ScoreFile.objects.filter(key=key).update(kept_sha256=sha256)


def _delete_dropped(arrival: Arrival) -> None:
    """What was processed is a copy; written anew it would be processed again."""
    bucket = buckets.scoring()
    found = bucket.found(arrival.key)
    if found is not None and arrival.version.startswith(found.version):
        bucket.delete(arrival.key)
