"""Registrations from a file or the stream: judged, the newest of each fan kept, published once.
[C-4, C-5]
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import BinaryIO, cast

import polars as pl
from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction

from campaigns.choices import LateKind, Reason
from campaigns.errors import CannotTakeIn
from campaigns.formats import limits
from campaigns.formats.corrected_rows import LineNumbers
from campaigns.formats.registration_rows import ignored_of, line_ends, read
from campaigns.formats.score_bytes import sha256_of
from campaigns.late_changes import is_late, permit, record
from campaigns.locks import lock_campaign
from campaigns.models import Campaign, Market, RegistrationImport
from campaigns.opening import require_open
from campaigns.registrations import corrections, rejected_file
from campaigns.registrations import staging as stage
from campaigns.registrations.forgetting import forget_erased
from campaigns.registrations.judging import Judged, RegistrationRules, as_rejected, judge
from campaigns.registrations.kept_lines import KeptLines
from campaigns.registrations.publishing import publish
from campaigns.scoring import rules
from campaigns.scoring.outcomes import add_tallies, tally
from datalake.erased.fans import known
from datalake.storage import buckets
from operations import jobs, leases
from operations.choices import JobState
from operations.leases import Lease
from operations.models import Job
from operations.plurals import plural
from operations.subjects import Subject
from operations.threads import helper_thread, in_order, prefetched, rare_garbage_collection

JOB_KIND = "import_registrations"
JUDGES = 2  # judging takes longer than reading or staging
OUTCOME = (  # what an import writes of its file
    *("rows_in", "columns", "ignored_columns", "tagged_by", "rejected_by", "rejected", "accepted"),
    "finished",
)
KIND, THIS_FILE = LateKind.REGISTRATIONS, "This registration file"


@dataclass(frozen=True)
class Source:
    """A registration file to be imported, and, where it corrects another, the rejected line that
    each of its lines comes from.
    """

    file: BinaryIO
    corrected: LineNumbers | None = None


def rules_of(campaign: Campaign) -> RegistrationRules:
    """As they are now. Raises UnreadableList, ListEntryInvalid."""
    market_ids = Market.objects.filter(campaign=campaign).values_list("market_id", flat=True)
    return RegistrationRules(
        rules.gather(campaign),
        list(market_ids),
        campaign.registration_opens,
        campaign.registration_closes,
        known(),
    )


def subject_of(found: RegistrationImport) -> Subject:
    return Subject("registration_import", str(found.pk))


def receive(
    campaign: Campaign,
    name: str,
    file: BinaryIO,
    *,
    by: User | None,
    reason: str = "",
    corrects: RegistrationImport | None = None,
) -> RegistrationImport:
    """Take a file (seekable) into the scoring bucket, for a job to read it; the same bytes again
    are the same import. `corrects`: it holds rejected rows of this import, corrected. A late one
    needs a `reason` and a person with the right. [C-4, S-8]

    Raises WrongStatus, CannotCorrect, UnreadableList, ListEntryInvalid, LateRefused, and
    UnreadableFile for one that is too large; then nothing is written.
    """
    require_open(campaign)
    if corrects is not None:
        corrections.require_imported(corrects)
    rules.gather(campaign)
    if file.seek(0, io.SEEK_END) > settings.UPLOAD_MAX_BYTES:
        raise limits.too_large(settings.UPLOAD_MAX_BYTES)
    file.seek(0)
    sha256, _ = sha256_of(file)
    same = RegistrationImport.objects.filter(
        campaign=campaign, sha256=sha256, corrects=corrects, finished=True
    )
    if not same.exists():
        # judged again, under the campaign's lock, when it is imported
        permit(campaign, KIND, THIS_FILE, by=by, reason=reason)
    values = {
        "reason": reason.strip(),
        "name": name,
        "key": f"registrations/{campaign.campaign_id}/{sha256}",
        "created_by": by,
    }
    found, is_new = RegistrationImport.objects.get_or_create(
        campaign=campaign, sha256=sha256, corrects=corrects, defaults=values
    )
    if reason.strip() and not is_new:
        _note_reason(found, by=by, reason=reason)
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


def waits_for_a_person(found: RegistrationImport, job: Job | None) -> bool:
    """Whether it was not imported and is late: then a person with the right may take it in."""
    is_over = job is not None and job.state == JobState.FAILED
    return not found.finished and is_over and is_late(found.campaign)


def take_late(found: RegistrationImport, *, by: User, reason: str) -> Job:
    """Have a late file imported for a reason. Raises LateRefused, and CannotTakeIn where it is
    imported already. [S-8]
    """
    if found.finished:
        raise CannotTakeIn(f"Registration file {found.pk} is imported already.")
    permit(found.campaign, KIND, THIS_FILE, by=by, reason=reason)
    _note_reason(found, by=by, reason=reason)
    return open_job(found, by=by)


def _note_reason(found: RegistrationImport, *, by: User | None, reason: str) -> None:
    RegistrationImport.objects.filter(pk=found.pk, finished=False).update(
        reason=reason.strip(), taken_by=by
    )


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
    ListEntryInvalid, LateRefused, RowsMissing; the job then says why.
    """
    number = int(Job.objects.get(pk=job_id).subject_id)
    with leases.working(job_id) as lease:
        beside = ("campaign", "corrects", "created_by", "taken_by")
        found = RegistrationImport.objects.select_related(*beside).get(pk=number)
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
        forget_erased(found)
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


