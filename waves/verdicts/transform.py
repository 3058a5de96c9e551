"""The consumer `transform`: code assignments of `input` whose campaign, fan and market are known go
on to `save-selection`. [T-3]
"""

from __future__ import annotations

import hashlib
import logging
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

from datalake import streams
from datalake.choices import RecordType, StreamName
from datalake.streams import consumers
from operations import correlation
from operations.alerts import alert_failure
from operations.errors import Refusal
from waves.locks import lock_selections
from waves.verdicts.erased_fans import without_erased
from waves.verdicts.judgement import judged
from waves.verdicts.looking_up import look_up

logger = logging.getLogger(__name__)

CONSUMER: Final = "transform"
BATCHES: Final = 8  # of the stream in one transaction, which takes about a second
DEAD_LETTERS: Final = "/admin/datalake/deadletter/"


class RecordsRejected(Refusal):
    """Records were rejected; they are dead letters. [T-3]"""


def register() -> None:
    """Let `consume` run the consumer."""
    types = {RecordType.CODE_ASSIGNMENT}
    consumers.register(CONSUMER, StreamName.INPUT, take, types=types, most=BATCHES)


def take(records: list[dict[str, Any]]) -> Mapping[int, str]:
    """Pass on what is known, each record under the correlation id that it came with; what is
    rejected and why, by numbers.
    """
    # an erasure that is asked for meanwhile waits until this is committed, and finds it
    lock_selections()
    numbers = sorted(without_erased(CONSUMER, records))
    asked = [records[number] for number in numbers]
    reasons = judged(zip(asked, look_up(asked), strict=True))
    pass_on([record for record, why in zip(asked, reasons, strict=True) if why is None])
    rejected = {
        number: str(why) for number, why in zip(numbers, reasons, strict=True) if why is not None
    }
    warn(CONSUMER, StreamName.INPUT, list(rejected.values()))
    return rejected


def pass_on(records: Sequence[Mapping[str, Any]]) -> None:
    by_correlation = defaultdict[str, list[streams.Record]](list)
    for record in records:
        data = {name: value for name, value in record.items() if name != "correlationId"}
        by_correlation[record["correlationId"]].append(streams.Record(record["code"], data))
    for correlation_id, some in by_correlation.items():
        with correlation.correlated(correlation_id):
            streams.publish(StreamName.SAVE_SELECTION, some, key=_key(some))


def _key(records: Sequence[streams.Record]) -> str:
    """What these records are, whatever attempt publishes them."""
    hashes = "".join(record.data["dedupeHash"] for record in records)
    return f"{CONSUMER}:{hashlib.sha256(hashes.encode()).hexdigest()}"


def warn(consumer: str, source: str, reasons: Sequence[str]) -> None:
    """Say that records were rejected: in the log how many, to people once an hour."""
    if not reasons:
        return
    counts = dict(sorted(Counter(reasons).items()))
    logger.warning("records rejected", extra={"consumer": consumer, "counts": counts})
    error = RecordsRejected(
        f"Records were rejected ({', '.join(counts)}). They are among the dead letters: replay them"
        " when the cause is fixed."
    )
    alert_failure(f"Consumer {consumer}", f"stream {source}", error, page=DEAD_LETTERS)
