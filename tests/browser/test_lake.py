"""A day of the lake is merged by hand, and dead letters are replayed, in a real browser. [L-3, O-1,
T-1]
"""

from __future__ import annotations

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from datalake.models import DeadLetter, Merge
from tests.browser.conftest import Person
from tests.console.lake.test_parity import result
from tests.datalake.dead_letters.letter_rows import a_letter
from tests.datalake.lake_cases import save_loose

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
A_WHILE = 60_000


def fits(page: Page) -> None:
    """Nothing scrolls sideways, however narrow the window is."""
    for width in (390, 320, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate(
            "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        ), width


def test_l3_a_day_is_merged_by_hand_and_its_page_and_the_calendar_say_so(sign_in):
    save_loose(4, 4, 4)
    person: Person = sign_in("operator")
    page = person.go("/admin/lake/")
    fits(page)
    page.click("a[aria-label^='20 January 2026: fragmented, 12 records, 3 files']")
    page.click("text=Merge now…")
    page.click("button:has-text('Merge'):visible")
    expect(page.locator("h2 .fw-badge")).to_contain_text("archived", timeout=A_WHILE)
    assert Merge.objects.get(period="2026-01-20").records_out == 12
    page.click("a.fw-button:has-text('Calendar')")
    expect(page.locator("a[aria-label^='20 January 2026: archived, 12 records']")).to_be_visible()


@pytest.mark.full
def test_t1_dead_letters_are_found_by_reason_and_replayed_where_one_is_ticked(sign_in):
    for number in range(6):
        a_letter("email: not a string" if number % 2 else "campaignId: missing")
    a_letter(source="file:avro/registration/2026/01/20/theirs.avro#0123456789abcdef")
    a_letter("date: missing", dropped_at=timezone.now())
    result(lake=3).save()
    result(ok=True, period="2026-01-19").save()
    person: Person = sign_in("operator")
    page = person.go("/admin/dead-letters/")
    fits(page)
    page.click("th a:has-text('email: not a string')")
    expect(page.locator("input[name=letter]")).to_have_count(3)
    page.locator("input[name=letter]").first.check()
    page.fill("#reason", "the source is fixed")
    page.click("button:has-text('Replay ticked')")
    expect(page.locator(".fw-title .fw-badge")).to_have_text("done", timeout=A_WHILE)
    (replayed,) = DeadLetter.objects.exclude(replayed_at=None)
    page = person.go(f"/admin/dead-letters/{replayed.pk}/")
    expect(page.locator("text=the source is fixed")).to_be_visible()
    for name in ("lake/parity", "services"):
        fits(person.go(f"/admin/{name}/"))
