"""Slack is warned 48, 26 and 2 hours before a notify date of steps that are not done: once each,
however many workers look. [O-9]
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse

from campaigns.choices import CampaignStatus
from operations.adminkit.countdowns import until
from operations.alerts import alert
from operations.database.retries import retried
from waves.deadlines.steps import LEFT, WARNED_HOURS, due_warning, not_done
from waves.models import DeadlineWarning, Wave
from waves.preparation.judgement import LEAD_TIME


def warn(*, now: datetime) -> int:
    """Returns how many warnings were given."""
    return sum(_warn(wave, now) for wave in _near(now))


def _near(now: datetime) -> QuerySet[Wave]:
    soon = now + timedelta(hours=max(WARNED_HOURS))
    waves = Wave.objects.filter(state__in=list(LEFT), notify_date__gt=now, notify_date__lte=soon)
    return waves.filter(campaign__status=CampaignStatus.OPEN).order_by("notify_date", "id")


@retried
@transaction.atomic
def _warn(wave: Wave, now: datetime) -> bool:
    hours = due_warning(wave.notify_date, now)
    if hours is None:
        return False
    _, is_new = DeadlineWarning.objects.get_or_create(
        wave=wave, notify_date=wave.notify_date, hours=hours
    )
    if not is_new:
        return False
    alert(_text(wave, now))
    return True


def _text(wave: Wave, now: datetime) -> str:
    left, due = not_done(wave.state), wave.notify_date.astimezone(UTC)
    late = ""
    if "prepare" in left:
        latest = (wave.notify_date - LEAD_TIME).astimezone(UTC)
        passed = now > wave.notify_date - LEAD_TIME
        late = (
            " Preparing it now needs permission and a reason for short notice."
            if passed
            else f" It must be prepared by {latest:%Y-%m-%d %H:%M} UTC."
        )
    return (
        f":alarm_clock: Wave {wave.name} is due {until(wave.notify_date, now, past='late')}, at"
        f" {due:%Y-%m-%d %H:%M} UTC. Still to do: {', '.join(left)}.{late}\n"
        f"{settings.SITE_URL.rstrip('/')}{reverse('wave', args=[wave.name])}"
    )
