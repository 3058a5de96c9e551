"""Closing a campaign is followed by its proof. [S-10]"""

from __future__ import annotations

import pytest

from campaigns.errors import WrongStatus
from campaigns.opening import subject_of
from console import tasks
from operations.models import Job
from tests.support.campaigns import make_campaign

pytestmark = pytest.mark.django_db(transaction=True)


def test_s10_a_proof_is_asked_for_once_and_refused_while_the_campaign_is_open():
    campaign = make_campaign()
    job = tasks.start_proof(campaign, by=None)
    assert (job.kind, job.subject) == (tasks.PROOF_KIND, subject_of(campaign))
    assert tasks.start_proof(campaign, by=None) == job
    with pytest.raises(WrongStatus):
        tasks.make_proof(job.pk)
    assert Job.objects.get(pk=job.pk).state == "failed"
