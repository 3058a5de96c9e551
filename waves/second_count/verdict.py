"""What the second count said of a wave's content, and what follows from it: without agreement no
approval. [X-14]
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from django.db import transaction
from django.db.models import F, Q, QuerySet

from operations.alerts import alert
from operations.database.retries import retried
from operations.leases import Lease
from waves.choices import WaveState
from waves.errors import NotCounted
from waves.locks import lock_wave
from waves.models import Wave
from waves.second_count.checker import Verdict
from waves.second_count.claim import Claim

WHAT_TO_DO = (
    "An operator must reset the wave and prepare it again. If it differs again, report it: the"
    " selection may be faulty."
)


class Standing(StrEnum):
    """Of a wave's second count, in the words that people read."""

    AGREES = "agrees"
    DIFFERS = "differs"
    NOT_FINISHED = "not finished"


# What a wave has whose members are new, or are gone.
NO_VERDICT: Final[Mapping[str, Any]] = {
    "counted_digest": "",
    "differs_digest": "",
    "counted_at": None,
    "count_problems": [],
}


def uncounted() -> QuerySet[Wave]:
    """Prepared waves about whose present content no second count has given a verdict."""
    said = Q(counted_digest=F("content_digest")) | Q(differs_digest=F("content_digest"))
    return Wave.objects.filter(~said, state=WaveState.PREPARED).select_related("campaign")


def standing(wave: Wave) -> Standing:
    """What the second count says of the wave's present content."""
    if wave.content_digest and wave.counted_digest == wave.content_digest:
        return Standing.AGREES
    if wave.content_digest and wave.differs_digest == wave.content_digest:
        return Standing.DIFFERS
    return Standing.NOT_FINISHED


def is_due(wave: Wave) -> bool:
    """Whether this wave is one of `uncounted`."""
    return wave.state == WaveState.PREPARED and standing(wave) == Standing.NOT_FINISHED


def require_counted(wave: Wave) -> None:
    """Raises NotCounted unless the second count agrees with the wave's present content."""
    found = standing(wave)
    if found == Standing.AGREES:
        return
    if found == Standing.DIFFERS:
        raise NotCounted(
            f"Wave {wave.name} cannot be approved: its second count differs."
            f" {wave.count_problems[0]} {WHAT_TO_DO}"
        )
    raise NotCounted(
        f"Wave {wave.name} cannot be approved yet: its second count is not finished. Wait until the"
        " wave's page shows that it agrees."
    )


@retried
@transaction.atomic
def record(wave: Wave, lease: Lease, claim: Claim, verdict: Verdict, *, now: datetime) -> None:
    """Keep the verdict about what was claimed, as this attempt of the job. A wave that says
    something else by now, or was prepared anew, is left alone: that is counted next. Raises
    LeaseLost.
    """
    locked, digest = lock_wave(wave.pk), claim.content_digest
    lease.hold()
    now_claimed = (locked.content_digest, locked.facts_digest)
    if locked.state != WaveState.PREPARED or now_claimed != (digest, claim.facts_digest):
        return
    Wave.objects.filter(pk=wave.pk).update(
        counted_digest=digest if verdict.agrees else "",
        differs_digest="" if verdict.agrees else digest,
        count_problems=list(verdict.problems),
        counted_at=now,
    )
    if not verdict.agrees:
        alert(
            f":rotating_light: Wave {wave.name}: the second count differs, so it cannot be"
            f" approved. {verdict.problems[0]} {WHAT_TO_DO}"
        )
