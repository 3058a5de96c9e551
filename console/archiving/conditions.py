"""What must hold before a closed campaign is archived, for then its rows begin to go: nothing is at
work, the proof is stored, checked and published, and the campaign's days have parity. [C-2]
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime
from functools import partial
from typing import Any, Final

from django.db.models import Manager, Max, Min, Q, QuerySet

from campaigns.choices import ScoreFileState
from campaigns.fairness import reports
from campaigns.fairness.suspicious import reports as suspicious
from campaigns.models import Campaign, Registrant
from campaigns.opening import subject_of
from console.archiving import published
from console.models import Erasure
from datalake import save, streams
from datalake.choices import LAKE_STREAMS, RecordType
from datalake.layout import Period
from datalake.models import StreamBatch
from datalake.parity import check, lake_files
from operations.choices import LIVE_JOBS
from operations.errors import Refusal
from operations.models import Job
from operations.plurals import plural
from waves.choices import SendState
from waves.holds import messages_left
from waves.models import Assignment, Resend

OPEN: Final = (SendState.PENDING, SendState.SENDING)
Days = Mapping[str, tuple[date, date]]


class NotArchivable(Refusal):
    """Something of the campaign is still to be done before it can be archived. [C-2]"""


class NotSaved(NotArchivable):
    """The lake has not taken everything yet: the job is tried again without a person. [O-6]"""

    is_transient = True


def require_quiet(campaign: Campaign, *, but_for: int) -> None:
    """Raises NotArchivable while a job of the campaign other than this one is at work or will be
    tried again, a message is pending, queued or in flight, or a fan is being erased: an erasure
    finds the fan by the rows. [X-11]
    """
    job = _jobs_of(campaign).exclude(pk=but_for).order_by("pk").first()
    if job is not None:
        raise NotArchivable(
            f"Job {job.pk} of campaign {campaign.campaign_id} ({job.kind}) is not finished. Wait"
            " for it, or cancel it, then archive the campaign."
        )
    left = messages_left(campaign.pk)
    left += Resend.objects.filter(wave__campaign=campaign, state__in=OPEN).count()
    if left:
        raise NotArchivable(
            f"{plural(left, 'message')} of the campaign {'is' if left == 1 else 'are'} still"
            " pending, queued or in flight. Archive the campaign after they are sent."
        )
    erasure = Erasure.objects.filter(finished_at=None).order_by("pk").first()
    if erasure is not None:
        raise NotArchivable(
            f"Erasure {erasure.pk} is not finished. Archive the campaign when it is, because it"
            " finds the fan by the campaign's rows."
        )


def _jobs_of(campaign: Campaign) -> QuerySet[Job]:
    """Those that are at work, wait, or will be tried again."""
    files = [str(pk) for pk in campaign.score_files.values_list("pk", flat=True)]
    subjects = {
        subject_of(campaign).kind: [campaign.campaign_id],
        "wave": list(campaign.waves.values_list("name", flat=True)),
        "score_file": files,
        reports.SUBJECT_KIND: files,
        suspicious.SUBJECT_KIND: files,
        "registration_import": _keys_of(campaign.imports),
        "code_import": _keys_of(campaign.code_imports),
    }
    about = Q(pk__in=[])
    for kind, ids in subjects.items():
        about |= Q(subject_kind=kind, subject_id__in=ids)
    return Job.objects.filter(about, Q(state__in=LIVE_JOBS) | Q(retry_at__isnull=False))


def _keys_of(rows: Manager[Any]) -> list[str]:
    return [str(pk) for pk in rows.values_list("pk", flat=True)]


def require_proof(campaign: Campaign, *, on_step: Callable[[int, int], object]) -> None:
    """Raises NotArchivable unless the proof is stored, the stand-alone checker accepts it beside
    the public page, and the small files that browsers read are all there. [S-10, X-2]
    """
    if problem := published.problem_of(campaign, on_step=on_step):
        raise NotArchivable(
            f"The proof of campaign {campaign.campaign_id} cannot take the place of its rows."
            f" {problem} Create the proof again, then archive the campaign."
        )


def require_parity(campaign: Campaign, *, since: datetime, on_step: Callable[[], object]) -> None:
    """Raises NotSaved unless everything that was published before `since` is in the lake, and
    NotArchivable unless database and lake agree on each day of the campaign, and the lake's files
    of these days hold what its catalogue says. [X-9]
    """
    unsaved = campaign.score_files.filter(state=ScoreFileState.STREAMED).order_by("pk").first()
    if unsaved is not None:
        raise NotSaved(
            f"Score file {unsaved.name} is not in the data lake yet. Archive the campaign when it"
            " is saved there."
        )
    for stream in LAKE_STREAMS:
        waiting = StreamBatch.objects.filter(
            stream=stream,
            position__gt=streams.reached(save.CONSUMER, stream),
            published_at__lt=since,
        )
        if waiting.exists():
            raise NotSaved(
                f"Records on stream {stream} are not in the data lake yet. Archive the campaign"
                " when they are saved there."
            )
    days = days_of(campaign)
    for each in check.check(on_step=on_step).partitions:
        span = days.get(each.record_type)
        if span and not each.ok and _overlaps(each.period, *span):
            raise NotArchivable(
                f"Database and lake differ in {each.record_type} {each.period}, a day of campaign"
                f" {campaign.campaign_id}. See Parity, then archive the campaign."
            )
    for record_type, span in days.items():
        ours = partial(_overlaps, first=span[0], last=span[1])
        if key := lake_files.differing_file(record_type, ours, on_step):
            raise NotArchivable(
                f"{key} of the data lake, with records of campaign {campaign.campaign_id}, is"
                " missing or damaged. See Parity, then archive the campaign."
            )


def days_of(campaign: Campaign) -> Days:
    """Record type → the first and the last day of the records that were published for the campaign.
    A registration that was replaced by a newer one has gone, so its day is known to be none before
    the first registration. [C-4, S-11, T-2]
    """
    drawn = campaign.score_files.filter(state=ScoreFileState.SAVED)
    registered = Registrant.objects.filter(campaign=campaign)
    assigned = Assignment.objects.filter(campaign=campaign)
    spans = {
        RecordType.SCORING: drawn.aggregate(first=Min("created_at"), last=Max("created_at")),
        RecordType.REGISTRATION: registered.aggregate(
            first=Min("registered_at"), last=Max("changed_at")
        ),
        RecordType.CODE_ASSIGNMENT: assigned.aggregate(
            first=Min("published_at"), last=Max("published_at")
        ),
    }
    return dict(_spans(spans))


def _spans(
    found: Mapping[RecordType, Mapping[str, datetime | None]],
) -> Iterator[tuple[str, tuple[date, date]]]:
    for record_type, span in found.items():
        first, last = span["first"], span["last"]
        if first is not None and last is not None:
            yield record_type, (first.astimezone(UTC).date(), last.astimezone(UTC).date())


def _overlaps(period: Period, first: date, last: date) -> bool:
    begin = date(period.year, period.month, period.day or 1)
    return begin <= last and first <= period.last_day
