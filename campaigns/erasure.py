"""A fan is taken out of a campaign's registrations and score files: of their rows only the
reference, the raw score, the preferences and the place stay, as evidence. [X-11]

What counts stays counted: no row is deleted, and no ledger, roster or digest changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import polars as pl
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from psycopg import sql

from campaigns import draw
from campaigns.choices import ScoreFileState
from campaigns.models import Campaign, Registrant, RejectedRegistration, ScoreFile, SuspiciousFan
from campaigns.scoring import tables
from datalake.erased.erasing import TABLE, Place, Sought, Touch, refuse_while
from datalake.erased.names import name_of
from datalake.records import dedupe_hash
from operations.choices import LIVE_JOBS
from operations.database.statements import rows, run
from operations.models import Job

AREA: Final = "campaigns"
CONTACTS: Final = ("member_id", "email", "phone")
_EMPTIED: Final = (*CONTACTS, "phone_region", "country", "language")
UNREAD: Final = (ScoreFileState.UPLOADED, ScoreFileState.PROCESSING, ScoreFileState.VALIDATED)
_OF_SCORES: Final = """UPDATE {table} SET global_user_id = %(name)s, row_id = '', country = '',
    phone_region = '', member_id = '', email = '', phone = '' WHERE global_user_id = %(fan)s"""
_OF_REJECTED: Final = """UPDATE {table} SET raw = '', member_id = '', email = '', phone = '',
    global_user_id = CASE WHEN global_user_id = %(fan)s THEN %(name)s ELSE global_user_id END
    WHERE line = ANY(%(lines)s)"""


def reference_in(campaign_id: str, fan_id: str) -> str | None:
    """The reference of a fan in the campaign; None before it opens, and for an unknown one."""
    salt = Campaign.objects.filter(campaign_id=campaign_id).values_list("salt", flat=True).first()
    return None if salt is None else str(draw.fan_refs(bytes(salt), pl.Series([fan_id]))[0])


def refuse_while_processed(campaign: Campaign) -> None:
    """Raises EraseLater while a file of the campaign is being processed: its rows are on their way,
    on the worker's disk too. Call it with the campaign locked: none begins until the transaction
    ends.
    """
    unread = ScoreFile.objects.filter(campaign=campaign, state__in=UNREAD)
    files = [str(pk) for pk in unread.values_list("pk", flat=True)]
    imports = [str(pk) for pk in campaign.imports.values_list("pk", flat=True)]
    about = Q(subject_kind="score_file", subject_id__in=files)
    about |= Q(subject_kind="registration_import", subject_id__in=imports)
    # a failed one that is tried again needs the file as it was received
    going_on = Q(state__in=LIVE_JOBS) | Q(retry_at__isnull=False)
    job = Job.objects.filter(about, going_on).order_by("pk").first()
    refuse_while(
        job is not None,
        f"{job.subject if job else ''} of campaign {campaign.campaign_id} is being processed"
        f" (job {job.pk if job else ''}). The fan is erased when it is finished.",
    )


def contacts_of(campaign: Campaign, sought: Sought) -> Iterator[str]:
    """The member ids, addresses and numbers that the campaign knew of a fan."""
    for values in _registered(campaign, sought).values_list(*CONTACTS):
        yield from values
    for table in _tables(campaign, tables.SCORES, sought):
        query = sql.SQL("SELECT member_id, email, phone FROM {} WHERE global_user_id = %(fan)s")
        for values in rows(query.format(table), fan=sought.fan_id):
            yield from values


def _registered(campaign: Campaign, sought: Sought) -> QuerySet[Registrant]:
    """The fan's registration, unless it is new; and that which a newer one has set aside already
    (see `staging.set_aside`).
    """
    name = name_of(campaign.campaign_id, sought.fan_id, sought.number)
    fans = Registrant.objects.filter(campaign=campaign)
    aside = fans.filter(global_user_id=name)
    new = Q()
    if sought.asked_for:
        new = Q(changed_at__gt=sought.asked_for)
        new &= Q() if aside.exists() else Q(changed_at__lte=Now())
    theirs = fans.filter(global_user_id=sought.fan_id)
    known = aside.exclude(**dict.fromkeys(_EMPTIED, ""))
    return (theirs.exclude(new) if new else theirs) | known


def new_identities(campaign: Campaign, sought: Sought) -> Iterator[str]:
    """Of the records of scores that the fan has since they registered again. [T-5]"""
    record: dict[str, Any] = {"type": "scoring", "campaignId": campaign.campaign_id}
    record |= {"globalUserId": sought.fan_id, "date": {"created": ""}}
    for sha256 in _new_files(campaign, sought).values_list("sha256", flat=True):
        yield dedupe_hash(record, score_file_sha256=sha256)


def erase_rows(campaign: Campaign, sought: Sought, touch: Touch) -> None:
    """Take the fan out of the campaign's rows, in the transaction that holds its lock and in which
    the database knows that an erasure is at work.
    """
    name = name_of(campaign.campaign_id, sought.fan_id, sought.number)
    pks = [*_registered(campaign, sought).values_list("pk", flat=True)]
    emptied: dict[str, Any] = dict.fromkeys(_EMPTIED, "")
    registrants = Registrant.objects.filter(pk__in=pks)
    _note(touch, "registrations", registrants.update(global_user_id=name, **emptied))
    _note(touch, "rejected registrations", _erase_rejected_registrations(campaign, sought, name))
    values = {"fan": sought.fan_id, "name": name}
    scores = 0
    for table in _tables(campaign, tables.SCORES, sought):
        scores += run(sql.SQL(_OF_SCORES).format(table=table), **values)
    _note(touch, "scores", scores)
    rejected = 0
    for table in _tables(campaign, tables.REJECTED, sought):
        if lines := _lines_of(table, sought):
            rejected += run(sql.SQL(_OF_REJECTED).format(table=table), lines=lines, **values)
    _note(touch, "rejected rows of score files", rejected)
    suspicious = SuspiciousFan.objects.filter(
        group__score_file__campaign=campaign, global_user_id=sought.fan_id
    ).exclude(group__score_file__in=_new_files(campaign, sought))
    _note(touch, "fans of suspicious groups", suspicious.update(global_user_id=name))


def _note(touch: Touch, table: str, count: int) -> None:
    if count:
        touch(Place(AREA, TABLE, table, count))


def _new_files(campaign: Campaign, sought: Sought) -> QuerySet[ScoreFile]:
    """Score files that were begun after the erasure was asked for: they have the fan only if they
    had registered again.
    """
    files = ScoreFile.objects.filter(campaign=campaign)
    return files.filter(rules_fixed_at__gt=sought.asked_for) if sought.asked_for else files.none()


def _tables(campaign: Campaign, of: str, sought: Sought) -> Iterator[sql.Identifier]:
    """The tables of the campaign's score files, attached to the table of all or not yet, but for
    new ones.
    """
    files = ScoreFile.objects.filter(campaign=campaign).order_by("pk")
    files = files.exclude(pk__in=_new_files(campaign, sought))
    for pk in files.values_list("pk", flat=True):
        if tables.is_there(pk, of):
            yield tables.name_of(pk, of)


def _lines_of(table: sql.Identifier, sought: Sought) -> list[int]:
    """The rejected lines of the fan: those under the id, and of those that name no fan the ones
    with the id or a contact in them.
    """
    query = sql.SQL(
        "SELECT line, global_user_id, raw FROM {} WHERE global_user_id = %(fan)s"
        " OR global_user_id = '' AND raw ILIKE ANY(%(patterns)s)"
    ).format(table)
    found = rows(query, fan=sought.fan_id, patterns=_patterns(sought))
    return [line for line, fan, raw in found if fan or sought.named_in(raw)]


def _patterns(sought: Sought) -> list[str]:
    words = (sought.fan_id, *sought.contacts)
    escaped = [word.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_") for word in words]
    return [f"%{word}%" for word in escaped]


def _erase_rejected_registrations(campaign: Campaign, sought: Sought, name: str) -> int:
    query = """SELECT row.id, row.global_user_id, row.raw FROM campaigns_rejectedregistration AS row
        WHERE row.registration_import_id = ANY(%(imports)s) AND (row.global_user_id = %(fan)s
            OR row.global_user_id = '' AND row.raw ILIKE ANY(%(patterns)s))"""
    files = campaign.imports.all()
    if sought.asked_for:
        files = files.filter(created_at__lte=sought.asked_for)
    imports = list(files.values_list("pk", flat=True))
    found = rows(query, imports=imports, fan=sought.fan_id, patterns=_patterns(sought))
    nameless = [pk for pk, fan, raw in found if not fan and sought.named_in(raw)]
    emptied = dict.fromkeys(("raw", *CONTACTS), "")
    ours = RejectedRegistration.objects.filter(pk__in=[pk for pk, fan, _ in found if fan])
    return ours.update(global_user_id=name, **emptied) + RejectedRegistration.objects.filter(
        pk__in=nameless
    ).update(**emptied)
