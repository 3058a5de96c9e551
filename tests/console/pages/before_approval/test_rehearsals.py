"""Rehearsals on a wave's page. [X-6]"""

from __future__ import annotations

import pytest

from operations.models import Job
from tests.console.page_cases import prepared, said
from tests.support.people import client_of, member_of
from tests.support.sending import FAST, QUICK
from waves.models import Member, Rehearsal, RehearsalSend, Wave
from waves.rehearsal import rehearse
from waves.rehearsal.rows import make_rows

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator():
    return client_of(member_of("operator", name="olaf"))


def html_of(client, wave: Wave) -> str:
    return client.get(f"/admin/wave/{wave.name}/").content.decode()


def test_x6_a_rehearsal_is_started_shown_and_stopped(operator):
    wave = prepared()
    address = f"/admin/wave/{wave.name}/rehearse/"
    assert said(operator.post(address, follow=True)) == [
        "The rehearsal is running. No fan gets a message."
    ]
    rehearsal = Rehearsal.objects.get(wave=wave)
    assert Job.objects.get(kind="rehearse_wave").arguments == {"rehearsal": rehearsal.pk}
    make_rows(rehearsal)
    # the page does not wait for the count
    assert "messages recorded" not in html_of(operator, wave)
    live = operator.get(f"{address}live/")
    assert "0 of 20 messages recorded" in live.content.decode()
    assert said(operator.post(f"{address}stop/", follow=True)) == ["The rehearsal is stopped."]
    assert said(operator.post(f"{address}stop/", follow=True)) == ["No rehearsal was running."]
    assert operator.get(f"{address}live/").headers["HX-Refresh"] == "true"
    assert "stopped by olaf" in html_of(operator, wave)
    viewer = client_of(member_of("viewer", name="vera"))
    assert viewer.post(address).status_code == 403


@pytest.mark.django_db(transaction=True)
def test_x6_recorded_messages_are_shown_masked_and_compared_with_the_record(operator):
    wave = prepared()
    rehearse.rehearse(rehearse.begin(wave, by=None).pk, limits=FAST, timing=QUICK)
    html = html_of(operator, wave)
    assert "The first 20 recorded messages" in html
    assert "changed since" not in html
    assert "REHEARSAL-" in html
    member = Member.objects.filter(wave=wave).order_by("pk").first()
    assert not any(text in html for text in (member.code, member.phone, member.email))
    row = RehearsalSend.objects.order_by("id").first()
    RehearsalSend.objects.filter(pk=row.pk).update(provider_id="other")
    assert html_of(operator, wave).count("changed since") == 1
    Wave.objects.filter(pk=wave.pk).update(state="cancelled")
    refused = operator.post(f"/admin/wave/{wave.name}/rehearse/", follow=True)
    assert "is cancelled" in said(refused)[0]
