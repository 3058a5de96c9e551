"""A fan is erased everywhere: rows of campaigns and waves, streams, dead letters, the lake, files,
the demand archive, and texts. [X-11]

    asked for → known as erased → every campaign is asked whether somebody is at work → rows, one
    campaign at a time under its lock → streams → lake → files → demand archive → texts → receipt

From the first step on nothing older comes in, so what is erased stays so. Each step begins again
where it was killed; the receipt lists an object before it is changed, and rows in the transaction
that changes them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

import campaigns.erasure
from campaigns.models import Campaign
from console.erasure import objects, receipts, texts
from console.models import ErasedPlace, Erasure
from datalake.erased.erasing import FILE, Left, Place, Sought
from datalake.erased.records import IDENTITY
from datalake.erasure import lake, streams
from datalake.parity import published
from demand.erasure import erasing
from demand.erasure.scrubbing import speaks_of
from demand.models import CurrentRecord
from demand.sources import file_pipeline
from operations import jobs, leases
from operations.database.locks import exclusive
from operations.database.retries import retried
from operations.database.statements import run
from operations.errors import Refusal
from operations.leases import Lease
from operations.models import Job
from waves.erasure import rows

logger = logging.getLogger(__name__)

JOB_KIND = "erase_fan"
PERMISSION = "console.erase_fan"
AREA = "demand archive"
DEMAND_CONTACTS = ("email", "phoneNumber")
BY_DESIGN = (
    Left("suppression list", None, "only keyed hashes, so that the person is not contacted again"),
    Left("entries of blacklists and whitelists", None, "kept: they protect presales from abuse"),
    Left("references in rosters and proofs", None, "kept as evidence; they identify nobody"),
    Left("backups", None, "they end with their own retention; erase again after restoring one"),
    Left(
        "files that people downloaded, message providers, the code service",
        None,
        "not Fairwave's: the personal data log says who downloaded what, and providers keep records"
        " of their own",
    ),
)


class CannotBeErased(Refusal):
    """An erasure was asked for by who may not, or without a reason that can be kept. [X-11]"""


def request(fan_id: str, *, by: User, reason: str) -> Job:
    """The job that erases a fan; the open one of the same fan is taken up. Raises CannotBeErased
    for who may not and for a reason that says nothing or too much; CannotErase for what is no id.
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
    with exclusive("erasures are asked for"):
        published.count_published()  # as it was published, before any of it changes
        receipt = receipts.begin(fan_id, by=by, reason=reason)
    return jobs.open_or_requeue(JOB_KIND, receipts.subject_of(receipt), by=by)


def erase(job_id: int) -> Erasure:
    """Do the erasure of a job, and return its finished receipt. One works at a time, others wait.

    Raises EraseLater while somebody is at work with the fan's rows, CannotErase for objects that
    cannot be read, OSError while a bucket is down: what was done until then is on the open
    receipt, and the job goes on later.
    """
    with leases.working(job_id) as lease, exclusive("erasure"):
        receipt = Erasure.objects.get(pk=Job.objects.get(pk=job_id).subject_id)
        if receipt.finished_at is None:
            _erase(receipt, lease)
        receipt.refresh_from_db()
    return receipt


def _erase(receipt: Erasure, lease: Lease) -> None:
    def touch(place: Place) -> None:
        receipts.write_down(receipt, place)

    sought = _with_contacts(receipt)
    lease.step("Erasing rows")
    for campaign in Campaign.objects.order_by("pk"):
        _in_campaign(campaign, sought, touch)
    sought = replace(sought, is_of_row=partial(_is_of_row, sought))
    left = list(_outside_of_campaigns(receipt, sought, touch, lease))
    lease.step("Erasing from the demand archive")
    until, more = _in_demand(receipt, sought, touch, lease.report_progress)
    lease.step("Erasing texts")
    texts.erase_texts(sought, touch)
    with transaction.atomic():
        lease.hold()
        receipts.finish(receipt, until, [*left, *more, *BY_DESIGN])
    logger.info("fan erased", extra={"receipt": receipt.pk, "places": receipt.places.count()})


def _with_contacts(receipt: Erasure) -> Sought:
    """What is known of the fan, once nobody is at work with their rows anywhere."""
    sought = receipts.sought_by(receipt)
    file_pipeline.refuse_while_archived()
    streams.refuse_while_saved(receipts.fan_of(receipt).erased_at)
    for campaign in Campaign.objects.order_by("pk"):
        sought = sought.with_contacts(_contacts_in(campaign, sought))
    for record in CurrentRecord.objects.filter(fan_id=sought.fan_id).values_list(
        "record", flat=True
    ):
        sought = sought.with_contacts(record.get(name) for name in DEMAND_CONTACTS)
    receipts.keep(receipt, sought)
    return sought


@retried
def _contacts_in(campaign: Campaign, sought: Sought) -> list[str]:
    with rows.locked(campaign.pk) as locked:
        campaigns.erasure.refuse_while_processed(locked)
        rows.refuse_while_at_work(locked, sought)
        return [
            *campaigns.erasure.contacts_of(locked, sought),
            *rows.contacts_of(locked, sought),
        ]


@retried
def _in_campaign(campaign: Campaign, sought: Sought, touch: Callable[[Place], object]) -> None:
    with rows.locked(campaign.pk) as locked:
        run("SET LOCAL fairwave.erasure = 'on'")
        campaigns.erasure.refuse_while_processed(locked)
        rows.refuse_while_at_work(locked, sought)
        campaigns.erasure.erase_rows(locked, sought, touch)
        rows.erase_rows(locked, sought, touch)


def _is_of_row(sought: Sought, record: Mapping[str, Any]) -> bool:
    """Whether a record is of a row that the fan has, now that all old ones are under another name:
    rows are there before their records are published, however late that is.
    """
    known = {each.campaign_id: each for each in Campaign.objects.all()}
    campaign = known.get(str(record.get("campaignId")))  # of a dead letter it may be anything
    return campaign is not None and record.get(IDENTITY) in {
        *campaigns.erasure.new_identities(campaign, sought),
        *rows.new_identities(campaign, sought),
    }


def _outside_of_campaigns(
    receipt: Erasure, sought: Sought, touch: Callable[[Place], object], lease: Lease
) -> Iterator[Left]:
    lease.step("Erasing from streams")
    streams.refuse_while_saved(receipts.fan_of(receipt).erased_at)
    published.count_published()
    yield from streams.erase_batches(sought, touch)
    streams.erase_letters(sought, touch)
    yield from streams.erase_messages(sought, touch)
    lease.step("Erasing from the campaign lake")
    yield from lake.erase_files(sought, touch, lease.report_progress)
    lease.step("Erasing from files")
    yield from objects.erase_objects(sought, touch, lease.report_progress)


def _in_demand(
    receipt: Erasure,
    sought: Sought,
    touch: Callable[[Place], object],
    report_progress: Callable[[int, int], object],
) -> tuple[object, list[Left]]:
    before = ErasedPlace.objects.filter(
        erasure__fan_digest=receipt.fan_digest, area=AREA, what=FILE
    )
    done = erasing.erase(
        sought.fan_id,
        touch=lambda place: touch(Place(AREA, place.what, place.name, place.count)),
        again=sorted(set(before.values_list("name", flat=True))),
        report_progress=report_progress,
    )
    return done.until, [Left(each.place, each.count, each.why) for each in done.left]
