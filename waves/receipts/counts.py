"""How many of the events that providers posted had no effect, by day, and why. [N-3]"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from django.db import connection
from django.db.models import Sum
from django.utils import timezone

from waves.choices import ReceiptResult
from waves.models import ReceiptCount

SLOTS: Final = 16
ADD = """
INSERT INTO waves_receiptcount (provider, day, result, slot, number)
SELECT %(provider)s, (now() AT TIME ZONE 'UTC')::date, v.result, %(slot)s, v.number
FROM unnest(%(results)s::text[], %(numbers)s::bigint[]) AS v (result, number)
ORDER BY v.result
ON CONFLICT (provider, day, result, slot)
    DO UPDATE SET number = waves_receiptcount.number + excluded.number
"""


def add(provider: str, results: Mapping[ReceiptResult, int]) -> None:
    """Add to the day's counts; what was applied is counted from its messages."""
    counted = {
        result.value: number
        for result, number in results.items()
        if result != ReceiptResult.APPLIED
    }
    if not counted:
        return
    values: dict[str, Any] = {
        "provider": provider,
        "results": list(counted),
        "numbers": list(counted.values()),
        "slot": random.randrange(SLOTS),  # noqa: S311 spreads them, guards nothing
    }
    with connection.cursor() as cursor:
        cursor.execute(ADD, values)


def of_last_days(days: int) -> dict[str, dict[str, int]]:
    """For each provider, how many events had each result, by its words, today and on the days
    before.
    """
    since = timezone.now().date() - timedelta(days=days - 1)
    rows = ReceiptCount.objects.filter(day__gte=since).values_list("provider", "result")
    found = defaultdict[str, dict[str, int]](dict)
    for provider, result, number in rows.annotate(Sum("number")).order_by("provider", "result"):
        found[provider][ReceiptResult(result).label] = number
    return dict(found)
