"""The pages of the lake: its calendar, and a day with its files. [L-2, L-3, L-4, L-7]"""

from __future__ import annotations

import pytest
from django.utils import timezone

from console.lake import keyset
from datalake import tasks
from datalake.merging import by_hand
from operations import schedules
from tests.console.lake.lake_rows import a_day, a_file, a_merge
from tests.datalake.lake_cases import DAY
from tests.support.people import member_of

pytestmark = pytest.mark.django_db


def test_l4_the_calendar_shows_a_month_of_each_type_and_a_day_opens_its_files(viewer):
    a_day()
    a_file(key="avro/scoring/2026/01/20/one.avro")
    html = viewer.get("/admin/lake/").content.decode()
    for record_type in ("registration", "scoring", "codeAssignment"):
        assert f"{record_type}, January 2026" in html
    assert 'aria-label="20 January 2026: fragmented, 10 records, 1 file"' in html
    assert 'href="/admin/lake/scoring/2026-01-20/"' in html
    day = viewer.get("/admin/lake/scoring/2026-01-20/").content.decode()
    assert "avro/scoring/2026/01/20/one.avro" in day
    for cell in ("scoring.v1", '"Records">10<', '"Generation">–<', "2.0\xa0KB"):
        assert cell in day


def test_the_calendar_is_narrowed_to_a_type_and_a_month(viewer):
    a_day("2026-01-20")
    a_day("2026-01-20", record_type="sale")
    html = viewer.get("/admin/lake/", {"type": "scoring", "month": "2025-12"}).content.decode()
    assert "scoring, December 2025" in html
    assert "registration, December" not in html
    assert "?month=2025-11&amp;type=scoring" in html
    assert "sale, January 2026" in viewer.get("/admin/lake/").content.decode()
    assert "sale, December" not in viewer.get("/admin/lake/", {"month": "2025-12"}).content.decode()
    odd = viewer.get("/admin/lake/", {"type": "x", "month": "x"}).content.decode()
    assert "scoring, January 2026" in odd


def test_l3_scheduled_merges_are_shown_with_their_jobs_and_l7_the_statistics_of_merges(viewer):
    schedules.write(tasks.SCHEDULED_RUNS, now=timezone.now())
    job = tasks.scheduled.open_job(monthly=False, by=None)
    a_day()
    a_merge(
        files=500,
        records_in=1_234_567,
        records_out=1_234_567,
        merged_key="avro/scoring/merged/x.avro",
    )
    a_merge("2026-01-21", "fragmented", error="40 files are too large.")
    html = viewer.get("/admin/lake/").content.decode()
    assert f'<a href="/admin/job/{job.pk}/">Job {job.pk}</a>' in html
    assert "not scheduled" not in html
    for part in ("1,234,567", "avro/scoring/merged/x.avro", "40 files are too large."):
        assert part in html


def test_files_of_a_day_are_paged_and_asked_for_by_state(viewer, monkeypatch):
    monkeypatch.setattr(keyset, "SIZE", 1)
    files = [a_file(), a_file(), a_file(state="archived")]
    first = viewer.get("/admin/lake/scoring/2026-01-20/").content.decode()
    assert files[1].key in first
    assert files[0].key not in first
    assert f"?after={files[1].pk}" in first
    archived = viewer.get("/admin/lake/scoring/2026-01-20/", {"show": "archived"})
    assert files[2].key in archived.content.decode()


def test_a_day_in_the_file_of_its_month_leads_there_and_a_month_has_a_page(viewer):
    a_day()
    a_file("2026-01", "merged")
    day = viewer.get("/admin/lake/scoring/2026-01-20/").content.decode()
    assert 'href="/admin/lake/scoring/2026-01/"' in day
    assert "archived" in day
    assert "merged" in viewer.get("/admin/lake/scoring/2026-01/").content.decode()


def test_a_merge_that_runs_and_one_that_was_refused_stand_on_the_page_of_their_day(viewer):
    a_file()
    a_merge(state="fragmented", error="40 files are too large.")
    by_hand.ask_for_merge("scoring", DAY, by=member_of("operator"))
    html = viewer.get("/admin/lake/scoring/2026-01-20/").content.decode()
    assert "The last merge was refused: 40 files are too large." in html
    assert "Waiting for a worker." in html


@pytest.mark.parametrize("name", ["scoring", "scoring/x", "scoring/2026-02-30", "x/2026-01-20"])
def test_what_is_not_a_period_is_not_found(viewer, name):
    assert viewer.get(f"/admin/lake/{name}/").status_code == 404


def test_who_may_only_look_is_offered_no_merge(viewer, operator):
    a_file()
    for page in ("/admin/lake/", "/admin/lake/scoring/2026-01-20/"):
        assert "Merge now" not in viewer.get(page).content.decode()
        assert "Merge now" in operator.get(page).content.decode()
