"""At trigger: codes are assigned to fans for good and published on the stream. Repeats change
nothing. [K-5, K-6, W-11, T-2]
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl
from django.db import connection, transaction

from datalake import records, streams
from datalake.choices import RecordType, StreamName
from operations import instants
from operations.database.retries import retried
from operations.database.statements import run
from operations.plurals import plural
from waves.choices import WaveState
from waves.codes.partner_answers import PLACEHOLDER
from waves.errors import CodesNotAssigned
from waves.holds import sources_of_codes
from waves.lifecycle import require_state
from waves.models import Member, Wave
from waves.naming import code_validity

BATCH = 2_500

_ASSIGN = """
INSERT INTO waves_assignment (campaign_id, global_user_id, code_id, wave_id, market_id, assigned_at)
SELECT member.campaign_id, member.global_user_id, code.id, member.wave_id, member.market_id, %(now)s
FROM waves_member AS member
JOIN waves_code AS code ON upper(code.code) = upper(member.code) AND code.wave_id = member.wave_id
    AND code.global_user_id = member.global_user_id
WHERE member.id = ANY(%(members)s)
ON CONFLICT DO NOTHING
"""
_MARK_ASSIGNED = """
UPDATE waves_code SET state = 'assigned', assigned_at = %(now)s, begins_at = %(begins)s, ends_at =
    %(ends)s
FROM waves_assignment AS assignment
WHERE assignment.code_id = waves_code.id AND waves_code.state = 'reserved'
    AND waves_code.wave_id = %(wave)s AND assignment.global_user_id = ANY(%(fans)s)
"""
# OFFSET 0 has each member looked up by the indexes. As a join, with statistics of when the tables
# were empty, every member was compared with every assignment and code: minutes for 2,500 members.
_UNASSIGNED = """
SELECT 1 FROM waves_member AS member WHERE member.wave_id = %(wave)s
    AND member.code NOT IN ('', 'TM') AND NOT EXISTS (
    SELECT 1 FROM waves_assignment AS assignment JOIN waves_code AS code
        ON code.id = assignment.code_id
    WHERE assignment.campaign_id = member.campaign_id
        AND assignment.global_user_id = member.global_user_id
        AND upper(code.code) = upper(member.code) OFFSET 0)
"""
_UNPUBLISHED = """
SELECT assignment.id, assignment.global_user_id, member.member_id, market.market_id, code.code
FROM waves_assignment AS assignment
JOIN waves_code AS code ON code.id = assignment.code_id
JOIN campaigns_market AS market ON market.id = assignment.market_id
JOIN waves_member AS member ON member.wave_id = %(wave)s
    AND member.global_user_id = assignment.global_user_id
WHERE assignment.wave_id = ANY(%(sources)s) AND assignment.published_at IS NULL
ORDER BY assignment.id LIMIT %(limit)s FOR UPDATE OF assignment SKIP LOCKED
"""
_UNPUBLISHED_LEFT = """
SELECT 1 FROM waves_assignment AS assignment
JOIN waves_member AS member ON member.wave_id = %(wave)s
    AND member.global_user_id = assignment.global_user_id
WHERE assignment.wave_id = ANY(%(sources)s) AND assignment.published_at IS NULL
"""
_MARK_PUBLISHED = """
UPDATE waves_code SET state = 'published', published_at = %(now)s FROM waves_assignment
    AS assignment
WHERE assignment.code_id = waves_code.id AND assignment.id = ANY(%(ids)s)
    AND waves_code.state = 'assigned'
