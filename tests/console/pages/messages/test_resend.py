"""Support sends a fan's code again from the page of the fan. [X-12]"""

from __future__ import annotations

import re

import pytest

from tests.console.page_cases import said
from tests.support.people import client_of, member_of
from tests.waves.resends.test_ask import fan_of, sent_wave
from waves.models import Resend

pytestmark = pytest.mark.django_db


def looked_up(client, wave) -> str:
    asked = {"campaign": wave.campaign_id, "fan": fan_of(wave).global_user_id, "reason": "a call"}
    return client.post("/admin/find/", asked).content.decode()


def test_x12_the_form_of_a_fans_page_sends_once_however_often_it_is_clicked(monkeypatch):
    monkeypatch.setattr("waves.resends.tasks.enqueue", lambda job: None)
    wave, desk = sent_wave(), client_of(member_of("operator"))
    html = looked_up(desk, wave)
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', html))
    form = hidden | {"phone": "206-555-0142", "email": "", "reason": "mistyped number"}
    for _ in range(2):
        answer = desk.post("/admin/find/resend/", form, follow=True)
        assert "is being sent again" in said(answer)[0]
    row = Resend.objects.get()
    assert (row.contact, row.why, str(row.request)) == (
        "+12065550142",
        "mistyped number",
        hidden["request"],
    )
    html = looked_up(desk, wave)
    assert "Sent again by support" in html
    assert "+1••••••••42" in html
    assert "+12065550142" not in html


def test_x12_a_refusal_is_said_and_nothing_is_written():
    wave, desk = sent_wave(), client_of(member_of("operator"))
    form = {"campaign": wave.campaign.campaign_id, "fan": "nobody", "reason": "mistyped"}
    form |= {"request": "7f0b5c1e-0000-4000-8000-000000000000"}
    answer = desk.post("/admin/find/resend/", form, follow=True)
    assert said(answer) == ["This fan has no assigned code, so there is nothing to send again."]
    answer = desk.post("/admin/find/resend/", form | {"reason": ""}, follow=True)
    assert said(answer)[0].startswith("Reason:")
    assert not Resend.objects.exists()


def test_x12_without_the_right_there_is_no_form():
    wave, viewer = sent_wave(), client_of(member_of("approver"))
    assert "Send the code again" not in looked_up(viewer, wave)
    assert viewer.post("/admin/find/resend/", {}).status_code == 403
