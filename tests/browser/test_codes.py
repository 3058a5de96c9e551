"""A partner's codes are imported, and one of them is found with its life, in a real browser. [K-1,
X-10]
"""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Person
from tests.support.waves import campaign_with

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

A_WHILE = 60_000  # milliseconds: the machine may be busy


def test_a_list_of_codes_is_imported_and_a_code_of_it_is_found(sign_in, tmp_path: Path):
    campaign = campaign_with(2)
    file = tmp_path / "codes.csv"
    file.write_text("code,marketId\nAAA111,west\naaa111,\nTM,\nBBB222,\n")
    person: Person = sign_in("operator")
    page = person.go(f"/admin/campaign/{campaign.campaign_id}/")
    page.click("text=Import codes")
    page.fill("#source", "Ticket Partner")
    page.set_input_files("#file", file)
    person.picture("import-codes")
    page.click("button:has-text('Import')")
    expect(page.locator(".fw-title .fw-badge")).to_have_text("done", timeout=A_WHILE)
    expect(page.locator(".fw-ledger")).to_contain_text("2 accepted")
    person.picture("code-file")
    page.click("nav >> text=Find a code")
    page.fill("#id_code", "aaa111")
    page.fill("#id_reason", "the partner asks")
    page.click("button:has-text('Find')")
    expect(page.locator("tbody")).to_contain_text("codes.csv, line 2")
    person.picture("find-code")
