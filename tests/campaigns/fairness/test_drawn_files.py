"""Which score files a report can be made of. [X-3, X-13]"""

from __future__ import annotations

import pytest

from campaigns.errors import NotDrawn
from campaigns.fairness.drawn_files import require_drawn, without
from campaigns.models import ScoreFile
from operations import jobs
from operations.subjects import Subject
from tests.support.campaigns import (
    make_campaign,
    process_scores,
    receive_scores,
    score_file_bytes,
    score_row,
)

pytestmark = pytest.mark.django_db(transaction=True)


def test_x3_drawn_files_without_a_report_that_were_never_asked_for_one_are_found_in_order():
    campaign = make_campaign()
    files = [
        process_scores(campaign, score_file_bytes([score_row(number)])) for number in (1, 2, 3, 4)
    ]
    receive_scores(campaign, score_file_bytes([score_row(5)]))
    ScoreFile.objects.filter(pk=files[0].pk).update(fairness={"verdict": "fair"})
    jobs.open_or_requeue("fairness", Subject("fairness_report", str(files[2].pk)), by=None)
    found = without("fairness", job_kind="fairness", subject_kind="fairness_report")
    assert found == [files[1], files[3]]


def test_x13_a_file_that_is_not_drawn_is_refused_in_words():
    received = receive_scores(make_campaign(), score_file_bytes([score_row(1)]))
    with pytest.raises(NotDrawn, match=r"is uploaded\. Groups can be found once it is streamed\."):
        require_drawn(received, "Groups can be found")
