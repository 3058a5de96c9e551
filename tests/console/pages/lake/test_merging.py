"""Merge and archive by hand, on the site. [L-3, L-5]"""

from __future__ import annotations

import pytest
from django_q.models import OrmQ

from datalake.merging import merge
from operations.models import Job
from tests.console.page_cases import said
from tests.datalake.lake_cases import DAY, save_loose

pytestmark = pytest.mark.django_db
PREFIX = {"prefix": "avro/scoring/2026/01/20/"}


@pytest.mark.parametrize("period", ["daily", "monthly"])
def test_a_merge_by_hand_is_asked_of_a_worker(operator, period, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        answer = operator.post("/admin/lake/merge/", {"period": period}, follow=True)
    assert "A worker is merging every past" in said(answer)[0]
    subject = ("lake", {"daily": "days", "monthly": "months"}[period])
    assert (Job.objects.get().kind, Job.objects.get().subject) == ("merge_lake", subject)
    assert OrmQ.objects.get().task["args"] == (Job.objects.get().pk,)


def test_l3_a_period_is_merged_once_however_often_the_button_is_pressed(operator):
    for _ in range(2):
        answer = operator.post("/admin/lake/merge/period/", PREFIX)
        assert answer.headers["Location"] == "/admin/lake/scoring/2026-01-20/"
    job = Job.objects.get()
    assert (job.kind, job.subject_id) == ("merge_period", "scoring/2026-01-20")
    assert job.created_by is not None


def test_l5_originals_are_archived_by_hand(operator):
    save_loose(1, 1)
    merge.merge_period("scoring", DAY)
    shown = operator.get("/admin/lake/scoring/2026-01-20/").content.decode()
    assert "The original files of 1 merge are copied" in shown
    answer = operator.post("/admin/lake/archive/", PREFIX, follow=True)
    assert said(answer) == [
        "A worker is archiving the original files of 1 merge of scoring 2026-01-20."
    ]
    assert Job.objects.get().kind == "archive_merge"


@pytest.mark.parametrize(
    ("address", "prefix", "sentence"),
    [
        ("merge/period", "scoring", "'scoring' is not a day or month."),
        ("merge/period", "avro/sale/2026/01/20", "Merging is not enabled for 'sale'."),
        ("archive", "avro/scoring/2026/01/20", "scoring 2026-01-20 has no merge whose originals"),
        ("archive", "", "'' is not a day or month."),
    ],
)
def test_l3_a_refusal_is_one_message_and_opens_no_job(operator, address, prefix, sentence):
    answer = operator.post(f"/admin/lake/{address}/", {"prefix": prefix}, follow=True)
    assert said(answer)[0].startswith(sentence)
    assert not Job.objects.exists()


def test_o7_who_may_only_look_may_not_merge(viewer):
    for address in ("merge", "merge/period", "archive"):
        assert viewer.post(f"/admin/lake/{address}/", PREFIX).status_code == 403
