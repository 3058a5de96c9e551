"""A closed campaign is archived as a job: what must hold is checked, the campaign moves, and what
is kept no longer goes at once. [C-2, O-10]

    asked for → nothing at work → proof → parity → archived → rows of score files

Until it moves nothing of it is changed, and after that only rows go that the nightly run would
delete too, so the job may be killed at any point: the next attempt goes on behind the move.
"""

from __future__ import annotations

import logging

from django.contrib.auth.models import User
from django.db import transaction

from campaigns.choices import CampaignStatus
from campaigns.locks import lock_campaign
from campaigns.models import Campaign
from campaigns.opening import archive_campaign, campaign_of, require_closed, subject_of
from campaigns.retention.score_rows import KEPT
from console.archiving import conditions
from console.proof.proof import making
from operations import jobs, leases
from operations.choices import LIVE_JOBS, JobState
from operations.database.clock import database_time
from operations.database.locks import exclusive
from operations.leases import Lease
from operations.models import Job, StatusChange
from operations.retention import prune

logger = logging.getLogger(__name__)

JOB_KIND = "archive_campaign"
ASKED = "archiving"  # in the campaign's history


@transaction.atomic
def ask(campaign_pk: int, *, by: User | None, reason: str) -> Job:
    """The job that archives a campaign; the one at work, where another person asked before. Raises
    WrongStatus unless the campaign is closed.
    """
    campaign = lock_campaign(campaign_pk)
    require_closed(campaign)
    mine = Job.objects.about(subject_of(campaign)).filter(kind=JOB_KIND, state__in=LIVE_JOBS)
    if live := mine.first():
        return live
    jobs.record_move(subject_of(campaign), CampaignStatus.CLOSED, ASKED, by=by, reason=reason)
    return jobs.open_or_requeue(JOB_KIND, subject_of(campaign), by=by)


def unfinished(campaign: Campaign) -> Job | None:
    """The job of a campaign that is archived, where it did not come to its end; queued again if it
    failed.
    """
    last = Job.objects.about(subject_of(campaign)).filter(kind=JOB_KIND).order_by("-id").first()
    if last is None or last.state in (JobState.DONE, JobState.CANCELLED):
        return None
    jobs.requeue(last.pk)
    return last


def run(job_id: int) -> Campaign:
    """Archive the job's campaign; once it is archived, only what is left of its rows is deleted.
    Raises NotArchivable, WrongStatus, LeaseLost; OSError while a bucket is away.
    """
    campaign_id = Job.objects.get(pk=job_id).subject_id
    with leases.working(job_id) as lease, exclusive(making(campaign_id)):
        campaign = campaign_of(campaign_id)
        if campaign.status != CampaignStatus.ARCHIVED:
            _require(campaign, lease)
            _move(campaign, lease)
        for kind in KEPT:
            prune.prune(kind, lease)
    campaign.refresh_from_db()
    logger.info("campaign archived", extra={"campaign": campaign.campaign_id})
    return campaign


def _require(campaign: Campaign, lease: Lease) -> None:
    since = database_time()
    require_closed(campaign)
    conditions.require_quiet(campaign, but_for=lease.job_id)
    lease.step("Checking the proof")
    conditions.require_proof(campaign, on_step=lease.report_progress)
    lease.step("Comparing database and lake")
    conditions.require_parity(campaign, since=since, on_step=lease.check_stop)


@transaction.atomic
def _move(campaign: Campaign, lease: Lease) -> None:
    """By who asked last, for their reason. A message may have been settled to be sent again since
    the checks began, so it is asked once more under the lock.
    """
    lease.hold()
    lock_campaign(campaign.pk)
    conditions.require_quiet(campaign, but_for=lease.job_id)
    asked = StatusChange.objects.about(subject_of(campaign)).filter(to_state=ASKED)
    last = asked.select_related("by").order_by("-id").first()
    archive_campaign(campaign.pk, by=last.by if last else None, reason=last.reason if last else "")
