"""Receipts by command: under the right to see personal data, of all under the right to export it,
with a reason, and logged. [S-8, O-5, O-7]
"""

from __future__ import annotations

import io
import json
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.management import CommandError, call_command
from django.urls import resolve

from campaigns.models import Campaign
from campaigns.receipts import receipt_of_fan
from console.models import PersonalDataAccess
from tests.support.campaigns import import_registrations, make_campaign, registration_row
from tests.support.people import member_of, staff

pytestmark = pytest.mark.django_db(transaction=True)
VIEW = ("campaigns.view_personal_data", "campaigns.view_registrant")


@pytest.fixture
def campaign() -> Campaign:
    made = make_campaign()
    import_registrations(made, [registration_row(1, global_user_id="fan-1")])
    return made


def run(*arguments: str) -> dict[str, Any]:
    out = io.StringIO()
    with suppress(SystemExit):  # refused
        call_command("fan_receipt", *arguments, "--json", stdout=out, stderr=io.StringIO())
    return json.loads(out.getvalue().splitlines()[-1])


def logged() -> list[tuple[str, str, str, str]]:
    rows = PersonalDataAccess.objects.order_by("pk")
    return list(rows.values_list("user__username", "what", "subject", "reason"))


def test_s8_support_is_shown_a_fans_receipt_and_it_is_logged(campaign, monkeypatch):
    staff("anna", *VIEW)
    named = campaign.campaign_id
    expected = receipt_of_fan(campaign, "fan-1")
    found = run(named, " fan-1 ", "--by", "anna", "--reason", "the fan called")
    found.pop("seconds")
    assert found == {
        "campaign_id": named,
        "fan_ref": expected.fan_ref,
        "fan_nonce": expected.fan_nonce,
        "link": expected.link,
    }
    monkeypatch.setattr("sys.stdin", io.StringIO("fan-1\n"))
    assert run(named, "-", "--by", "anna")["fan_ref"] == expected.fan_ref
    assert logged() == [
        ("anna", "found", named, "the fan called"),
        ("anna", "found", named, "fan_receipt"),
    ]


def test_x2_the_link_leads_to_the_page_that_checks_entries(campaign):
    page = resolve(urlsplit(receipt_of_fan(campaign, "fan-1").link).path)
    assert (page.url_name, page.kwargs) == ("draw-check", {"campaign_id": campaign.campaign_id})


def test_an_unknown_fan_is_one_clear_line_and_no_access(campaign):
    staff("anna", *VIEW)
    assert "neither a registration" in run(campaign.campaign_id, "fan-9", "--by", "anna")["error"]
    assert logged() == []


def test_o5_without_the_right_to_personal_data_nothing_is_shown(campaign):
    member_of("viewer", name="vera")
    error = run(campaign.campaign_id, "fan-1", "--by", "vera")["error"]
    assert "does not have permission to run fan_receipt" in error
    assert logged() == []


def test_o7_all_receipts_need_the_right_to_export_and_a_reason(campaign, tmp_path: Path):
    path = tmp_path / "all.csv"
    asked = (campaign.campaign_id, "--all", str(path))
    staff("anna", *VIEW)
    refused = run(*asked, "--by", "anna", "--reason", "confirmation mail")["error"]
    assert "campaigns.export_personal_data" in refused
    member_of("operator", name="olga")
    assert "--reason" in run(*asked, "--by", "olga", "--reason", " ")["error"]
    assert not path.exists()
    assert logged() == []
    done = run(*asked, "--by", "olga", "--reason", "confirmation mail")
    assert (done["campaign_id"], done["fans"]) == (campaign.campaign_id, 1)
    assert receipt_of_fan(campaign, "fan-1").link in path.read_text()
    subject = f"receipts of {campaign.campaign_id}"
    assert logged() == [("olga", "exported", subject, "confirmation mail")]


@pytest.mark.parametrize("whose", [(), ("fan-1", "--all", "all.csv")])
def test_one_fan_or_all_is_asked_for_not_both_nor_neither(campaign, whose):
    with pytest.raises(CommandError):
        call_command("fan_receipt", campaign.campaign_id, *whose, "--by", "anna")
