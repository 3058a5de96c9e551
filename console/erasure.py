"""A fan is erased wherever it can be done today, with a receipt that says where, and where not.
[X-11]

The receipt is begun before anything is touched and names the fan by a keyed hash only. Killed
anywhere, the next erasure of the same fan takes the open receipt up.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, Model, QuerySet
from django.utils import timezone

from campaigns.models import FanScore, Registrant, RejectedRegistration, RejectedRow
from console.models import ErasedPlace, Erasure
from datalake.erased.fans import digest_of, mark
from datalake.models import DeadLetter
from demand.erasure import erasing
from demand.erasure.erasing import Left, Place
from demand.erasure.scrubbing import speaks_of
from operations import correlation, jobs
from operations.database.locks import exclusive
from operations.errors import Refusal
from operations.subjects import Subject
from waves.models import Assignment, Code, Member, Resend, Selection, Send

logger = logging.getLogger(__name__)

PERMISSION = "console.erase_fan"
AREA = "demand archive"
NOT_YET = "not supported yet"
BY_FAN: dict[str, type[Model]] = {
    "registrations": Registrant,
    "rejected registrations": RejectedRegistration,
    "scores": FanScore,
    "rejected rows of score files": RejectedRow,
    "members of waves": Member,
    "access codes": Code,
    "assignments of codes": Assignment,
    "selections": Selection,
}
NOT_COUNTED = ("streams", "campaign lake", "files in the scoring bucket")


class CannotBeErased(Refusal):
    """An erasure was asked for by who may not, or without a reason that can be kept. [X-11]"""


def erase_fan(
    fan_id: str,
    *,
    by: User,
    reason: str,
    report_progress: Callable[[int, int], object] = lambda done, total: None,
) -> Erasure:
    """Erase a fan and return the finished receipt; `report_progress` is given how many objects are
    checked, of how many.

    Erasures come one after the other. Raises CannotBeErased for who may not and for
    a reason that says nothing or too much; CannotErase; OSError while a bucket is down. What was
    done until then is on the open receipt.
    """
    if not by.has_perm(PERMISSION):
        raise CannotBeErased(
            f"User {by.username} does not have permission to erase fans. Ask an administrator."
        )
    erasing.require_fan_id(fan_id)
    reason = reason.strip()
    if not reason:
        raise CannotBeErased("A reason is required. It is saved in the receipt.")
    if speaks_of(fan_id)(reason):
        raise CannotBeErased(
            "The reason contains the fan's id. The receipt must not contain it, so remove"
            " the id from the reason."
        )
    with exclusive("erasure"):
        receipt = _open_receipt(fan_id, by=by, reason=reason)
        before = ErasedPlace.objects.filter(
            erasure__fan_digest=receipt.fan_digest, area=AREA, what=erasing.FILE
        )
        done = erasing.erase(
            fan_id,
            touch=lambda place: _write_down(receipt, place),
            again=sorted(set(before.values_list("name", flat=True))),
            report_progress=report_progress,
        )
        left = [*done.left, *_elsewhere(fan_id)]
        open_receipt = Erasure.objects.filter(pk=receipt.pk, finished_at=None)
        open_receipt.update(
            until=done.until,
            finished_at=timezone.now(),
            not_reached=[asdict(each) for each in left],
        )
        receipt.refresh_from_db()
    logger.info(
        "fan erased",
        extra={"receipt": receipt.pk, "places": receipt.places.count(), "not_reached": len(left)},
    )
    return receipt


@transaction.atomic
def _open_receipt(fan_id: str, *, by: User, reason: str) -> Erasure:
    """The receipt that a killed erasure of this fan left open, or a new one, with which the fan is
    known as erased. Each try is in the history.
    """
    receipt = Erasure.objects.filter(fan_digest=digest_of(fan_id), finished_at=None).first()
    new = receipt is None
    receipt = receipt or Erasure.objects.create(
        fan_digest=mark(fan_id).digest,
        by=by,
        reason=reason,
        correlation_id=correlation.current(),
    )
    jobs.record_move(
        Subject("erasure", str(receipt.pk)), "" if new else "open", "open", by=by, reason=reason
    )
    return receipt


def _write_down(receipt: Erasure, place: Place) -> None:
    """An object is listed once, however often it is started again; the rows of a table add up, as
    they were deleted.
    """
    named = {"erasure": receipt, "area": AREA, "what": place.what, "name": place.name}
    row, new = ErasedPlace.objects.get_or_create(**named, defaults={"count": place.count})
    if not new and place.what == erasing.TABLE:
        ErasedPlace.objects.filter(pk=row.pk).update(count=F("count") + place.count)


def _elsewhere(fan_id: str) -> Iterator[Left]:
    """Where else the fan is and is not erased: tables that hold them, counted, and what was not
    looked into.
    """
    rows: dict[str, QuerySet[Any]] = {
        name: model._default_manager.filter(global_user_id=fan_id) for name, model in BY_FAN.items()
    }
    rows["messages"] = Send.objects.filter(member__global_user_id=fan_id)
    rows["messages sent again"] = Resend.objects.filter(member__global_user_id=fan_id)
    rows["dead letters"] = DeadLetter.objects.filter(record__contains=fan_id)
    counts = {name: found.count() for name, found in rows.items()}
    yield from (Left(name, count, NOT_YET) for name, count in counts.items() if count)
    yield from (Left(name, None, f"not searched: {NOT_YET}") for name in NOT_COUNTED)


def as_result(receipt: Erasure) -> dict[str, Any]:
    """What the command prints."""
    return {
        "receipt": receipt.pk,
        "until": receipt.until.isoformat() if receipt.until else None,
        "places": [
            {"room": place.area, "what": place.what, "name": place.name, "count": place.count}
            for place in receipt.places.all()
        ],
        "not_reached": receipt.not_reached,
    }
