"""What came is counted, listed and uploaded. [D-1, D-5, O-7]"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from console.demand import numbers
from datalake.models import LakePartition
from demand.choices import BatchState
from demand.models import Batch, CurrentRecord, ErrorFile, Shard
from tests.console.demand_cases import (
    FIND,
    OVERVIEW,
    text_of,
)
from tests.support.change_events import DEMAND, EVENT, archived, change
from tests.support.people import client_of, staff

pytestmark = pytest.mark.django_db


# Numbers


def test_d5_batches_are_counted_by_day_with_errors_by_type(operator):
    archived([change(DEMAND), change(DEMAND, date={}), b"{", b"[}"])
    archived([change(EVENT)])
    today, *_ = numbers.batches_by_day(now=timezone.now())
    assert (today["batches"], today["events_in"], today["archived_in"], today["errors_in"]) == (
        2,
        5,
        2,
        3,
    )
    assert sorted(count for _, count in today["by_type"]) == [1, 2]
    assert today["by_type"][0] == ("not JSON", 2)
    html = text_of(operator.get(OVERVIEW))
    assert "not JSON 2" in html


def test_open_and_lost_batches_stand_apart_from_the_ledger(operator):
    now = timezone.now()
    for state, first in ((BatchState.OPEN, "1"), (BatchState.LOST, "2")):
        Batch.objects.create(
            source="kinesis:a/b", first=first, last=first, state=state, events=7, created_at=now
        )
    archived([change(DEMAND)])
    found = numbers.last_day(now=now)
    assert (
        found["events_in"],
        found["archived_in"],
        found["errors_in"],
        found["open"],
        found["lost"],
    ) == (1, 1, 0, 7, 7)
    assert "7 events expired from the stream" in text_of(operator.get(OVERVIEW))


def test_days_are_those_of_utc_and_two_weeks_back():
    now = datetime(2026, 11, 21, 0, 30, tzinfo=UTC)
    for number, at in enumerate(
        (now, now - timedelta(minutes=31), now - timedelta(days=13), now - timedelta(days=14))
    ):
        Batch.objects.create(
            source="kinesis:a/b", first=str(number), last="", events=0, created_at=at
        )
    days = [row["day"] for row in numbers.batches_by_day(now=now)]
    assert days == [date(2026, 11, 21), date(2026, 11, 20), date(2026, 11, 8)]


def test_volumes_show_the_newest_days_that_are_not_far_ahead():
    today = date(2026, 11, 21)
    for record_type, day in (
        ("sale", date(9999, 12, 31)),
        ("sale", date(2026, 12, 1)),
        ("demand", date(2026, 11, 20)),
    ):
        LakePartition.objects.create(record_type=record_type, day=day, records=5)
    LakePartition.objects.create(record_type="scoring", day=date(2026, 12, 5), records=5)
    found = numbers.volumes(today=today)
    assert found.last == date(2026, 12, 1)
    assert found.counts["demand"] == {date(2026, 11, 20): 5}
    assert found.counts["sale"] == {date(2026, 12, 1): 5}
    assert "scoring" not in found.counts


@pytest.mark.parametrize(
    "until", ["0001-01-01", "9999-12-31", "2026-02-30", "x", "'; --", "2026-11-21"]
)
def test_any_day_can_be_asked_for_and_nonsense_does_no_harm(operator, until):
    archived([change(DEMAND)])
    assert operator.get(OVERVIEW, {"until": until}).status_code == 200


def test_streams_say_how_far_behind_they_are(operator):
    Shard.objects.create(
        stream="demand-stream",
        shard_id="shard-0",
        behind_seconds=600,
        looked_at=timezone.now(),
        claimed="9" * 56,
    )
    Shard.objects.create(stream="demand-stream", shard_id="shard-1", ended=True)
    html = text_of(operator.get(OVERVIEW))
    assert "10 min" in html
    assert "fully read" in html


def test_the_first_page_asks_as_often_for_many_batches_as_for_few(operator):
    counts = []
    for batches in (2, 12):
        for number in range(batches):
            archived([change(DEMAND, fanId=f"fan-{number}"), b"{"])
        with CaptureQueriesContext(connection) as asked:
            text_of(operator.get(OVERVIEW))
        counts.append(len(asked))
    assert counts[0] == counts[1]


def test_the_first_page_says_what_came_in_a_day_to_those_who_may_see_it(operator):
    assert "Demand archive</h2>" not in text_of(operator.get("/admin/now/"))
    archived([change(DEMAND), b"{"])
    html = re.sub(r"<[^>]+>", "", text_of(operator.get("/admin/now/")))
    assert "2 change events in 24 hours = 1 archived + 1 errors." in html
    assert "change events" not in text_of(client_of(staff("newcomer")).get("/admin/now/"))


# Lists


@pytest.mark.parametrize("name", ["currentrecord", "batch", "errorfile", "eventupload", "delivery"])
def test_a_list_is_never_counted_and_asks_as_often_for_many_rows_as_for_few(operator, name):
    counts = []
    for batches in (1, 15):
        for number in range(batches):
            archived([change(DEMAND, fanId=f"fan-{number}"), b"{"])
        with CaptureQueriesContext(connection) as asked:
            html = text_of(operator.get(f"/admin/demand/{name}/"))
        counts.append(len(asked))
        assert "anna@example.com" not in html
        assert not [query for query in asked if "count(" in query["sql"].lower()]
    assert counts[0] == counts[1]


@pytest.mark.parametrize(
    "question", ["record__email=anna@example.com", "record__email__startswith=a", "fan_id=fan-1"]
)
def test_what_is_hidden_in_records_cannot_be_found_out_by_filtering(viewer, question):
    archived([change(DEMAND), change(DEMAND, fanId="fan-2", email="bert@example.com")])
    answer = viewer.get(f"/admin/demand/currentrecord/?{question}")
    if answer.status_code == 200:
        assert "fan-1" in answer.content.decode()
        assert "fan-2" in answer.content.decode()
    else:
        assert answer.status_code in (302, 400)


def test_rows_of_lists_lead_to_their_pages(operator):
    archived([change(DEMAND), b"{"])
    for name, row, page in (
        ("currentrecord", CurrentRecord.objects.get(), "record"),
        ("errorfile", ErrorFile.objects.get(), "error-file"),
    ):
        answer = operator.get(f"/admin/demand/{name}/{row.pk}/change/")
        assert answer.headers["Location"] == f"/admin/demand-archive/{page}/{row.pk}/"


def test_a_batchs_own_page_leads_to_its_error_files(operator):
    batch = archived([change(DEMAND), b"{"])
    html = text_of(operator.get(f"/admin/demand/batch/{batch.pk}/change/"))
    assert f"/admin/demand-archive/error-file/{ErrorFile.objects.get().pk}/" in html


# Uploads


def test_d1_an_upload_is_archived_in_the_background_and_its_page_says_what_became_of_it(operator):
    from io import BytesIO

    from demand.models import EventUpload
    from operations.models import Job
    from operations.tasks import run_job

    file = BytesIO(b"\n".join([change(DEMAND), b"{", change(EVENT)]))
    file.name = "changes.jsonl"
    answer = operator.post("/admin/demand-archive/upload/", {"file": file})
    upload = EventUpload.objects.get()
    assert answer.headers["Location"] == f"/admin/demand-archive/upload/{upload.pk}/"
    for job in Job.objects.filter(kind="archive_demand"):
        run_job(job.pk)
    html = text_of(operator.get(answer.headers["Location"]))
    assert "Every event has one outcome" in html
    assert re.search(r"<b>3</b> in.*<b>2</b> archived.*<b>1</b> errors", html)
    assert "Not JSON" in html

    file.seek(0)
    again = text_of(operator.post("/admin/demand-archive/upload/", {"file": file}, follow=True))
    assert "This file was already uploaded" in again
    assert Batch.objects.count() == 1


def test_an_upload_without_a_file_says_so(operator):
    assert "This field is required" in text_of(operator.post("/admin/demand-archive/upload/", {}))


def test_a_person_with_one_view_sees_no_links_to_what_they_may_not_see():
    archived([b"{"])
    html = text_of(client_of(staff("counter", "demand.view_batch")).get(OVERVIEW))
    assert "Newest error files" not in html
    assert "Newest event uploads" not in html
    assert FIND not in html.partition('<div class="fw">')[2]
