"""The success metrics are measured and kept; one that misses its target alerts, once until it is
met again. [O-8]
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from operations.alerts import alert
from operations.database.locks import lock_in_transaction
from stats.metrics.goals import WINDOW, Goal, amount, goals_by_group
from stats.metrics.measure import Measured, measure
from stats.models import Metric


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
    alerted = sum(_keep(goal, found[goal.name], now) for goal in goals)
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
def _keep(goal: Goal, found: Measured, now: datetime) -> bool:
    """Whether this miss is new, and alerts. An older measurement than the kept one is dropped."""
    lock_in_transaction(f"success metric:{goal.name}")
    last = Metric.objects.filter(name=goal.name).first()
    if last is not None and last.measured_at > now:
        return False
    is_met, before = goal.is_met(found.value), last.missed_since if last else None
    Metric.objects.update_or_create(
        name=goal.name,
        defaults={
            "value": found.value,
            "samples": found.samples,
            "measured_at": now,
            "missed_since": None if is_met else before or now,
        },
    )
    if is_met or before is not None:
        return False
    alert(_text(goal, found))
    return True


def _text(goal: Goal, found: Measured) -> str:
    return (
        f":warning: Success metric missed: {goal.words}: {amount(found.value, goal.unit)} in the"
        f" last {WINDOW.days} days (target: {goal.target_words}; {found.samples:,} measured)\n"
        f"{settings.SITE_URL.rstrip('/')}{reverse('success-metrics')}"
    )