def _judged(source: Source, campaign: Campaign, judge_by: RegistrationRules) -> Iterator[Judged]:
    """The chunks of a file; one is read and others are judged while the caller works on this
    one.
    """
    with (
        rare_garbage_collection(),  # records of Avro are many dictionaries
        helper_thread("read") as reader,
        helper_thread("judge", threads=JUDGES) as judger,
    ):
        chunks = prefetched(reader, read(source.file, campaign.campaign_id))
        yield from in_order(judger, partial(judge, judge_by=judge_by), chunks, at_once=JUDGES + 1)


@dataclass(frozen=True)
class _Ledger:
    """The rejected rows of a file, written as they become known, and how many have which reason."""

    found: RegistrationImport
    tallies: list[dict[str, int]] = field(default_factory=list)

    def reject(self, rejected: pl.DataFrame) -> None:
        self.tallies.append(tally(rejected["reason"]))
        stage.reject(self.found, rejected)

    def reject_kept(self, kept: KeptLines, lines: pl.Series, reason: Reason) -> None:
        for written in kept.of(lines):
            self.reject(as_rejected(written.with_columns(reason=pl.lit(reason.value))))


def _import(found: RegistrationImport, source: Source, expected: int, lease: Lease) -> None:
    """In one transaction: stage what can be accepted, let SQL choose each fan's newest, write the
    ledger.

    Reports its progress, out of `expected`.
    """
    campaign, judge_by, ledger = found.campaign, rules_of(found.campaign), _Ledger(found)
    stage.create_stage()
    with tempfile.TemporaryFile() as file:
        kept = KeptLines(cast("BinaryIO", file))
        for judged in _judged(source, campaign, judge_by):
            ledger.reject(judged.rejected)
            stage.add(judged.acceptable)
            kept.put(judged.written)
            found.rows_in += judged.rows
            found.columns = list(judged.columns)
            lease.report_progress(found.rows_in, expected)
            lease.check_stop()
        if source.corrected is not None:
            corrections.tie(found, source.corrected)
        # the campaign's lock comes before those of its registrants
        campaign = lock_campaign(campaign.pk)
        require_open(campaign)
        by, reason = found.taken_by or found.created_by, found.reason
        person = permit(campaign, KIND, THIS_FILE, by=by, reason=reason)
        if person is not None:
            stage.remember(campaign)
        erased_since_then = stage.take_out_erased(judge_by.erased)
        ledger.reject_kept(kept, erased_since_then, Reason.ERASED)
        stage.set_aside(campaign)
        shared = stage.take_out_shared(judge_by.contacts.max_fans_per_contact)
        ledger.reject_kept(kept, shared, Reason.SHARED_CONTACT)
        ledger.reject_kept(kept, stage.take_out_superseded(campaign), Reason.SUPERSEDED)
    stage.merge(campaign, published_by=found)
    found.tagged_by = stage.staged_tags()
    found.rejected_by = add_tallies(ledger.tallies)
    found.rejected = sum(found.rejected_by.values())
    found.accepted = found.rows_in - found.rejected
    found.ignored_columns = list(ignored_of(found.columns))
    found.finished = True
    if person is not None:
        subject = f"registration file {found.pk}: {plural(found.accepted, 'registration')}"
        moved = stage.moved(campaign)
        record(campaign, KIND, subject, by=person, reason=reason, moved=moved)
    # with the job's row locked nobody can ask it to stop: either it obeys now, or it is imported
    lease.hold()
    lease.check_stop()
    found.save(update_fields=OUTCOME)
