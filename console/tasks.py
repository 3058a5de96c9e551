"""Which stage follows which: closing a campaign is followed by its proof; and what runs on a
schedule. [S-10]
"""

from __future__ import annotations

from django.contrib.auth.models import User

from campaigns.models import Campaign
from campaigns.opening import subject_of
from console.archiving import archive
from console.erasure import erase
from console.proof import proof
from console.sign_in.attempts import prune_failed_sign_ins
from operations import jobs, leases
from operations.job_kinds import JobKind
from operations.models import Job
from operations.schedules import ScheduledRun
from operations.tasks import enqueue

PROOF_KIND = "make_proof"


def start_proof(campaign: Campaign, *, by: User | None) -> Job:
    """Have a worker write the proof bundle of a closed campaign."""
    job = jobs.open_job(PROOF_KIND, subject_of(campaign), by=by)
    enqueue(job)
    return job


def make_proof(job_id: int) -> None:
    """Write the bundle; the same bytes however often."""
    with leases.working(job_id):
        proof.proof_bundle(Job.objects.get(pk=job_id).subject_id)


def start_archiving(campaign: Campaign, *, by: User | None, reason: str) -> Job:
    """Have a worker archive a closed campaign. Raises WrongStatus. [C-2]"""
    job = archive.ask(campaign.pk, by=by, reason=reason)
    enqueue(job)
    return job


JOB_KINDS = [
    JobKind(
        PROOF_KIND,
        "Create proof",
        make_proof,
        page="campaign",
        right="campaigns.change_campaign",
        can_pause=False,
    ),
    JobKind(
        archive.JOB_KIND,
        "Archive campaign",
        archive.run,
        page="campaign",
        right="campaigns.archive_campaign",
        can_pause=False,
        before_progress="Checking that nothing is left to do.",
    ),
    JobKind(
        erase.JOB_KIND,
        "Erase fan",
        erase.erase,
        right=erase.PERMISSION,
        can_pause=False,
    ),
]
SCHEDULED_RUNS = [ScheduledRun("prune_failed_sign_ins", prune_failed_sign_ins, every="hour")]
