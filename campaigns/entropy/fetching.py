"""The value of a drand round is fetched by a command, or by a job of its own: asked for on the
campaign's page, or scheduled when the round is due. [S-8]
"""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models.functions import Now

from campaigns.choices import CampaignStatus
from campaigns.entropy import mirrors
from campaigns.entropy.entry import enter_entropy, require_awaited, require_public
from campaigns.errors import CannotFetch, DrawIsLocked, SourceOutOfReach
from campaigns.models import Campaign
from campaigns.opening import campaign_of, subject_of
from operations import jobs, leases
from operations.models import Job

JOB_KIND = "fetch_entropy"


def fetch_entropy(campaign_pk: int, *, by: User | None) -> Campaign:
    """Fetch the value of the campaign's drand round, check it, and enter it. Raises WrongStatus,
    DrawIsLocked, TooEarly, CannotFetch, SourceOutOfReach. [S-8]
    """
    campaign = Campaign.objects.get(pk=campaign_pk)
    require_awaited(campaign)
    require_public(campaign)
    found = mirrors.fetch(settings.DRAND_URLS, _round_of(campaign))
    how = f"fetched from {found.mirror}, signature checked"
    return enter_entropy(campaign_pk, found.beacon.randomness, by=by, how=how)


def _round_of(campaign: Campaign) -> int:
    if campaign.entropy_round is None:
        raise CannotFetch(
            f"Only a drand round can be fetched. Enter the value of “{campaign.entropy_source}” by"
            " hand."
        )
    return campaign.entropy_round


def open_job(campaign: Campaign, *, by: User | None) -> Job:
    """The job that fetches the value. Raises WrongStatus, DrawIsLocked, TooEarly, CannotFetch."""
    require_awaited(campaign)
    require_public(campaign)
    _round_of(campaign)
    return jobs.open_or_requeue(JOB_KIND, subject_of(campaign), by=by)


def run(job_id: int) -> Campaign:
    """Fetch the value of the job's campaign; nothing is left to do where it was entered meanwhile,
    even while the mirrors were asked.
    """
    job = Job.objects.select_related("created_by").get(pk=job_id)
    campaign = campaign_of(job.subject_id)
    with leases.working(job_id):
        if not campaign.entropy_value:
            try:
                campaign = fetch_entropy(campaign.pk, by=job.created_by)
            except (DrawIsLocked, SourceOutOfReach):
                campaign = campaign_of(job.subject_id)
                if not campaign.entropy_value:
                    raise
    return campaign


def due() -> list[Campaign]:
    """Campaigns whose round is out and was never asked for; what fails is tried again as a job."""
    waiting = {
        campaign.campaign_id: campaign
        for campaign in Campaign.objects.filter(
            status=CampaignStatus.OPEN,
            entropy_round__isnull=False,
            entropy_value="",
            entropy_public_at__lte=Now(),
        )
    }
    asked = Job.objects.filter(
        kind=JOB_KIND, subject_kind="campaign", subject_id__in=waiting
    ).values_list("subject_id", flat=True)
    return [waiting[name] for name in sorted(waiting.keys() - set(asked))]
