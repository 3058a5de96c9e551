"""Lists of the demand archive in the admin. [BR-019]"""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from demand.models import CurrentRecord, ErrorFile
from tests.console.demand.demand_cases import FIND, OVERVIEW, text_of
from tests.support.change_events import DEMAND, archived, change
from tests.support.people import client_of, staff

pytestmark = pytest.mark.django_db


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


def test_br017_the_list_of_error_files_shows_reasons_in_words(operator):
    archived([b"{}"])
    assert "Not a change event" in text_of(operator.get("/admin/demand/errorfile/"))


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


def test_a_person_with_one_view_sees_no_links_to_what_they_may_not_see():
    archived([b"{"])
    html = text_of(client_of(staff("counter", "demand.view_batch")).get(OVERVIEW))
    assert "Newest error files" not in html
    assert "Newest event uploads" not in html
    assert FIND not in html.partition('<div class="fw">')[2]
