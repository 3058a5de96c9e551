"""Registrations from a file or the stream: judged, the newest of each fan kept, published once.
[C-4, C-5]
"""

from __future__ import annotations

import hashlib
import io
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

import polars as pl
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection, transaction

from campaigns.choices import CampaignStatus
from campaigns.formats import limits
from campaigns.formats.corrected_rows import LineNumbers
from campaigns.formats.registration_records import values_of
from campaigns.formats.registration_rows import ignored_of, line_ends, of_values, read
from campaigns.formats.score_bytes import sha256_of
from campaigns.locks import lock_campaign
from campaigns.models import Campaign, Market, RegistrationImport
from campaigns.opening import require_open
from campaigns.registrations import corrections, rejected_file
from campaigns.registrations import staging as stage
from campaigns.registrations.judging import RegistrationRules, judge
from campaigns.scoring import rules
from campaigns.scoring.outcomes import add_tallies, tally
from datalake import records, streams
from datalake.choices import RecordType, StreamName
from datalake.storage import buckets
from operations import instants, jobs, leases
from operations.choices import JobState
from operations.leases import Lease
from operations.models import Job
from operations.subjects import Subject

JOB_KIND = "import_registrations"
PUBLISH_AT_A_TIME = 25_000


@dataclass(frozen=True)
class Source:
    """A registration file to be imported, and, where it corrects another, the rejected line that
    each of its lines comes from.
    """

    file: BinaryIO
    corrected: LineNumbers | None = None


def _rules_of(campaign: Campaign) -> RegistrationRules:
    """As they are now. Raises UnreadableList, ListEntryInvalid."""
    market_ids = Market.objects.filter(campaign=campaign).values_list("market_id", flat=True)
    return RegistrationRules(
        rules.gather(campaign),
        list(market_ids),
        campaign.registration_opens,
        campaign.registration_closes,
    )


def subject_of(found: RegistrationImport) -> Subject:
    return Subject("registration_import", str(found.pk))


def receive(
    campaign: Campaign,
    name: str,
    file: BinaryIO,
    *,
    by: User | None,
    corrects: RegistrationImport | None = None,
) -> RegistrationImport:
    """Take a file (seekable) into the scoring bucket, for a job to read it; the same bytes again
    are the same import. `corrects`: it holds rejected rows of this import, corrected. [C-4]

    Raises WrongStatus, CannotCorrect, UnreadableList, ListEntryInvalid, and UnreadableFile for one
    that is too large; then nothing is written.
    """
    require_open(campaign)
    if corrects is not None:
        corrections.require_imported(corrects)
    rules.gather(campaign)
    if file.seek(0, io.SEEK_END) > settings.UPLOAD_MAX_BYTES:
        raise limits.too_large(settings.UPLOAD_MAX_BYTES)
    file.seek(0)
    sha256, _ = sha256_of(file)
    values = {
        "name": name,
        "key": f"registrations/{campaign.campaign_id}/{sha256}",
        "created_by": by,
    }
    found, is_new = RegistrationImport.objects.get_or_create(
        campaign=campaign, sha256=sha256, corrects=corrects, defaults=values
    )
    if is_new or not found.rejected_key:
        file.seek(0)
        buckets.scoring().put(found.key, file)
    return found


def open_job(found: RegistrationImport, *, by: User | None) -> Job:
    """The job of an import: the live one, the failed one set to run again, or a new one."""
    return jobs.open_or_requeue(JOB_KIND, subject_of(found), by=by)


def has_work_left(found: RegistrationImport) -> bool:
    """Whether a job has something to do: import it, write its rejected rows, or go on publishing
    where it broke off.
    """
    jobs_of_it = Job.objects.about(subject_of(found)).filter(kind=JOB_KIND)
    last = jobs_of_it.order_by("-id").first()
    broke_off = last is not None and last.state != JobState.DONE
    return not found.rejected_key or broke_off


