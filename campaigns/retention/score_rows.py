"""The rows of an archived campaign's score files are deleted: both tables of a file at once, and
the fans of its suspicious groups. The files themselves, rosters, counts, digests, the fairness
report and the proof stay. [O-10, S-10]
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from django.db import OperationalError, transaction
from psycopg.errors import LockNotAvailable

from campaigns.locks import lock_campaign
from campaigns.models import ScoreFile
from campaigns.scoring import tables
from operations.database.clock import database_time
from operations.database.statements import run
from operations.retention.kinds import Kept, until_none

logger = logging.getLogger(__name__)

SETTING: Final = "RETENTION_SCORE_DAYS"
FANS_AT_A_TIME: Final = 5_000
# Who reads any score file meanwhile waits behind the drop, so it does not wait for long itself.
LOCK_TIMEOUT: Final = "1s"
TRIES: Final = 20
_FANS = """
DELETE FROM campaigns_suspiciousfan WHERE id IN (
    SELECT fan.id FROM campaigns_campaign AS campaign
    JOIN campaigns_scorefile AS file ON file.campaign_id = campaign.id
    JOIN campaigns_suspiciousgroup AS of ON of.score_file_id = file.id
    JOIN campaigns_suspiciousfan AS fan ON fan.group_id = of.id
    WHERE campaign.archived_at < %(before)s
    ORDER BY fan.id LIMIT %(most)s FOR UPDATE OF fan SKIP LOCKED)
"""


def old_score_rows(before: datetime) -> Iterator[int]:
    """Drop the tables of each score file whose campaign was archived before. A file that others are
    reading all the time is left for the next run.
    """
    files = ScoreFile.objects.filter(campaign__archived_at__lt=before, rows_deleted_at=None)
    for pk, campaign_pk in files.order_by("pk").values_list("pk", "campaign_id"):
        for _ in range(TRIES):
            deleted = _drop_unless_read(pk, campaign_pk)
            yield deleted or 0
            if deleted is not None:
                break
        else:
            logger.warning("score file is being read, its rows stay", extra={"score_file": pk})


def _drop_unless_read(pk: int, campaign_pk: int) -> int | None:
    """How many rows went; None where somebody is reading them just now."""
    try:
        with transaction.atomic():
            run(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
            lock_campaign(campaign_pk)  # under it an erasure looks which tables there are
            left = ScoreFile.objects.filter(pk=pk, rows_deleted_at=None)
            rows = tables.rows_in(pk)
            tables.drop(pk)
            left.update(rows_deleted_at=database_time())
            run("SET LOCAL lock_timeout TO DEFAULT")
    except OperationalError as error:
        if not isinstance(error.__cause__, LockNotAvailable):
            raise
        return None
    return rows


def old_suspicious_fans(before: datetime) -> Iterator[int]:
    """The ids of their fans; the groups stay, with their figures."""
    yield from until_none(_FANS, most=FANS_AT_A_TIME, before=before)


KEPT: Final = (
    Kept("score rows of archived campaigns", SETTING, old_score_rows),
    Kept("suspicious fans of archived campaigns", SETTING, old_suspicious_fans),
)