"""
_FLAT = {"id": pl.Int64} | dict.fromkeys(
    ("globalUserId", "memberId", "marketId", "code"), pl.String
)


@dataclass(frozen=True)
class Assigned:
    """Members, those with a code that can be assigned, and codes that were assigned now. [W-11]"""

    members: int
    valid: int
    updated: int


def assign(wave: Wave, *, now: datetime) -> Assigned:
    """Bind every member's code to the fan for the campaign, in batches of 2,500, each in a
    transaction. [K-6, W-11]

    Members without a code and with TM are left out. Raises WrongState when the wave is cancelled
    meanwhile, and CodesNotAssigned where a member's code belongs to somebody else or the fan holds
    another one.
    """
    total = Assigned(0, 0, 0)
    for members in _batches(wave):
        valid = [(pk, fan) for pk, fan, code in members if code not in {"", PLACEHOLDER}]
        updated = _assign_batch(wave, valid, now=now) if valid else 0
        total = Assigned(
            total.members + len(members), total.valid + len(valid), total.updated + updated
        )
    if missing := run(_UNASSIGNED, wave=wave.pk):
        raise CodesNotAssigned(
            f"Wave {wave.name}: {plural(missing, 'access code')} could not be assigned, so"
            " nothing was sent."
        )
    return total


def publish(wave: Wave, *, now: datetime) -> int:
    """Put the wave's assignments on the input stream, each once, and mark them with their codes;
    how many. [T-2]

    Repeats publish what is missing. A batch and its marks are one transaction, and its key is its
    first assignment's; on an engine outside the database a batch may come twice, and the records'
    dedupeHash makes the second one harmless. [T-1]
    """
    published, sources = 0, sources_of_codes(wave)
    while batch := _publish_batch(wave, sources, now):
        published += batch
    return published


def unfinished(wave: Wave) -> bool:
    """Whether a code of the wave's members is still to be assigned or published."""
    return bool(run(f"{_UNASSIGNED} LIMIT 1", wave=wave.pk)) or bool(
        run(f"{_UNPUBLISHED_LEFT} LIMIT 1", wave=wave.pk, sources=sources_of_codes(wave))
    )


def _batches(wave: Wave) -> Iterator[list[tuple[int, str, str]]]:
    last = 0
    members = (
        Member.objects.filter(wave=wave).order_by("id").values_list("id", "global_user_id", "code")
    )
    while batch := list(members.filter(id__gt=last)[:BATCH]):
        yield batch
        last = batch[-1][0]


@retried
@transaction.atomic
def _assign_batch(wave: Wave, valid: Sequence[tuple[int, str]], *, now: datetime) -> int:
    # Held until the batch is committed: a wave that is cancelled first assigns nothing more.
    locked = Wave.objects.select_for_update(no_key=True).get(pk=wave.pk)
    require_state(locked, WaveState.TRIGGERED, WaveState.PAUSED)
    begins, ends = code_validity(wave.notify_date, wave.campaign.time_zone)
    run(_ASSIGN, members=[pk for pk, _ in valid], now=now)
    return run(
        _MARK_ASSIGNED,
        wave=wave.pk,
        fans=[fan for _, fan in valid],
        now=now,
        begins=begins,
        ends=ends,
    )


@retried
@transaction.atomic
def _publish_batch(wave: Wave, sources: list[int], now: datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_UNPUBLISHED, {"wave": wave.pk, "sources": sources, "limit": BATCH})
        rows = cursor.fetchall()
    if not rows:
        return 0
    flat = pl.DataFrame(rows, schema=_FLAT, orient="row").with_columns(
        pl.lit(instants.stamp(now)).alias("created"),
        pl.lit(wave.campaign.campaign_id).alias("campaignId"),
        pl.lit(wave.category_id).alias("categoryId"),
    )
    frame = records.shape(RecordType.CODE_ASSIGNMENT, flat)
    ids = flat["id"].to_list()
    # no larger than a batch of the stream, so all are at one position of it
    published = streams.publish_frame(
        StreamName.INPUT, RecordType.CODE_ASSIGNMENT, frame, key=f"assignments:{wave.name}:{ids[0]}"
    )
    run(
        "UPDATE waves_assignment SET published_at = %(now)s, stream_position = %(position)s"
        " WHERE id = ANY(%(ids)s)",
        now=now,
        position=published.position,
        ids=ids,
    )
    run(_MARK_PUBLISHED, now=now, ids=ids)
    return len(ids)