def cancel_refusal(job: Job) -> str:
    """Why the job cannot be cancelled: its registrations count already. [C-5]"""
    if not RegistrationImport.objects.filter(pk=job.subject_id, finished=True).exists():
        return ""
    return (
        "The registrations of this file are imported already and cannot be taken back. They are"
        " only published now, which can be paused but not cancelled."
    )


def process(job_id: int) -> RegistrationImport:
    """Import the job's file, all of it or nothing, then write the file of its rejected rows and
    publish. A repeat of a finished import changes nothing.

    Raises WrongStatus, UnreadableFile, NotAvro, WrongCampaign, BadCorrection, UnreadableList,
    ListEntryInvalid, RowsMissing; the job then says why.
    """
    number = int(Job.objects.get(pk=job_id).subject_id)
    with leases.working(job_id) as lease:
        found = RegistrationImport.objects.select_related("campaign", "corrects").get(pk=number)
        if not found.finished:
            require_open(found.campaign)
            with buckets.scoring().open(found.key) as file, _rows_of(found, file, lease) as source:
                rows = max(0, line_ends(source.file) - 1)  # the first names the columns
                # judged, then published
                lease.step("Checking rows", rows=rows, total=2 * rows, progress=0)
                with transaction.atomic():
                    _import(found, source, 2 * rows, lease)
        if not found.rejected_key:
            rejected_file.write(found)
        judged, total = found.rows_in, found.rows_in + found.accepted
        lease.step(
            "Publishing registrations",
            first=judged,
            rows=found.accepted,
            progress=judged,
            total=total,
        )

        def on_sent(sent: int) -> None:
            lease.report_progress(judged + sent, total)
            lease.check_stop()

        publish(found.campaign, on_sent)
        lease.update(rows_in=found.rows_in, rows_out=found.accepted, rows_rejected=found.rejected)
    return found


@contextmanager
def _rows_of(found: RegistrationImport, file: BinaryIO, lease: Lease) -> Iterator[Source]:
    """What is imported: the file itself, or the lines that a corrected file stands for."""
    if found.corrects is None:
        yield Source(file)
        return

    def report_progress(rows: int) -> None:
        lease.report_progress(rows, 0)
        lease.check_stop()

    lease.step("Checking the corrected rows", progress=0)
    with tempfile.TemporaryFile() as made:
        composed = cast("BinaryIO", made)
        corrected = corrections.compose(found.corrects, file, composed, report_progress)
        yield Source(composed, corrected)


def _import(found: RegistrationImport, source: Source, expected: int, lease: Lease) -> None:
    """In one transaction: stage what can be accepted, let SQL choose each fan's newest, write the
    ledger.

    Reports its progress, out of `expected`.
    """
    campaign, judge_by = found.campaign, _rules_of(found.campaign)
    stage.create_stage()
    rejections: list[dict[str, int]] = []
    for chunk in read(source.file, campaign.campaign_id):
        judged = judge(chunk, judge_by)
        rejected = judged.filter(pl.col("reason").is_not_null())
        rejections.append(tally(rejected["reason"]))
        stage.reject(found, rejected)
        stage.add(judged.filter(pl.col("reason").is_null()))
        found.rows_in += judged.height
        found.columns = list(chunk.columns)
        lease.report_progress(found.rows_in, expected)
        lease.check_stop()
    if source.corrected is not None:
        corrections.tie(found, source.corrected)
    # the campaign's lock comes before those of its registrants
    require_open(lock_campaign(campaign.pk))
    shared = stage.reject_shared(found, judge_by.contacts.max_fans_per_contact)
    superseded = stage.reject_superseded(found)
    stage.merge(campaign)
    found.tagged_by = stage.staged_tags()
    found.rejected_by = add_tallies([*rejections, shared, superseded])
    found.rejected = sum(found.rejected_by.values())
    found.accepted = found.rows_in - found.rejected
    found.ignored_columns = list(ignored_of(found.columns))
    found.finished = True
    # with the job's row locked nobody can ask it to stop: either it obeys now, or it is imported
    lease.hold()
    lease.check_stop()
    found.save(
        update_fields=[
            "rows_in",
            "columns",
            "ignored_columns",
            "tagged_by",
            "rejected_by",
            "rejected",
            "accepted",
            "finished",
        ]
    )


