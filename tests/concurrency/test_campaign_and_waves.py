"""Real processes on one PostgreSQL: a campaign and its waves are moved at once, each held up at a
named point; one of the two waits or is refused. [S-13, S-16, C-2, W-5]
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from campaigns.models import Campaign, ScoreFile
from campaigns.opening import close_campaign
from campaigns.scoring import activation
from operations.errors import Refusal
from tests.support.campaigns import make_active
from tests.support.forms import read_by
from tests.support.people import client_of, why_late
from tests.support.processes import Process
from tests.support.waiting import wait_until
from tests.support.waves import NOTIFY, NOW, add_scores, approve, campaign_with, person, request
from waves.lifecycle import wave_named
from waves.models import Send, Wave
from waves.preparation.prepare import prepare
from waves.schedule import check_due_waves, schedule
from waves.sending import new_messages, results

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]


def _said(step: Callable[..., Any], *arguments: Any, **options: Any) -> dict[str, Any]:
    try:
        step(*arguments, **options)
    except Refusal as refusal:
        return {"refused": str(refusal)}
    return {"refused": ""}


def prepared(campaign_pk: int, key: str) -> dict[str, Any]:
    """In a process of its own, as are the next ones."""
    campaign = Campaign.objects.get(pk=campaign_pk)
    return _said(prepare, request(campaign, key), by=person("ann"), now=NOW)


def completed(wave_name: str) -> dict[str, Any]:
    return _said(results.complete, wave_named(wave_name).pk)


def closed(campaign_pk: int) -> dict[str, Any]:
    return _said(close_campaign, campaign_pk, by=None)


def activated(score_file_pk: int) -> dict[str, Any]:
    campaign = ScoreFile.objects.get(pk=score_file_pk).campaign
    return _said(activation.activate, score_file_pk, **why_late(campaign))


def edited(campaign_pk: int) -> dict[str, Any]:
    """The campaign's form, read a while ago and sent with another name."""
    data = read_by(person("root"), Campaign.objects.get(pk=campaign_pk))
    send_it()
    page = client_of(person("root")).post(
        f"/admin/campaigns/campaign/{campaign_pk}/change/",
        data | {"name": "Autumn Tour"},
        SERVER_NAME="localhost",
    )
    return {"status": page.status_code}


def send_it() -> None:
    """Where the editor is held up."""


@pytest.fixture(autouse=True)
def people(transactional_db):
    person("ann")
    root = person("root", superuser=True)
    type(root).objects.filter(pk=root.pk).update(is_staff=True)


def sent_but_for_the_end(campaign: Campaign, key: str) -> Wave:
    file = b"marketId,marketName,capacity,selectionTime\nwest,,5,\neast,,5,\n"
    wave = prepare(request(campaign, key, market_file=file), by=person("ann"), now=NOW).wave
    approve(wave, by=person("bob"), digest=wave.content_digest, now=NOW)
    schedule(wave, by=person("bob"), now=NOW)
    check_due_waves(now=NOTIFY)
    new_messages.make_sends(wave)
    Send.objects.filter(wave=wave, channel="sms").update(state="sent")
    return wave


def somebody_waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM pg_stat_activity WHERE datname = current_database()"
            " AND wait_event_type = 'Lock'"
        )
        return cursor.fetchone() is not None


def test_two_waves_of_a_campaign_complete_at_once_and_neither_waits_for_ever():
    """S-13"""
    campaign = campaign_with(60, {"west": 10, "east": 10})
    waves = [sent_but_for_the_end(campaign, key) for key in ("20260121", "20260122")]
    held = Process(completed, waves[0].name, halted_at="waves.lifecycle:record_move")
    held.expect("halted")  # moved, not committed
    other = Process(completed, waves[1].name)
    wait_until(somebody_waits_for_a_lock, "the second wave at the campaign's lock")
    held.go_on()
    assert [process.result()["refused"] for process in (held, other)] == ["", ""]
    assert set(Wave.objects.values_list("state", flat=True)) == {"completed"}


def test_while_a_wave_is_prepared_no_other_file_becomes_active_and_the_campaign_stays_open():
    """S-13, C-2"""
    campaign = campaign_with(60, {"west": 5})
    first = campaign.active_score_file
    other = add_scores(campaign, [f"fan-{n:06d}" for n in range(40)], [0.9] * 40)
    make_active(first)
    held = Process(
        prepared, campaign.pk, "20260121", halted_at="waves.preparation.prepare:wave_zip"
    )
    held.expect("halted")
    for process in (Process(activated, other.pk), Process(closed, campaign.pk)):
        assert "is being prepared" in process.result()["refused"]
    held.go_on()
    assert held.result()["refused"] == ""
    wave = Wave.objects.get()
    assert (wave.state, wave.score_file) == ("prepared", first)
    assert "Complete or cancel it" in Process(closed, campaign.pk).result()["refused"]
    make_active(other)
    wave.refresh_from_db()
    assert wave.score_file == first


def test_a_campaign_that_closes_first_prepares_no_wave():
    """C-2"""
    campaign = campaign_with(60, {"west": 5})
    held = Process(closed, campaign.pk, halted_at="campaigns.opening:unfinished")
    held.expect("halted")
    late = Process(prepared, campaign.pk, "20260121")
    wait_until(somebody_waits_for_a_lock, "the preparation at the campaign's selection")
    held.go_on()
    assert held.result()["refused"] == ""
    assert "is closed" in late.result()["refused"]
    assert not Wave.objects.exists()


def test_an_edit_that_waited_while_the_campaign_closed_opens_nothing_again():
    """S-16, C-2"""
    campaign = campaign_with(5, {"west": 5})
    held = Process(edited, campaign.pk, halted_at=f"{__name__}:send_it")
    held.expect("halted")
    close_campaign(campaign.pk, by=None)
    held.go_on()
    held.result()
    campaign.refresh_from_db()
    assert (campaign.status, campaign.name) == ("closed", "Spring Tour")


def test_an_edit_that_waited_while_another_file_became_active_leaves_it_active():
    """S-16, S-13"""
    campaign = campaign_with(50, {"west": 5})
    other = add_scores(campaign, ["fan-000001"], [0.9])
    first = ScoreFile.objects.filter(campaign=campaign).earliest("pk")
    make_active(first)
    held = Process(edited, campaign.pk, halted_at=f"{__name__}:send_it")
    held.expect("halted")
    make_active(other)
    held.go_on()
    assert held.result()["status"] == 302
    campaign.refresh_from_db()
    assert (campaign.active_score_file, campaign.name) == (other, "Autumn Tour")
