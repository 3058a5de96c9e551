"""Suspicious groups in a real browser: searched for by a click, put on the blacklist by another.
[X-13]
"""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Person
from tests.campaigns.fairness.suspicious.machine_made import processed

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_x13_groups_are_found_and_listed_by_clicks_and_fit_every_screen(sign_in):
    score_file = processed()
    person: Person = sign_in("administrator")
    page = person.go(f"/admin/score-file/{score_file.pk}/suspicious/")
    page.click("text=Search for groups")
    expect(page.locator("text=4 groups of fans look made by a machine")).to_be_visible(
        timeout=60_000
    )
    person.picture("suspicious")
    group = page.locator("#group-1")
    group.locator("summary").click()
    group.get_by_label("Reason").fill("addresses of a bot")
    group.get_by_role("button", name="Put 40 addresses on the blacklist").click()
    expect(page.locator("text=40 entries added to the campaign's blacklist")).to_be_visible()
    expect(group.locator(".fw-badge")).to_have_text("on the blacklist")
    for width in (1280, 390, 320):
        page.set_viewport_size({"width": width, "height": 844})
        overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert page.evaluate(overflow) <= 0, width
