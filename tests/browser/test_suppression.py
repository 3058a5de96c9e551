"""A reader unsubscribes, and an operator finds the contact, lifts that and adds a file, in a real
browser. [N-8]
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Person
from tests.support.sending import triggered_wave
from waves.choices import Channel
from waves.models import Send
from waves.sending import new_messages
from waves.suppression import unsubscribe

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_n8_a_reader_unsubscribes_and_an_operator_lifts_it(sign_in, tmp_path: Path):
    wave = triggered_wave(1, phones=0, emails=1)
    new_messages.make_sends(wave)
    email = Send.objects.get(wave=wave, channel=Channel.EMAIL)
    person: Person = sign_in("operator")
    page = person.go(urlsplit(unsubscribe.link(str(email.key))).path)
    person.picture("unsubscribe")
    page.click("button:has-text('Unsubscribe from all e-mails')")
    expect(page.locator("h1")).to_have_text("You are unsubscribed")
    person.picture("unsubscribed")
    page = person.go("/admin/")
    page.click("nav >> text=Suppressed contacts")
    page.fill("#id_contact", "Fan1@example.com")
    page.fill("#id_reason", "the fan called")
    page.click("button:has-text('Find')")
    expect(page.locator("form tbody")).to_contain_text("Unsubscribed")
    person.picture("suppressed-contacts")
    page.click("form tbody >> a:has-text('Unsubscribed')")
    page.click("summary:has-text('Lift')")
    page.fill("#reason-lift", "the fan asked for it")
    person.picture("suppressed-contact")
    page.click("form >> button:has-text('Lift')")
    expect(page.locator("tbody")).to_contain_text("the fan asked for it")
    file = tmp_path / "left.csv"
    file.write_text("email\nann@example.com\nann\n")
    page.click("text=Suppressed contacts >> nth=-1")
    page.set_input_files("#file", file)
    page.fill("#why-file", "from the old system")
    page.click("button:has-text('Suppress all of them')")
    expect(page.locator("body")).to_contain_text("1 contact added")
    expect(page.locator("body")).to_contain_text("Line 3: Neither an e-mail address")
    person.picture("suppressed-after-file")
