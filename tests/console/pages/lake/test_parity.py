"""Database against lake, on the site. [X-9]"""

from __future__ import annotations

import pytest

from operations.models import Job
from tests.console.lake.lake_rows import a_day
from tests.console.lake.test_parity import result
from tests.console.page_cases import said

pytestmark = pytest.mark.django_db


def test_x9_what_differs_is_named_with_its_period(viewer):
    assert "Nothing was compared yet." in viewer.get("/admin/lake/parity/").content.decode()
    result(ok=True, period="2026-01-19", tombstones=1).save()
    html = viewer.get("/admin/lake/parity/").content.decode()
    assert "Database and lake hold the same records." in html
    assert "1 erased" in html
    result(lake=3).save()
    html = viewer.get("/admin/lake/parity/").content.decode()
    assert "2 of 5 records are missing in the lake, which has 3." in html
    assert 'href="/admin/lake/scoring/2026-01-20/"' in html
    assert "January 2026" in html
    other = viewer.get("/admin/lake/parity/", {"month": "2025-11"}).content.decode()
    assert "No period of this month was compared." in other


def test_x9_a_check_is_asked_of_a_worker_once_and_its_progress_is_shown(operator, viewer):
    for _ in range(2):
        answer = operator.post("/admin/lake/parity/check/", {"files": "1"}, follow=True)
    assert "A worker is comparing" in said(answer)[0]
    job = Job.objects.get()
    assert (job.kind, job.arguments) == ("check_parity", {"read_files": True})
    assert "Waiting for a worker." in answer.content.decode()
    assert viewer.post("/admin/lake/parity/check/").status_code == 403
    assert "Check now" not in viewer.get("/admin/lake/parity/").content.decode()


def test_x9_the_page_of_a_day_says_how_it_compared_itself_or_in_its_month(viewer):
    a_day()
    page = "/admin/lake/scoring/2026-01-20/"
    result(ok=True, period="2026-01").save()
    assert "Same as the database, compared" in viewer.get(page).content.decode()
    result(lake=3).save()
    assert "2 of 5 records are missing in the lake" in viewer.get(page).content.decode()
