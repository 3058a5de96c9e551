"""A day of the lake is merged by hand, in a real browser. [L-3, O-1]"""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from datalake.models import Merge
from tests.browser.conftest import Person
from tests.console.lake.lake_rows import a_day, a_file, a_merge
from tests.datalake.lake_cases import save_loose

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
A_WHILE = 60_000


def a_month() -> None:
    """A day in each state."""
    save_loose(4_000, 4_000, 4_000)
    for number, states in enumerate(
        (("merged", "archived"), ("merged", "superseded"), ("merged", "loose"), ("loose",) * 3), 1
    ):
        day = f"2026-01-0{number}"
        a_day(day, 12_345 * 10**number // 10)
        for state in states:
            a_file(day, state, records=1_234_567, bytes=98_765_432)
    a_merge("2026-01-01", "archived", files=500, records_in=9, records_out=9, seconds=1.5)
    a_file("2026-01-05")
    a_merge("2026-01-05", "fragmented", error="40 files of scoring have 1,300,000,000 bytes.")
    a_file("2026-01-06")
    a_merge("2026-01-06", "consolidating")


def test_l3_a_day_is_merged_by_hand_and_its_page_and_the_calendar_say_so(sign_in):
    a_month()
    person: Person = sign_in("operator")
    page = person.go("/admin/lake/")
    person.picture("lake")
    for width in (1280, 390, 320):
        page.set_viewport_size({"width": width, "height": 844})
        assert page.evaluate(
            "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        ), width
    page.set_viewport_size({"width": 1280, "height": 900})
    page.click("a[aria-label^='20 January 2026: fragmented, 12,000 records, 3 files']")
    person.picture("lake-day")
    page.click("text=Merge now…")
    page.click("button:has-text('Merge'):visible")
    expect(page.locator("h2 .fw-badge")).to_contain_text("archived", timeout=A_WHILE)
    assert Merge.objects.get(period="2026-01-20").records_out == 12_000
    person.picture("lake-merged")
    page.click("a.fw-button:has-text('Calendar')")
    expect(page.locator("a[aria-label^='20 January 2026: archived, 12,000']")).to_be_visible()
