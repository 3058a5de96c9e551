"""What runs on a schedule. [O-3, O-8]"""

from __future__ import annotations

from django.utils import timezone

from operations.schedules import ScheduledRun
from stats.metrics import watch
from stats.slack import campaigns, finished
from stats.snapshots import save


def save_stats() -> None:
    """Every five minutes."""
    save.save_open(now=timezone.now())


def watch_metrics() -> None:
    """Every five minutes: the success metrics are measured."""
    watch.watch(now=timezone.now())


def slack_stats() -> None:
    """Every 30 minutes."""
    campaigns.report(now=timezone.now())


def report_finished() -> None:
    """Each minute: Slack is told of waves and merges that are finished."""
    finished.report(now=timezone.now())


def thin_out_stats() -> None:
    """Daily."""
    save.thin_out(now=timezone.now())


SCHEDULED_RUNS = [
    ScheduledRun("save_stats", save_stats, every="5 minutes"),
    ScheduledRun("watch_metrics", watch_metrics, every="5 minutes"),
    ScheduledRun("slack_stats", slack_stats, every="30 minutes"),
    ScheduledRun("report_finished", report_finished, every="minute"),
    ScheduledRun("thin_out_stats", thin_out_stats, every="day", hour=3),
]
