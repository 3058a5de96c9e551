"""The counts of waves, kept by blocks of members: only blocks whose messages changed since are
counted again. [N-7]

Triggers on the messages write down the block in the same transaction (FigureChange). One statement
takes those marks away and counts the blocks, so both are of one snapshot: a change that it does not
see has left a mark that it does not take. The counts are thus the rows' own, whatever commits
meanwhile. Half a million members are counted in seconds, what changed since the last look in a few
milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from django.db import transaction
from django.db.models import Exists, OuterRef

from operations.database.locks import lock_in_transaction
from operations.database.retries import retried
from operations.database.statements import rows, run
from waves.figures.parts import Figures, figures_of
from waves.models import FigureBlock, FigureChange, Wave
from waves.models.figures import BLOCK

# OFFSET 0 keeps the planner to the primary key's range and to the index of a member's messages: it
# cannot know that a block is small.
_CHANGED: Final = f"""
stale AS (SELECT DISTINCT block FROM marked), messages AS (
    SELECT stale.block, m.id AS member, s.*
    FROM stale CROSS JOIN LATERAL (
        SELECT id, wave_id FROM waves_member
        WHERE id >= stale.block * {BLOCK} AND id < (stale.block + 1) * {BLOCK} OFFSET 0) AS m
    LEFT JOIN LATERAL (
        SELECT channel, state, reason, queued_at, sent_at FROM waves_send
        WHERE member_id = m.id OFFSET 0) AS s ON true
    WHERE m.wave_id = %(wave)s
)"""  # noqa: S608 the block is a constant
# Without a look-up for each member: two thirds of the time where most of a wave changed.
_ALL: Final = f"""
messages AS (
    SELECT m.id / {BLOCK} AS block, m.id AS member, s.channel, s.state, s.reason, s.queued_at,
        s.sent_at
    FROM waves_member m LEFT JOIN waves_send s ON s.member_id = m.id WHERE m.wave_id = %(wave)s
), stale AS (
    SELECT block FROM marked UNION SELECT block FROM messages
    UNION SELECT block FROM waves_figureblock WHERE wave_id = %(wave)s
)"""  # noqa: S608
_COUNT: Final = """
WITH marked AS (
    DELETE FROM waves_figurechange WHERE wave_id = %(wave)s RETURNING block
), {messages}, fans AS (
    SELECT block,
        coalesce(bool_or(state IN ('sent', 'delivered', 'undeliverable')
            OR queued_at IS NOT NULL AND state IN ('pending', 'sending')), false) AS ok,
        coalesce(bool_or(state IN ('pending', 'sending')), true) AS pending,
        bool_or(state = 'unknown') AS unknown, bool_or(state = 'failed') AS failed,
        bool_or(state IN ('sent', 'delivered')) AS notified
    FROM messages GROUP BY block, member
), counted AS (
    SELECT block, 'fans/' || CASE WHEN ok THEN 'ok' WHEN pending THEN 'pending'
        WHEN unknown THEN 'unknown' WHEN failed THEN 'failed' ELSE 'skipped' END AS part,
        count(*) AS number
    FROM fans GROUP BY 1, 2
    UNION ALL SELECT block, 'fans/notified', count(*) FROM fans WHERE notified GROUP BY 1
    UNION ALL SELECT block, channel || '/queued', count(*)
    FROM messages WHERE queued_at IS NOT NULL GROUP BY 1, 2
    UNION ALL SELECT block, channel || CASE WHEN queued_at IS NULL THEN '/waiting'
        ELSE '/in_queue' END, count(*)
    FROM messages WHERE state IN ('pending', 'sending') GROUP BY 1, 2
    UNION ALL SELECT block, channel || '/state/' || state || '/' || reason, count(*)
    FROM messages WHERE channel IS NOT NULL GROUP BY 1, 2
    UNION ALL SELECT block, channel || '/second/' || floor(extract(epoch FROM sent_at))::bigint,
        count(*)
    FROM messages WHERE sent_at IS NOT NULL GROUP BY 1, 2
)
INSERT INTO waves_figureblock (wave_id, block, counts)
SELECT %(wave)s, block,
    coalesce(jsonb_object_agg(part, number) FILTER (WHERE part IS NOT NULL), '{{}}')
FROM stale LEFT JOIN counted USING (block) GROUP BY block
ON CONFLICT (wave_id, block) DO UPDATE SET counts = EXCLUDED.counts
"""
_SUM: Final = """
SELECT b.wave_id, part.key, sum(part.value::bigint)::bigint
FROM waves_figureblock b CROSS JOIN LATERAL jsonb_each_text(b.counts) AS part
WHERE b.wave_id = ANY(%(waves)s) GROUP BY 1, 2
"""


def figures(wave_id: int) -> Figures:
    """What the messages of one wave add up to, as its rows are now."""
    return figures_of_all([wave_id])[wave_id]


def figures_of_all(waves: Iterable[int]) -> dict[int, Figures]:
    """The same of several waves. Of those that were not triggered nothing is counted: only then do
    their members stay as they are.
    """
    wanted = sorted(set(waves))
    for wave_id in _stale(wanted):
        count(wave_id)
    parts: dict[int, dict[str, int]] = {wave_id: {} for wave_id in wanted}
    for wave_id, part, number in rows(_SUM, waves=wanted):
        parts[wave_id][part] = number
    return {wave_id: figures_of(found) for wave_id, found in parts.items()}


def keep_counted() -> None:
    """Count what changed in any wave, so that who looks next has little to wait for."""
    for wave_id in FigureChange.objects.order_by("wave").values_list("wave", flat=True).distinct():
        count(wave_id)


def was_counted(wave_id: int) -> bool:
    """Whether a count is kept already: the first one takes seconds for half a million fans."""
    return FigureBlock.objects.filter(wave=wave_id).exists()


@retried
@transaction.atomic
def count(wave_id: int) -> None:
    """Count the blocks of a wave that changed; of one that was never counted, all. Whoever comes
    meanwhile waits, and finds it done. What was counted before its rows began to be deleted stays.
    [O-10]
    """
    lock_in_transaction(f"figures of wave {wave_id}")
    if Wave.objects.filter(pk=wave_id, rows_deleted_at__isnull=False).exists():
        forget_changes(wave_id)
        return
    changed = FigureChange.objects.filter(wave=wave_id).values("block").distinct().count()
    blocks = FigureBlock.objects.filter(wave=wave_id).count()
    messages = _ALL if 2 * changed > blocks or not blocks else _CHANGED
    run(_COUNT.format(messages=messages), wave=wave_id)


def forget_changes(wave_id: int) -> None:
    """What changed is not to be counted: the rows are deleted by age."""
    FigureChange.objects.filter(wave=wave_id).delete()


def _stale(waves: list[int]) -> list[int]:
    changed = Exists(FigureChange.objects.filter(wave=OuterRef("pk")))
    counted = Exists(FigureBlock.objects.filter(wave=OuterRef("pk")))
    triggered = Wave.objects.filter(pk__in=waves, triggered_at__isnull=False, rows_deleted_at=None)
    found = triggered.filter(changed | ~counted).order_by("pk")
    return list(found.values_list("pk", flat=True))
