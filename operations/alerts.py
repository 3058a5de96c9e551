"""Messages for Slack: written as rows, delivered in batches, one request a second, never in the way of work. [O-2]"""

import json
import logging
import time
import urllib.error
import urllib.request

from django.conf import settings
from django.utils import timezone

from operations.choices import AlertState
from operations.models import Alert, Job

logger = logging.getLogger(__name__)

BATCH = 20
MOST_ATTEMPTS = 10
TIMEOUT_SECONDS = 5.0
PAUSE_SECONDS = 1.0  # Slack takes one message a second and channel


def alert(text: str) -> None:
    """Queue a message. Deliver it with `deliver`; a transaction that rolls back takes its message along."""
    Alert.objects.create(text=text)


def alert_failed_job(job: Job) -> None:
    """Kind, subject, error and link of a failed job."""
    link = f"{settings.SITE_URL}/admin/operations/job/{job.pk}/change/"
    alert(f":red_circle: {job.kind} failed for {job.subject}: {job.error}\n{link}")


def deliver() -> int:
    """Post what is pending, oldest first, several to a message. Returns how many alerts were delivered.

    Without SLACK_WEBHOOK_URL the alerts are only marked as dropped; they stay readable on the operators' site.
    """
    delivered = 0
    while batch := list(Alert.objects.filter(state=AlertState.PENDING).order_by("id")[:BATCH]):
        chosen = Alert.objects.filter(pk__in=[alert.pk for alert in batch], state=AlertState.PENDING)
        if not settings.SLACK_WEBHOOK_URL:
            chosen.update(state=AlertState.DROPPED)
            continue
        if not _post("\n".join(alert.text for alert in batch)):
            _count_attempt(batch)
            break
        chosen.update(state=AlertState.SENT, sent_at=timezone.now())
        delivered += len(batch)
        time.sleep(PAUSE_SECONDS)
    return delivered


def _count_attempt(batch: list[Alert]) -> None:
    for waiting in batch:
        waiting.attempts += 1
        if waiting.attempts >= MOST_ATTEMPTS:
            waiting.state = AlertState.DROPPED
    Alert.objects.bulk_update(batch, ["attempts", "state"])


def _post(text: str) -> bool:
    body = json.dumps({"text": text}).encode()
    request = urllib.request.Request(  # noqa: S310 the setting is checked to be http or https
        settings.SLACK_WEBHOOK_URL, data=body, headers={"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS):  # noqa: S310
            return True
    except (urllib.error.URLError, OSError) as error:
        logger.warning("slack not reached", extra={"error": type(error).__name__})
        return False
