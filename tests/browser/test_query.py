"""An analyst queries the lake in a real browser, with the real engine. [L-8]"""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Person
from tests.datalake.lake_cases import save_loose

pytestmark = [
    pytest.mark.browser,
    pytest.mark.full,
    pytest.mark.django_db(transaction=True),
]
SQL = "SELECT email, score, tags, partition_date FROM scoring ORDER BY email LIMIT 9"


def test_l8_an_analyst_asks_is_refused_corrects_and_sees_the_rows(sign_in):
    save_loose(40, 2)
    person: Person = sign_in("analyst")
    page = person.go("/admin/lake-query/")
    page.fill("#sql", "SELECT nope FROM scoring")
    page.click("text=Run query")
    expect(page.locator(".fw-next.fw-bad")).to_contain_text("No field named nope")
    person.picture("query-refused")
    page.fill("#sql", SQL)
    page.click("text=Run query")
    expect(page.locator("#result tbody tr")).to_have_count(9)
    expect(page.locator("#result")).to_contain_text("fan0@example.com")
    page.click("summary:has-text('scoring')")
    page.click("text=Download CSV…")
    person.picture("query-result")
    page.click("text=New query")
    expect(page.locator("#sql")).to_have_value(SQL)
    person.picture("query")
