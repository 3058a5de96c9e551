"""The value of a drand round is fetched by a command, or by a job of its own: asked for on the
campaign's page, or scheduled when the round is due. One that is entered by hand is compared. [S-8]
"""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models.functions import Now

from campaigns.choices import CampaignStatus
from campaigns.entropy import mirrors
from campaigns.entropy.entry import enter_entropy, require_awaited, require_public
from campaigns.errors import BadPublicValue, CannotFetch, DrawIsLocked, SourceOutOfReach
from campaigns.models import Campaign
from campaigns.opening import campaign_of, subject_of
from campaigns.public_source import value_of
from operations import jobs, leases
from operations.models import Job

JOB_KIND = "fetch_entropy"
PATIENCE_SECONDS = 2.0  # for each mirror, while a person waits


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


def enter_by_hand(campaign_pk: int, value: str, *, by: User | None) -> Campaign:
    """Enter what somebody read at the source. Of a drand round it has to be the round's value, as
    far as a mirror gives that now; the history says whether one did. Raises what `enter_entropy`
    raises, and BadPublicValue for another value. [S-8]
    """
    campaign = Campaign.objects.get(pk=campaign_pk)
    require_awaited(campaign)
    require_public(campaign)
    typed = value_of(campaign.public_source, value)
    how = "entered by hand"
    # a rehearsal's source has no time, and any value
    if campaign.entropy_round is not None and campaign.entropy_public_at is not None:
        how += f", {_compared(campaign.entropy_round, typed)}"
    return enter_entropy(campaign_pk, value, by=by, how=how)


def _compared(number: int, typed: str) -> str:
    urls = settings.DRAND_URLS
    try:
        found = mirrors.fetch(urls, number, timeout_seconds=PATIENCE_SECONDS)
    except SourceOutOfReach:
        return "not compared: no mirror of drand gave the round"
    if found.beacon.randomness != typed:
        raise BadPublicValue(
            f"This is not the randomness of drand round {number}: {found.mirror} says"
            f" {found.beacon.randomness}. Copy the value again, or fetch it."
        )
    return f"compared with {found.mirror}, signature checked"


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
