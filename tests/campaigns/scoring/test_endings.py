"""A score file that fails or is cancelled. [S-8, S-12]"""

from __future__ import annotations

import pytest

from campaigns.choices import ScoreFileState
from campaigns.models import ScoreFile
from campaigns.scoring import judging, publishing, score_files
from operations import jobs
from operations.errors import LeaseLost
from operations.models import Job
from tests.support.campaigns import make_campaign, receive_scores
from tests.support.score_files import messy

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_fault_after_a_take_over_does_not_fail_the_file_of_the_new_worker(monkeypatch):
    """[O-6]"""
    score_file = receive_scores(make_campaign(), messy())
    job = score_files.open_job(score_file, by=None)

    def late_fault(*arguments):
        Job.objects.filter(pk=job.pk).update(attempt=99)
        raise OSError("too late")

    monkeypatch.setattr(judging, "judge", late_fault)
    with pytest.raises(LeaseLost):
        score_files.process(job.pk)
    assert ScoreFile.objects.get().state == ScoreFileState.PROCESSING


def test_a_file_cancelled_while_it_is_published_keeps_its_rows(monkeypatch):
    campaign = make_campaign()
    score_file = receive_scores(campaign, messy())
    job = score_files.open_job(score_file, by=None)
    with monkeypatch.context() as patch:
        real = publishing.draw_waiting_rows
        patch.setattr(
            publishing,
            "draw_waiting_rows",
            lambda *a: (jobs.request_stop(job.pk, "cancel"), real(*a)),
        )
        stopped = score_files.process(job.pk)
    assert stopped.state == ScoreFileState.VALIDATED
    done = score_files.process(score_files.open_job(stopped, by=None).pk)
    assert done.state == ScoreFileState.STREAMED
