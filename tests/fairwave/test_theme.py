"""The frame of the site: its menu, and the badge beside its title."""

from __future__ import annotations

import pytest

from fairwave.theme import NAVIGATION, environment


@pytest.mark.parametrize(
    ("address", "level"),
    [
        ("http://127.0.0.1:8100/sms", "info"),
        ("http://localhost/sms", "info"),
        ("https://sms.example.com/send", "warning"),
    ],
)
def test_the_badge_tells_a_sandbox_from_providers_that_reach_fans(rf, settings, address, level):
    settings.SMS_URL = address
    assert environment(rf.get("/"))[1] == level


def test_every_entry_of_the_menu_has_a_title_an_icon_and_an_address():
    entries = [entry for area in NAVIGATION for entry in area["items"]]
    assert all(entry["title"] and entry["icon"] for entry in entries)
    addresses = [str(entry["link"]) for entry in entries]
    assert all(address.startswith("/admin/") for address in addresses)
    assert len(set(addresses)) == len(addresses)
