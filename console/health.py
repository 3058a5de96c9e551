"""`/healthz`: the process lives. `/readyz`: database, storage and workers answer. No secrets, no
sign-in.
"""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from datalake.storage import buckets
from operations.choices import JobState
from operations.models import Job
from operations.plurals import plural

BUCKETS = {"scoring": buckets.scoring, "campaign data": buckets.campaign_data}
WORKERS = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name"
    " = 'fairwave qcluster'"
)
WAITED_TOO_LONG = timedelta(seconds=90)


@require_safe
@never_cache
def healthz(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"ok": True})


@require_safe
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when all answer, else 503; each part with `ok` or what is wrong."""
    database = _database()
    parts = {"database": database, "storage": _storage()}
    parts["workers"] = (
        _workers() if database == "ok" else "not checked: the database does not respond"
    )
    ok = all(part == "ok" for part in parts.values())
    return JsonResponse({"ok": ok, **parts}, status=200 if ok else 503)


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        return f"does not respond: {type(error).__name__}"
    return "ok"


def _storage() -> str:
    """Both buckets take a small object and give it back."""
    for name, bucket in BUCKETS.items():
        key = f"readyz/{uuid.uuid4()}"
        try:
            bucket().put(key, b"ready")
            bucket().delete(key)
        except OSError as error:
            return f"{name} bucket cannot store files: {type(error).__name__}"
    return "ok"


def _workers() -> str:
    """Workers of any machine hold connections that say so, and no job has waited too long for
    one.
    """
    with connection.cursor() as cursor:
        cursor.execute(WORKERS)
        (alive,) = cursor.fetchone() or (0,)
    if not alive:
        return "no worker is running: start the workers"
    waiting = Job.objects.filter(
        state=JobState.QUEUED, created_at__lt=timezone.now() - WAITED_TOO_LONG
    ).count()
    return (
        (
            f"{plural(waiting, 'job has', 'jobs have')} waited for more than"
            f" {WAITED_TOO_LONG.seconds} s"
        )
        if waiting
        else "ok"
    )
