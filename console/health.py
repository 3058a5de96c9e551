"""`/healthz`: the process lives. `/readyz`: database and storage answer, and what the services do.
`/metrics`: their heartbeats and the success metrics, for Prometheus, to those who may know. [O-2,
O-8]

The first two are for anybody. They write nothing, name no machine, and however often strangers ask,
database and storage are asked once in some seconds.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable
from datetime import timedelta

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from datalake.storage import buckets
from datalake.streams import lag
from datalake.streams.lag import Lag
from operations.choices import JobState
from operations.entry.kept import Kept
from operations.models import Job
from operations.plurals import plural
from operations.services import heartbeats
from stats.metrics import watch

logger = logging.getLogger(__name__)
BUCKETS = {"scoring": buckets.scoring, "campaign data": buckets.campaign_data}
WAITED_TOO_LONG = timedelta(seconds=90)
READY_SECONDS, UNANSWERED_SECONDS = 5, 30


@require_safe
@never_cache
def healthz(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"ok": True})


@require_safe
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when database and storage answer, else 503. The body has each part with `ok` or what is
    wrong, the services too: a site without workers still takes files and receipts.
    """
    parts, age = READINESS.get()
    if age > UNANSWERED_SECONDS:  # another request has been waiting for the next answer
        parts = {"database and storage": f"no answer for more than {UNANSWERED_SECONDS} s"}
    ok = parts.get("database") == parts.get("storage") == "ok"
    return JsonResponse({"ok": ok, **parts}, status=200 if ok else 503)


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """For those who bear METRICS_TOKEN, or may see jobs."""
    if not (_bears_token(request) or request.user.has_perm("operations.view_job")):
        return HttpResponseForbidden("Send METRICS_TOKEN as a bearer token, or log in.\n")
    lines = [
        "# HELP fairwave_service_up Whether a process of the service has a heartbeat.",
        "# TYPE fairwave_service_up gauge",
        *(
            f'fairwave_service_up{{service="{_escaped(each.name)}"}} {int(each.living > 0)}'
            for each in heartbeats.services()
        ),
        "# HELP fairwave_heartbeat_age_seconds Time since the last heartbeat of a process.",
        "# TYPE fairwave_heartbeat_age_seconds gauge",
        *(
            f'fairwave_heartbeat_age_seconds{{service="{_escaped(each.service)}",'
            f'host="{_escaped(each.host)}",pid="{each.pid}"}} {each.age.total_seconds():.1f}'
            for each in heartbeats.with_age()
        ),
        *_of_consumers(),
        *_of_success_metrics(),
    ]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; version=0.0.4")


def _of_consumers() -> list[str]:
    """What each consumer is behind; 0 seconds where no record waits. [T-1]"""
    found = lag.lags()
    parts: dict[str, tuple[str, Callable[[Lag], object]]] = {
        "records": ("Records that the consumer has not processed yet", lambda each: each.records),
        "seconds": (
            "How long the oldest of them has waited",
            lambda each: f"{each.age.total_seconds():.1f}" if each.age else 0,
        ),
    }
    lines = []
    for part, (help_text, read) in parts.items():
        name = f"fairwave_consumer_lag_{part}"
        lines += [f"# HELP {name} {help_text}.", f"# TYPE {name} gauge"]
        lines += [
            f'{name}{{consumer="{_escaped(each.consumer)}",stream="{_escaped(each.stream)}"}}'
            f" {read(each)}"
            for each in found
        ]
    return lines


def _of_success_metrics() -> list[str]:
    """As they were measured last; those that had nothing to measure are left out. [O-8]"""
    found = [each for _, standings in watch.standings() for each in standings]
    measured = [each for each in found if each.value is not None]
    parts = {
        "value": ("A success metric, in its unit", lambda each: each.value),
        "target": ("Its target, in the same unit", lambda each: each.goal.target),
        "met": ("Whether it meets its target", lambda each: int(each.is_met)),
    }
    lines = []
    for part, (help_text, read) in parts.items():
        name = f"fairwave_success_metric_{part}"
        lines += [f"# HELP {name} {help_text}.", f"# TYPE {name} gauge"]
        lines += [
            f'{name}{{metric="{each.goal.name}",unit="{each.goal.unit}"}} {read(each):g}'
            for each in measured
        ]
    return lines


def _bears_token(request: HttpRequest) -> bool:
    token: str = settings.METRICS_TOKEN
    given = request.headers.get("Authorization", "").encode()
    return bool(token) and hmac.compare_digest(given, f"Bearer {token}".encode())


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _parts() -> dict[str, str]:
    """Each part of the site: `ok`, or what is wrong."""
    parts = {"database": _database(), "storage": _storage()}
    if parts["database"] == "ok":
        parts |= {each.name: each.public_words for each in heartbeats.services()}
        parts["jobs"] = _jobs()
    return parts


READINESS = Kept(_parts, seconds=READY_SECONDS)


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (DatabaseError, InterfaceError) as error:
        logger.warning("database does not respond", extra={"error": type(error).__name__})
        return "does not respond"
    return "ok"


def _storage() -> str:
    """Both buckets respond and take files."""
    for name, bucket in BUCKETS.items():
        try:
            bucket().check_reachable()
        except OSError as error:
            logger.warning("bucket does not respond", extra={"bucket": name, "error": str(error)})
            return f"{name} bucket cannot store files"
    return "ok"


def _jobs() -> str:
    """No job has waited too long for a worker."""
    waiting = Job.objects.filter(
        state=JobState.QUEUED, created_at__lt=timezone.now() - WAITED_TOO_LONG
    ).count()
    if not waiting:
        return "ok"
    return (
        f"{plural(waiting, 'job has', 'jobs have')} waited for more than"
        f" {WAITED_TOO_LONG.seconds} s"
    )
