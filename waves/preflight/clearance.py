"""Whether a wave's pre-flight allows its approval. [X-6]

The approval asks under the wave's lock, and a constraint holds that a run with red lines leads to
an approval only with a reason.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.contrib.auth.models import User
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from operations.plurals import plural
from waves.choices import WaveState
from waves.errors import NotCleared
from waves.models import Preflight, Wave

VALID_FOR: Final = timedelta(minutes=15)  # providers and workers may be down by then
PREFLIGHT_STATES: Final = (
    WaveState.PREPARED,
    WaveState.APPROVED,
    WaveState.SCHEDULED,
    WaveState.HELD,
)


def last_run(wave: Wave) -> Preflight | None:
    """The last pre-flight of the wave's present content."""
    runs = Preflight.objects.filter(wave=wave, digest=wave.content_digest)
    return runs.select_related("by", "waived_by").order_by("-id").first()


def current_run(wave: Wave) -> Preflight | None:
    """The same, unless it is too old to approve by, on the database's clock."""
    return _recent(Preflight.objects.filter(wave=wave)).filter(digest=wave.content_digest).last()


def _recent(runs: QuerySet[Preflight]) -> QuerySet[Preflight]:
    return runs.filter(at__gt=Now() - VALID_FOR, approved_at=None).order_by("id")


def unchecked() -> QuerySet[Wave]:
    """Prepared waves, counted a second time, whose present content has no pre-flight."""
    of_content = Preflight.objects.filter(wave=OuterRef("pk"), digest=OuterRef("content_digest"))
    counted = Q(counted_digest=F("content_digest")) | Q(differs_digest=F("content_digest"))
    return Wave.objects.filter(counted, ~Exists(of_content), state=WaveState.PREPARED)


def require_cleared(wave: Wave, *, waiver: str, seen: int | None) -> Preflight:
    """The run by which the wave may be approved now. `seen`: the run that the approver looked at,
    null where they look at none; a waiver is for the lines of that one. Raises NotCleared.
    """
    run = current_run(wave)
    if run is None:
        raise NotCleared(
            f"Wave {wave.name} cannot be approved yet: its content has no pre-flight of the last"
            f" {VALID_FOR.seconds // 60} minutes. Open the wave's page: the"
            " pre-flight runs there automatically, or the page says why it failed. Read its"
            " result, then approve."
        )
    if not run.reds:
        return run
    if not waiver.strip():
        red = " ".join(f"{line['name']}: {line['detail']}" for line in run.checks if is_red(line))
        raise NotCleared(
            f"Wave {wave.name} cannot be approved: its pre-flight has"
            f" {plural(run.reds, 'red line')}. {red} Fix this and run it again, or enter a reason"
            " to waive it."
        )
    if seen is not None and seen != run.pk:
        raise NotCleared(
            f"Wave {wave.name}: the pre-flight has run again since you opened the page. Read its"
            " result, then approve."
        )
    return run


def is_red(line: dict[str, str]) -> bool:
    return line["ok"] == "red"


def record_approval(run: Preflight, *, by: User, now: datetime, waiver: str) -> None:
    """The wave was approved by this run; its red lines, if any, were waived. Call it in the
    approval's transaction.
    """
    waived = {"waived_by": by, "waiver": waiver} if run.reds else {}
    Preflight.objects.filter(pk=run.pk).update(approved_at=now, **waived)
