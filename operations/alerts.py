"""Messages for Slack: written as rows, delivered in batches, one request a second, never in the way
of work. [O-2]
"""

from __future__ import annotations

import http.client
import json
import logging
import time
import urllib.error
import urllib.request
from datetime import UTC, timedelta
from enum import Enum

from django.conf import settings
from django.db.models import F
from django.utils import timezone

from operations import job_kinds
from operations.choices import AlertState
from operations.database.locks import ended_when_idle, exclusive
from operations.errors import error_text
from operations.instants import in_words
from operations.models import Alert, Job

logger = logging.getLogger(__name__)

BATCH = 20
LONGEST_TEXT = 1_800  # a batch stays below the 40,000 characters that Slack takes
KEPT_FOR = timedelta(days=1)  # so long does an alert wait for a Slack that is down
TIMEOUT_SECONDS = 5.0
# A deliverer asks the database after each message. One that does not for so long is stopped or cut
# off: another one takes over with the next sweep, within a minute. What it posted just then may
# come twice.
STOPPED_SECONDS = 30.0
PAUSE_SECONDS = 1.0  # Slack takes one message a second and channel
MOST_REQUESTS = 10  # at a time, so that a flood of alerts delays nothing else
SAME_AGAIN_AFTER = timedelta(hours=1)  # what fails each minute alerts once an hour
LAST_ALERTS = 500  # among which the same one is looked for


class Answer(Enum):
    """What Slack made of a message."""

    TAKEN = "taken"
    NOT_NOW = "not now"
    REFUSED = "refused"


def alert(text: str) -> None:
    """Queue a message. Deliver it with `deliver`; a transaction that rolls back takes its message
    along.
    """
    Alert.objects.create(text=text if len(text) <= LONGEST_TEXT else f"{text[: LONGEST_TEXT - 1]}…")


def alert_failed_job(job: Job) -> None:
    """Kind, subject, error and link of a failed job, and when it is tried again."""
    kind = job_kinds.shown_kind(job.kind).words
    page = f"/admin/operations/job/{job.pk}/change/"
    again = f" Retry at {job.retry_at.astimezone(UTC):%H:%M} UTC." if job.retry_at else ""
    alert(_failure(kind, job.works_on, job.error, page, more=again))


def alert_waiting_job(job: Job) -> None:
    """Kind, subject and link of a job that waits for other work, for which and since when."""
    kind = job_kinds.shown_kind(job.kind).words
    since = job.waits_since or timezone.now()
    alert(
        f":hourglass: {kind} for {job.works_on} has been waiting since {in_words(since)}."
        f" It continues automatically. {_shown(job.waits_for)}\n"
        f"{settings.SITE_URL}/admin/operations/job/{job.pk}/change/"
    )


def alert_failure(kind: str, subject: str, error: Exception, *, page: str) -> None:
    """Kind, subject, error and link of anything else that failed, once an hour; `page` is a path of
    the site.
    """
    text = _failure(kind, subject, error_text(error), page)
    last = Alert.objects.order_by("-id").values("pk")[:LAST_ALERTS]
    recent = timezone.now() - SAME_AGAIN_AFTER
    if not Alert.objects.filter(pk__in=last, created_at__gt=recent, text=text).exists():
        alert(text)


def _failure(kind: str, subject: str, error: str, page: str, *, more: str = "") -> str:
    address = f"{settings.SITE_URL}{page}"
    return f":red_circle: {kind} failed for {subject}: {_shown(error)}{more}\n{address}"


def _shown(error: str) -> str:
    return error if len(error) <= LONGEST_TEXT // 2 else f"{error[: LONGEST_TEXT // 2]}…"


def deliver() -> int:
    """Post what is pending, oldest first, several to a message, for some seconds at most. Returns
    how many alerts were delivered.

    Without SLACK_WEBHOOK_URL the alerts are only marked as dropped; they stay readable on the
    operators' site. What Slack refuses for good is dropped, one by one, so that it does not hold up
    the others; what it cannot take now waits a day.
    """
    # one deliverer at a time: nothing twice, and the pause holds for all
    with exclusive("alerts", wait=False) as alone:
        if not alone:
            return 0
        with ended_when_idle(STOPPED_SECONDS):
            pending = Alert.objects.filter(state=AlertState.PENDING).order_by("id")
            if not settings.SLACK_WEBHOOK_URL:
                pending.update(state=AlertState.DROPPED)
                return 0
            old = pending.filter(created_at__lt=timezone.now() - KEPT_FOR)
            old.update(state=AlertState.DROPPED)
            return _deliver_all()


def _deliver_all() -> int:
    delivered, size = 0, BATCH
    for _ in range(MOST_REQUESTS):
        batch = list(Alert.objects.filter(state=AlertState.PENDING).order_by("id")[:size])
        if not batch:
            break
        chosen = Alert.objects.filter(pk__in=[alert.pk for alert in batch])
        answer = _post("\n".join(alert.text for alert in batch))
        chosen.update(attempts=F("attempts") + 1)
        if answer is Answer.NOT_NOW:
            break
        if answer is Answer.TAKEN:
            chosen.update(state=AlertState.SENT, sent_at=timezone.now())
            delivered += len(batch)
        elif size == 1:
            chosen.update(state=AlertState.DROPPED)
        size = 1 if answer is Answer.REFUSED else BATCH
        time.sleep(PAUSE_SECONDS)
    return delivered


def slack_answers() -> bool:
    """Whether Slack's address answers at all, asked without a message."""
    request = urllib.request.Request(settings.SLACK_WEBHOOK_URL)  # noqa: S310 as below
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS):  # noqa: S310
            return True
    except urllib.error.HTTPError:
        return True  # it takes posts only
    except (OSError, http.client.HTTPException, ValueError):
        return False


def _post(text: str) -> Answer:
    # Escaped, so that the text of an error mentions no one and links nowhere.
    shown = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    request = urllib.request.Request(  # noqa: S310 the setting is checked to be http or https
        settings.SLACK_WEBHOOK_URL,
        data=json.dumps({"text": shown}).encode(),
        headers={"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS):  # noqa: S310
            return Answer.TAKEN
    except urllib.error.HTTPError as error:
        logger.warning("slack refused", extra={"status": error.code})
        return (
            Answer.REFUSED
            if 400 <= error.code < 500 and error.code not in {408, 429}
            else Answer.NOT_NOW
        )
    except (OSError, http.client.HTTPException) as error:
        logger.warning("slack not reached", extra={"error": type(error).__name__})
        return Answer.NOT_NOW
