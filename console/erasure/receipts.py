"""The receipt of an erasure: begun before anything is touched, and final once it is finished. It
names the fan by a keyed hash; while the erasure works it also says whom it looks for, because
killed anywhere it has to go on. [X-11]
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from console.models import ErasedPlace, Erasure
from datalake.erased.erasing import TABLE, Left, Place, Sought
from datalake.erased.fans import digest_of, mark
from datalake.models import ErasedFan
from operations import correlation, jobs
from operations.subjects import Subject


def subject_of(receipt: Erasure) -> Subject:
    return Subject("erasure", str(receipt.pk))


@transaction.atomic
def begin(fan_id: str, *, by: User, reason: str) -> Erasure:
    """The open receipt of this fan, or a new one, with which the fan is known as erased. Each try
    is in the history.
    """
    left = Erasure.objects.filter(fan_digest=digest_of(fan_id), finished_at=None).first()
    receipt = left or Erasure.objects.create(
        fan_digest=mark(fan_id).digest,
        by=by,
        reason=reason,
        sought={"fan": fan_id, "contacts": []},
        correlation_id=correlation.current(),
    )
    jobs.record_move(subject_of(receipt), "open" if left else "", "open", by=by, reason=reason)
    return receipt


def fan_of(receipt: Erasure) -> ErasedFan:
    return ErasedFan.objects.get(digest=receipt.fan_digest)


def sought_by(receipt: Erasure) -> Sought:
    contacts = frozenset(receipt.sought["contacts"])
    fan = fan_of(receipt)
    return Sought(receipt.sought["fan"], fan.times, contacts, asked_for=fan.erased_at)


def keep(receipt: Erasure, sought: Sought) -> None:
    """Keep what was found out before the rows that say so are erased."""
    receipt.sought = {"fan": sought.fan_id, "contacts": sorted(sought.contacts)}
    receipt.save(update_fields=["sought"])


def write_down(receipt: Erasure, place: Place) -> None:
    """An object is listed once, however often it is started again; the rows of a table add up, as
    they were changed.
    """
    named = {"erasure": receipt, "area": place.area, "what": place.what, "name": place.name}
    row, new = ErasedPlace.objects.get_or_create(**named, defaults={"count": place.count})
    if not new and place.what == TABLE:
        ErasedPlace.objects.filter(pk=row.pk).update(count=F("count") + place.count)


def finish(receipt: Erasure, until: Any, left: list[Left]) -> None:
    Erasure.objects.filter(pk=receipt.pk, finished_at=None).update(
        until=until,
        finished_at=timezone.now(),
        not_reached=[asdict(each) for each in left],
        sought={},
    )
    receipt.refresh_from_db()


def as_result(receipt: Erasure) -> dict[str, Any]:
    """What the command prints."""
    return {
        "receipt": receipt.pk,
        "until": receipt.until.isoformat() if receipt.until else None,
        "places": [
            {"area": place.area, "what": place.what, "name": place.name, "count": place.count}
            for place in receipt.places.all()
        ],
        "not_reached": receipt.not_reached,
    }
