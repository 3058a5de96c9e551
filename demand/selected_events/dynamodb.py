"""The consumer `demand-table`: fans' selected events are written to DynamoDB, where DEMAND_TABLE
names a table. [T-4]

    note what may be there from now on → write (no transaction) → note what is there

Killed in between, the same is written again and changes nothing, and events that are gone by then
are taken out though nobody knows whether they were written. A step begins no write after a
deadline: the rest waits for the next one, and a stop is obeyed. Each write is conditional on the
row's version, so a process that was stopped cannot undo a newer one. An item that DynamoDB refuses
is tried again after an hour, or when it changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from time import monotonic
from typing import Final, NamedTuple

from django.conf import settings
from django.db.models import F, QuerySet
from django.db.models.functions import Now

from datalake.aws.dynamodb import AT_ONCE, LONGEST_SECONDS, SetTable
from datalake.errors import ItemRefused, TableUnreachable
from datalake.streams import consumers
from datalake.streams.consumers import Consumed
from demand.models import SelectedEvents
from operations.alerts import alert_failure
from operations.database.locks import ended_when_idle, exclusive
from operations.database.statements import rows, run

CONSUMER: Final = "demand-table"
LOCK: Final = "demand table"  # whoever writes to it has it alone
KEY, ATTRIBUTE = "globalUserId", "selected_events"
FANS_PER_BATCH: Final = 25
REFUSED_FOR: Final = timedelta(hours=1)
LATER: Final = "later"  # a write that was not begun
# the session of a process that is stopped while it writes is ended, so that another one goes on
STOPPED_SECONDS: Final = 60.0
# a step may not be taken for one that was stopped: it begins writes for so long, of two requests
BEGIN_SECONDS: Final = STOPPED_SECONDS - 2 * LONGEST_SECONDS - 5.0

_BEGIN = """
UPDATE demand_selectedevents AS row SET written_ids =
    ARRAY(SELECT unnest(row.written_ids) UNION SELECT unnest(row.event_ids) ORDER BY 1)
WHERE id IN (
    SELECT id FROM demand_selectedevents
    WHERE written_version < version AND try_at <= clock_timestamp()
    ORDER BY try_at, id LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
RETURNING id, global_user_id, version, event_ids, written_ids
"""
_END = """
UPDATE demand_selectedevents AS row
SET written_version = done.version, written_ids = row.event_ids, error = ''
FROM unnest(%(ids)s::bigint[], %(versions)s::bigint[]) AS done(id, version)
WHERE row.id = done.id AND row.version = done.version
"""


class Due(NamedTuple):
    """A fan's events to write; `maybe_there` are those that may have been written ever."""

    pk: int
    fan: str
    version: int
    event_ids: list[str]
    maybe_there: list[str]


def register() -> None:
    """Let `consume` run the consumer."""
    consumers.register_source(CONSUMER, "selected events", step, waits=to_write)


def to_write() -> int:
    """How many fans' events are still to be written; 0 without DEMAND_TABLE."""
    return _unwritten().count() if settings.DEMAND_TABLE else 0


def step(batches: int) -> Consumed | None:
    """Write some fans' events; None where nothing waits or another process writes. Raises
    TableUnreachable, when all that could be written is noted.
    """
    if not settings.DEMAND_TABLE:
        return None
    with exclusive(LOCK, wait=False) as alone:
        if not alone:
            return None
        with ended_when_idle(STOPPED_SECONDS):
            due = [Due(*row) for row in rows(_BEGIN, limit=batches * FANS_PER_BATCH)]
            return _write(due) if due else None


def the_table() -> SetTable:
    return SetTable(
        settings.DEMAND_TABLE,
        key=KEY,
        attribute=ATTRIBUTE,
        endpoint=settings.AWS_ENDPOINT_URL,
    )


def _unwritten() -> QuerySet[SelectedEvents]:
    return SelectedEvents.objects.filter(written_version__lt=F("version"))


def _write(due: Sequence[Due]) -> Consumed:
    until = monotonic() + BEGIN_SECONDS
    with ThreadPoolExecutor(AT_ONCE) as writers:
        outcomes = list(writers.map(partial(_write_one, the_table(), until), due))
    pairs = [(each, why) for each, why in zip(due, outcomes, strict=True) if why != LATER]
    written = [each for each, outcome in pairs if outcome is None]
    run(_END, ids=[each.pk for each in written], versions=[each.version for each in written])
    refused = [(each, why) for each, why in pairs if isinstance(why, ItemRefused)]
    for each, why in refused:
        _note_refusal(each, why)
    if away := [why for _, why in pairs if isinstance(why, TableUnreachable)]:
        raise away[0]
    return Consumed(len(pairs), records_out=len(written), invalid=len(refused))


def _write_one(
    table: SetTable, until: float, due: Due
) -> ItemRefused | TableUnreachable | str | None:
    """None where it is written; LATER where it is too late to begin."""
    if monotonic() >= until:
        return LATER
    gone = set(due.maybe_there) - set(due.event_ids)
    try:
        table.write(due.fan, version=due.version, strings=due.event_ids, gone=gone)
    except (ItemRefused, TableUnreachable) as error:
        return error
    return None


def _note_refusal(due: Due, why: ItemRefused) -> None:
    SelectedEvents.objects.filter(pk=due.pk, version=due.version).update(
        error=str(why), try_at=Now() + REFUSED_FOR
    )
    page = f"/admin/demand/selectedevents/{due.pk}/change/"
    alert_failure(f"Consumer {CONSUMER}", "selected events", why, page=page)
