"""Every past day or month that has loose files is merged, late ones and foreign ones included; one
that fails does not hold up the others. [L-3]
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import date, datetime

from datalake import adopt, catalogue, layout
from datalake.errors import NoFiles
from datalake.layout import Period
from datalake.merging.merge import merge_period, require_enabled
from datalake.models import Merge
from operations.errors import Refusal, error_text

logger = logging.getLogger(__name__)

# Why a period was not merged: it was refused, or disk or bucket did not do their part.
Failure = Refusal | OSError


def merge_past(
    record_types: Sequence[str],
    *,
    monthly: bool,
    now: datetime,
    on_period: Callable[[int, int], object] = lambda done, total: None,
) -> tuple[list[Merge], list[Failure]]:
    """Merge every past period of these types that has loose files, late ones and foreign ones
    included.

    A period that fails does not hold up the others. Returns the merges and the failures.
    `on_period` is called before each period with how many are done, of how many. Raises
    TypeNotEnabled; OSError where the lake cannot be listed.
    """
    today = layout.day_of(now).last_day
    for record_type in record_types:
        require_enabled(record_type)
    periods = [
        (each, period)
        for each in record_types
        for period in _past_periods(each, monthly=monthly, today=today)
    ]
    merges, failures = _merge_all(periods, on_period)
    others = [
        (each, period)
        for each in record_types
        for period in catalogue.fragmented_periods(each, monthly=monthly, before=today)
        if (each, period) not in periods
    ]  # of which a foreign file held records
    more_merges, more_failures = _merge_all(others, on_period)
    return merges + more_merges, failures + more_failures


def merge_each(record_types: Sequence[str], period: Period) -> tuple[list[Merge], list[Failure]]:
    """Merge one period of these types, over or not. Types without files are passed over unless none
    has any (NoFiles).
    """
    merges, failures = _merge_all([(record_type, period) for record_type in record_types])
    real = [failure for failure in failures if not isinstance(failure, NoFiles)]
    return merges, real if merges else real or failures


def _merge_all(
    periods: Sequence[tuple[str, Period]],
    on_period: Callable[[int, int], object] = lambda done, total: None,
) -> tuple[list[Merge], list[Failure]]:
    merges: list[Merge] = []
    failures: list[Failure] = []
    for done, (record_type, period) in enumerate(periods):
        on_period(done, len(periods))
        try:
            merges.append(merge_period(record_type, period))
        except (Refusal, OSError) as failure:
            logger.warning(
                "merge failed",
                extra={"type": record_type, "period": str(period), "why": error_text(failure)},
            )
            failures.append(failure)
    return merges, failures


def _past_periods(record_type: str, *, monthly: bool, today: date) -> list[Period]:
    foreign = [layout.parse_loose_key(key) for key in adopt.foreign_keys(record_type)]
    days = [located[1] for located in foreign if located and located[1].last_day < today]
    waiting = (
        {day.month_period for day in days if day.month_period.last_day < today}
        if monthly
        else set(days)
    )
    return sorted(
        waiting | set(catalogue.fragmented_periods(record_type, monthly=monthly, before=today))
    )
