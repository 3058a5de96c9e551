"""Which stage follows which: closing a campaign is followed by its proof. [S-10]"""

from __future__ import annotations

from django.contrib.auth.models import User

from campaigns.models import Campaign
from console.proof import proof
from operations import jobs
from operations.models import Job
from operations.tasks import ring

PROOF_KIND = "make_proof"
RUNNERS = {PROOF_KIND: "console.tasks.make_proof"}


def subject_of(campaign: Campaign) -> str:
    return f"campaign:{campaign.campaign_id}"


def start_proof(campaign: Campaign, *, by: User | None) -> Job:
    """Have a worker write the proof bundle of a closed campaign."""
    job = jobs.open_job(PROOF_KIND, subject_of(campaign), by=by)
    ring(job)
    return job


def make_proof(job_id: int) -> None:
    """Write the bundle; the same bytes however often."""
    with jobs.working(job_id):
        proof.proof_bundle(Job.objects.get(pk=job_id).subject.removeprefix("campaign:"))