def publish(campaign: Campaign, on_sent: Callable[[int], None] = lambda sent: None) -> int:
    """Put the registrations that are not published yet on the stream, each once. Returns how many.
    [C-5]
    """
    sent = 0
    on_sent(sent)
    while batch := _publish_some(campaign):
        sent += batch
        on_sent(sent)
    return sent


@transaction.atomic
def _publish_some(campaign: Campaign) -> int:
    """The mark and the batch are committed together; the batch's key is made from what it holds, so
    no two share one.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE campaigns_registrant SET published = true WHERE id IN (
                   SELECT id FROM campaigns_registrant WHERE campaign_id = %s AND NOT published
                   ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED)
               RETURNING id, changed_at, global_user_id, member_id, coalesce(preferences[1], ''),
                   email, phone, tags""",
            [campaign.pk, PUBLISH_AT_A_TIME],
        )
        rows = sorted(cursor.fetchall())
    if rows:
        frame = _registration_records(campaign, rows)
        held = hashlib.sha256("".join(frame["dedupeHash"].to_list()).encode()).hexdigest()
        streams.publish_frame(
            StreamName.INPUT,
            RecordType.REGISTRATION,
            frame,
            key=f"registrations:{campaign.pk}:{held}",
        )
    return len(rows)


def _registration_records(campaign: Campaign, rows: list[tuple[Any, ...]]) -> pl.DataFrame:
    flat = pl.DataFrame(
        {
            "created": [instants.stamp(row[1]) for row in rows],
            "campaignId": [campaign.campaign_id] * len(rows),
            "globalUserId": [row[2] for row in rows],
            "memberId": [row[3] for row in rows],
            "marketId": [row[4] for row in rows],
            "email": [row[5] for row in rows],
            "phone": [row[6] for row in rows],
            "tags": [row[7].split("|") if row[7] else [] for row in rows],
        },
        schema_overrides={"tags": pl.List(pl.String)},
    )
    return records.shape(RecordType.REGISTRATION, flat)


def take_from_stream(taken: list[dict[str, Any]]) -> Mapping[int, str]:
    """Registrations that other services put on the stream; they are not published again. [C-4, C-5]

    Returns which records (by their number) are refused, and why. What we published ourselves comes
    by here too, and is known.
    """
    numbers: dict[str, list[int]] = {}
    for number, record in enumerate(taken):
        numbers.setdefault(record["campaignId"], []).append(number)
    known = Campaign.objects.filter(campaign_id__in=numbers).order_by("pk")
    refused: dict[int, str] = {}
    for campaign_pk in known.values_list("pk", flat=True):
        campaign = lock_campaign(campaign_pk)
        if campaign.status == CampaignStatus.OPEN:
            of_it = numbers.pop(campaign.campaign_id)
            refused |= _take(campaign, {number: taken[number] for number in of_it})
    for campaign_id, of_it in numbers.items():
        refused |= dict.fromkeys(of_it, f"campaign {campaign_id} does not exist or is not open")
    return refused


def _take(campaign: Campaign, taken: dict[int, dict[str, Any]]) -> dict[int, str]:
    chunk = of_values((number, values_of(record), "") for number, record in taken.items())
    judged = judge(chunk, _rules_of(campaign))
    stage.create_stage()
    stage.add(judged.filter(pl.col("reason").is_null()))
    stage.wait_for_others(campaign)
    stage.keep_earliest_dates(campaign)
    stage.drop_older(campaign)
    stage.merge(campaign, published=True)
    rejected = judged.filter(pl.col("reason").is_not_null())
    return dict(zip(rejected["line"].to_list(), rejected["reason"].to_list(), strict=True))
