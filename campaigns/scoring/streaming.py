"""What follows once a score file is drawn: its rows are published and attached to all scores, it
becomes active if it is the one that was named, and is SAVED when the lake has it. [S-11 … S-13]
"""

from __future__ import annotations

from concurrent.futures import Future

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from campaigns.choices import LateKind, Reason, ScoreFileState, Tag
from campaigns.locks import lock_campaign
from campaigns.models import Campaign, LateChange, ScoreFile
from campaigns.opening import require_open
from campaigns.scoring import activation, comparison, publishing, tables
from datalake import save
from datalake.choices import StreamName
from datalake.streams import consumers
from operations import alerts
from operations.leases import Lease


def stream(score_file: ScoreFile, lease: Lease, indexed: Future[None]) -> None:
    """VALIDATED → STREAMED: published, attached to all scores, and active if it is the one that was
    named and no wave forbids it. [S-12, S-13]
    """
    judged, accepted = score_file.rows_in, score_file.accepted
    publishing_step = {
        "first": judged,
        "rows": accepted,
        "progress": judged,
        "total": judged + accepted,
    }
    lease.step("Writing files and publishing", **publishing_step)
    published = publishing.publish(score_file, lease)
    lease.step("Indexing the rows", progress=judged + accepted)
    indexed.result()
    if score_file.late:
        _compare(score_file, lease)
    _count(score_file, published, lease)
    mark_saved(score_file.stream)  # the lake may have been faster than we were


def _compare(score_file: ScoreFile, lease: Lease) -> None:
    """How many fans a late file moves, against the file that is active now. [S-8]"""
    lease.step("Comparing with the active score file")
    active = Campaign.objects.get(pk=score_file.campaign_id).active_score_file
    moved = comparison.moved_between(active, score_file)
    with transaction.atomic():
        lease.hold()
        LateChange.objects.filter(
            campaign=score_file.campaign_id,
            kind=LateKind.SCORE_FILE,
            details__attempt=score_file.attempt,
        ).update(moved=moved)


def _count(score_file: ScoreFile, published: publishing.Published, lease: Lease) -> None:
    """Attach the rows and make the file STREAMED, at once."""
    tables.patiently(lambda: _count_now(score_file, published, lease))


def _count_now(score_file: ScoreFile, published: publishing.Published, lease: Lease) -> None:
    require_open(lock_campaign(score_file.campaign_id))
    lease.hold()
    tables.attach(score_file.pk)
    ScoreFile.objects.filter(pk=score_file.pk).update(
        state=ScoreFileState.STREAMED,
        streamed=published.streamed,
        stream_position=published.position,
        streamed_at=timezone.now(),
    )
    activated = activation.try_activate_named(score_file, by=score_file.created_by)
    alerts.alert(summary(score_file, activated=activated))


def summary(score_file: ScoreFile, *, activated: bool) -> str:
    """S-11's message for Slack: in, accepted, rejected by reason, tagged."""
    reasons = _counted(Reason, score_file.rejected_by)
    return (
        f"Score file {score_file.name} of campaign {score_file.campaign.campaign_id}:"
        f" {score_file.rows_in:,} in, {score_file.accepted:,} accepted,"
        f" {score_file.rejected:,} rejected{f' ({reasons})' if reasons else ''}. Tags:"
        f" {_counted(Tag, score_file.tagged_by) or 'none'}."
        f" {'It is now active.' if activated else 'It is not active.'}"
        f"{''.join(f' {warning}' for warning in score_file.warnings)}"
    )


def _counted(names: type[Reason] | type[Tag], counts: dict[str, int]) -> str:
    """Counts in the order of the rules, whatever order the database keeps them in."""
    return ", ".join(f"{name.label}: {counts[name]:,}" for name in names if name in counts)


@transaction.atomic
def mark_saved(stream: str) -> int:
    """STREAMED → SAVED for files whose last batch the lake has, or that have none. Returns how
    many.

    Called when the lake's position in a stream of scores moved, when a batch of it was handed over
    to the engine, and when a file is STREAMED. The lock on that position lets none overlook the
    others.
    """
    if stream not in (StreamName.SCORED, StreamName.FANLIST_RANKS):
        return 0
    saved = consumers.lock_reached(save.CONSUMER, StreamName(stream))
    from_ranks = stream == StreamName.FANLIST_RANKS
    streamed = ScoreFile.objects.filter(
        state=ScoreFileState.STREAMED, fanlist__isnull=not from_ranks
    )
    return streamed.filter(Q(stream_position__lte=saved) | Q(stream_position=None)).update(
        state=ScoreFileState.SAVED
    )
