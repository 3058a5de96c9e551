"""Messages, messages sent again and members of archived campaigns are deleted by age, a bounded
number in each transaction. Codes, their assignments and selections stay, so a spent code stays
spent; the waves with their markets, counts and files stay; suppressions and objections are rows of
their own. [O-10, K-1, N-8, X-10]

Before the first row of a wave goes its messages are counted once more, and that count stays. [N-7]
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from django.db.models import Exists, OuterRef, Q

from operations.database.clock import database_time
from operations.database.statements import first_row
from operations.retention.kinds import Kept, until_none
from waves.figures import kept
from waves.models import Member, Resend, Send, Wave

SETTING: Final = "RETENTION_MEMBER_DAYS"
ROWS_AT_A_TIME: Final = 5_000
# A code's custody says when it was sent, also without the messages.
_SENDS = """
WITH gone AS (
    DELETE FROM waves_send WHERE id IN (
        SELECT id FROM waves_send WHERE wave_id = %(wave)s LIMIT %(most)s)
    RETURNING member_id, sent_at
), first AS (
    SELECT member.campaign_id, upper(member.code) AS code, min(gone.sent_at) AS at
    FROM gone JOIN waves_member AS member ON member.id = gone.member_id
    WHERE gone.sent_at IS NOT NULL AND member.code <> '' GROUP BY 1, 2
), noted AS (
    UPDATE waves_code AS code SET sent_at = least(code.sent_at, first.at)
    FROM first WHERE upper(code.code) = first.code AND code.campaign_id = first.campaign_id
)
SELECT count(*) FROM gone
"""
_RESENDS = """
DELETE FROM waves_resend WHERE id IN (
    SELECT id FROM waves_resend WHERE wave_id = %(wave)s LIMIT %(most)s)
"""
_MEMBERS = """
DELETE FROM waves_member WHERE id IN (
    SELECT id FROM waves_member AS member WHERE wave_id = %(wave)s
        AND NOT EXISTS (SELECT FROM waves_send WHERE member_id = member.id)
        AND NOT EXISTS (SELECT FROM waves_resend WHERE member_id = member.id) LIMIT %(most)s)
"""


def old_sends(before: datetime) -> Iterator[int]:
    for wave in _waves(before, Exists(Send.objects.filter(wave=OuterRef("pk")))):
        yield from _final_count(wave)
        while deleted := _delete_sends(wave):
            yield deleted


def _delete_sends(wave: Wave) -> int:
    (deleted,) = first_row(_SENDS, wave=wave.pk, most=ROWS_AT_A_TIME) or (0,)
    kept.forget_changes(wave.pk)
    return int(deleted)


def old_resends(before: datetime) -> Iterator[int]:
    for wave in _waves(before, Exists(Resend.objects.filter(wave=OuterRef("pk")))):
        yield from until_none(_RESENDS, most=ROWS_AT_A_TIME, wave=wave.pk)


def old_members(before: datetime) -> Iterator[int]:
    for wave in _waves(before, Exists(Member.objects.filter(wave=OuterRef("pk")))):
        yield from _final_count(wave)
        yield from until_none(_MEMBERS, most=ROWS_AT_A_TIME, wave=wave.pk)


def _waves(before: datetime, has_rows: Exists) -> list[Wave]:
    """Those of campaigns that were archived before which still have such rows."""
    archived = Q(campaign__archived_at__lt=before)
    return list(Wave.objects.filter(archived, has_rows).only("rows_deleted_at").order_by("pk"))


def _final_count(wave: Wave) -> Iterator[int]:
    """In a transaction of its own: what it counts is what the pages show from then on."""
    if wave.rows_deleted_at is None:
        kept.figures(wave.pk)
        Wave.objects.filter(pk=wave.pk).update(rows_deleted_at=database_time())
        yield 0


KEPT: Final = (
    Kept("messages of archived campaigns", SETTING, old_sends),
    Kept("resent messages of archived campaigns", SETTING, old_resends),
    Kept("members of archived campaigns", SETTING, old_members),
)
