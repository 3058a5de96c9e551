"""The success metrics are measured and kept; one that misses its target alerts, and again when it
gets worse or has a new miss. [O-8]
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from operations.alerts import alert
from operations.database.locks import lock_in_transaction
from stats.metrics.goals import WINDOW, Goal, amount, goals_by_group
from stats.metrics.measure import Measured, measure
from stats.models import Metric

AGAIN_AFTER: Final = timedelta(hours=1)  # what gets worse all the time alerts once an hour


class Standing(NamedTuple):
    """A goal and how it was measured last; None before that."""

    goal: Goal
    metric: Metric | None

    @property
    def value(self) -> float | None:
        return self.metric.value if self.metric else None

    @property
    def is_met(self) -> bool:
        return self.goal.is_met(self.value)

    @property
    def value_words(self) -> str:
        return amount(self.value, self.goal.unit)


def watch(*, now: datetime) -> dict[str, int]:
    """Returns how many metrics were `measured`, are `missed`, and `alerted`."""
    found, goals = measure(now=now), list(_goals())
    alerted = _keep(goals, found, now)
    missed = sum(not goal.is_met(found[goal.name].value) for goal in goals)
    return {"measured": len(goals), "missed": missed, "alerted": alerted}


def standings() -> list[tuple[str, list[Standing]]]:
    """By group, for the page and for `/metrics`."""
    metrics = {metric.name: metric for metric in Metric.objects.all()}
    return [
        (title, [Standing(goal, metrics.get(goal.name)) for goal in goals])
        for title, goals in goals_by_group(settings.SMS_PER_SECOND)
    ]


def _goals() -> Iterator[Goal]:
    for _, goals in goals_by_group(settings.SMS_PER_SECOND):
        yield from goals


@transaction.atomic
def _keep(goals: Sequence[Goal], found: Mapping[str, Measured], now: datetime) -> int:
    """How many misses are new, and alert. An older measurement than the kept one is dropped."""
    lock_in_transaction("success metrics")
    last = {metric.name: metric for metric in Metric.objects.all()}
    if any(metric.measured_at > now for metric in last.values()):
        return 0
    metrics, alerted = [], 0
    for goal in goals:
        measured = found[goal.name]
        before = last.get(goal.name) or Metric()
        metric = Metric(name=goal.name, value=measured.value, samples=measured.samples)
        metric.measured_at = now
        if not goal.is_met(measured.value):
            metric.missed_since = before.missed_since or now
            metric.alerted_at, metric.alerted_value = before.alerted_at, before.alerted_value
            if alerts(goal, measured, before, now=now):
                metric.alerted_at, metric.alerted_value = now, measured.value
                alert(_text(goal, measured))
                alerted += 1
        metrics.append(metric)
    Metric.objects.bulk_create(
        metrics,
        update_conflicts=True,
        unique_fields=["name"],
        update_fields=[
            "value",
            "samples",
            "measured_at",
            "missed_since",
            "alerted_at",
            "alerted_value",
        ],
    )
    return alerted


def alerts(goal: Goal, found: Measured, before: Metric, *, now: datetime) -> bool:
    """Whether a miss is worth an alert: the first one, and what is worse or newer than what
    alerted last. Pure.
    """
    if before.alerted_at is None or before.alerted_value is None or found.value is None:
        return True
    worse = goal.is_worse(found.value, before.alerted_value)
    newer = found.missed_at is not None and found.missed_at > before.alerted_at
    return (worse or newer) and now - before.alerted_at >= AGAIN_AFTER


def _text(goal: Goal, found: Measured) -> str:
    newest = f"; last missed at {found.missed_at:%Y-%m-%d %H:%M} UTC" if found.missed_at else ""
    return (
        f":warning: Success metric missed: {goal.words}: {amount(found.value, goal.unit)} in the"
        f" last {WINDOW.days} days (target: {goal.target_words}; {found.samples:,} measured"
        f"{newest})\n"
        f"{settings.SITE_URL.rstrip('/')}{reverse('success-metrics')}"
    )
