"""The waves of one campaign by hand, one after the other, in a real browser: an uploaded one, a
drawn one from plan to sent, a top-up, and one for those who are left; then the life of a code.
"""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from campaigns.models import Campaign
from sandbox.process import RunningSandbox
from tests.browser.conftest import Person
from tests.support.site.surroundings import all_well
from tests.support.waiting import wait_until
from tests.support.waves import campaign_with, counted, recounted_here, sent_out
from tests.waves.uploads.lists import row, rows_of
from waves.choices import Channel, WaveState
from waves.models import Member, Template, Wave, WaveLook
from waves.schedule import check_due_waves
from waves.second_count import count
from waves.sending import email_queue
from waves.sending import tasks as sending_tasks

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

A_WHILE = 60_000  # milliseconds: the machine may be busy
FANS, WEST, EAST = 14, 5, 4
WITHOUT_CODE = "{campaign} on {wave_date}: you are selected for {market}."


@pytest.fixture
def campaign(settings: Any, monkeypatch: pytest.MonkeyPatch, worker: None) -> Campaign:
    """Open, drawn, with a text that names no code. Second counts run in this process, and all is
    well around its waves.
    """
    settings.TEST_RECIPIENTS = ["+12065550100"]
    monkeypatch.setitem(count.run.__kwdefaults__, "checker", recounted_here)
    monkeypatch.setattr("waves.preflight.surroundings.ask", all_well)
    made = campaign_with(FANS, {"west": WEST, "east": EAST}, time_zone="America/New_York")
    Template.objects.create(campaign=made, channel=Channel.SMS, body=WITHOUT_CODE)
    return made


def test_the_waves_of_a_campaign_from_a_list_to_the_fans_who_are_left(
    sign_in, provider: RunningSandbox, campaign: Campaign, tmp_path: Path
):
    """Two people at browsers of their own, and everything that they read on the way."""
    olivia, amara = sign_in("operator"), sign_in("approver")
    _a_list_becomes_a_wave(olivia, campaign, tmp_path)
    wave = _plans_are_compared_and_one_is_prepared(olivia, campaign)
    _an_approver_reads_why_it_cannot_be_approved_yet(amara, wave)
    _the_text_is_fixed_tried_and_rehearsed(olivia, wave)
    _the_approver_sees_what_changed_and_approves(amara, wave)
    _it_is_scheduled_and_sent(olivia, wave, provider)
    _free_seats_are_topped_up(olivia, campaign)
    _those_who_are_left_are_told(olivia, campaign)
    _a_code_is_found_with_its_life(olivia, wave)


def _a_list_becomes_a_wave(person: Person, campaign: Campaign, folder: Path) -> None:
    """Rejected rows come back with their reasons. [W-3]"""
    file = folder / "guests.csv"
    file.write_bytes(rows_of([row(0), row(1), row(1), row(99)]))
    page = person.go(f"/admin/campaign/{campaign.campaign_id}/")
    page.get_by_role("link", name="Upload wave").click()
    page.get_by_label("List of fans (CSV)").set_input_files(file)
    page.get_by_label("Why are these fans not drawn?").fill("guests of the band")
    page.get_by_label("Product id").fill("PROD-1")
    page.get_by_label("Source").fill("guest list")
    page.get_by_role("button", name="Upload", exact=True).click()
    _wait_until_checked(page)
    expect(_card(page, "Uploaded list")).to_contain_text(
        _in_a_row("Rows 4 Accepted 2 Rejected 2 Codes made 2")
    )
    page.get_by_label("Reason for the download").first.fill("the band asked")
    with page.expect_download() as download:
        page.get_by_role("button", name="Rejected rows (CSV)").click()
    with Path(download.value.path()).open(encoding="utf-8", newline="") as file_of_rejected:
        rejected = list(csv.DictReader(file_of_rejected))
    assert [each["reason"] for each in rejected] == ["duplicate", "unknown_fan"]


def _plans_are_compared_and_one_is_prepared(person: Person, campaign: Campaign) -> Wave:
    """Four plans side by side; what the uploaded wave uses is not theirs to give. [X-4, W-5, W-7]"""
    page = person.go(f"/admin/campaign/{campaign.campaign_id}/")
    page.get_by_role("link", name="New wave").click()
    page.get_by_label("At most in this wave, West").fill("2")
    page.get_by_role("button", name="Preview", exact=True).click()
    page.get_by_label("At most in East, plan 2").fill("1")
    page.get_by_label("Selection order, plan 3").select_option("One market only")
    page.get_by_label("Single market, plan 3").select_option("East")
    page.get_by_label("At most in West, plan 4").fill("9")
    page.get_by_role("button", name="Compare these plans").click()
    plans = page.get_by_role("row", name="All markets")
    found = ["6 selected", "3 selected −3", "4 selected −2", "7 selected +1"]
    expect(plans.get_by_role("cell")).to_contain_text(found, timeout=A_WHILE)
    expect(plans).to_contain_text("1 more fan, 0 no longer, 1 in another market")
    page.get_by_role("button", name="Use plan 2").click()
    expect(page.get_by_label("At most in this wave, East")).to_have_value("1")
    page.get_by_role("button", name="Prepare this wave").click()
    _wait_until_checked(page)
    return Wave.objects.get(upload=None)


def _an_approver_reads_why_it_cannot_be_approved_yet(person: Person, wave: Wave) -> None:
    """The red line says what to do; the look is kept. [X-6, X-5]"""
    page = person.go(f"/admin/wave/{wave.name}/")
    red = _card(page, "Pre-flight").get_by_role("row", name="Content of messages")
    expect(red).to_contain_text("red", timeout=A_WHILE)
    expect(red).to_contain_text(
        "The SMS for markets East and West does not name the access code. Add {code}."
    )
    expect(_next_step(page)).to_contain_text("Fix them, or approve this wave with a reason.")
    wait_until(WaveLook.objects.exists, "the look at the page")
    clock = page.locator("time[data-clock]")
    shown = clock.text_content() or ""
    expect(clock).not_to_have_text(shown, timeout=A_WHILE)
    in_new_york = timezone.now().astimezone(ZoneInfo("America/New_York"))
    assert f"{in_new_york:%H:}" in {(clock.text_content() or "")[:3], shown[:3]}


def _the_text_is_fixed_tried_and_rehearsed(person: Person, wave: Wave) -> None:
    """[N-1, X-6]"""
    page = person.go(f"/admin/campaign/{wave.campaign.campaign_id}/")
    page.get_by_role("link", name="Templates", exact=True).last.click()
    page.get_by_role("link", name="SMS template").click()
    page.get_by_label("Text").press("ControlOrMeta+End")
    page.get_by_role("button", name="code", exact=True).click()
    page.get_by_role("button", name="Send test message").click()
    expect(page.get_by_text("was handed to the provider")).to_be_visible()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("was changed successfully")).to_be_visible()
    counted(wave)  # again, for what it says now; a sweep finds a worker for that within seconds
    page = person.go(f"/admin/wave/{wave.name}/")
    content = _card(page, "Pre-flight").get_by_role("row", name="Content of messages")
    expect(content).to_contain_text("green", timeout=A_WHILE)
    _wait_until_checked(page)
    page.get_by_role("button", name="Rehearse").click()
    rehearsal = _card(page, "Rehearsal")
    expect(rehearsal.get_by_role("row", name="operator-anna")).to_contain_text(
        "done", timeout=A_WHILE
    )


def _the_approver_sees_what_changed_and_approves(person: Person, wave: Wave) -> None:
    """Also when the page is loaded again. [X-5, W-10]"""
    page = person.go(f"/admin/wave/{wave.name}/")
    wait_until(lambda: WaveLook.objects.count() == 2, "the look at the new content")
    page.reload()
    approval = _card(page, "Approval")
    expect(approval).to_contain_text("Changes since you last looked")
    person.picture("wave-changes")
    text = f"before {WITHOUT_CODE} now {WITHOUT_CODE}{{code}}"
    expect(approval).to_contain_text(_in_a_row(f"SMS for all markets (en), text {text}"))
    page.get_by_role("link", name="Go to approval").click()
    approval.get_by_text("Approve…").click()
    approval.get_by_role("button", name="Approve this content").click()
    expect(_next_step(page)).to_contain_text("approved, but not scheduled")
    expect(page.locator(".fw-wave-steps .fw-now")).to_contain_text("approver-anna")
    person.picture("wave-approved")


def _it_is_scheduled_and_sent(person: Person, wave: Wave, provider: RunningSandbox) -> None:
    """At its notify date, which is days away for everybody but the scheduler. [W-11, N-3]"""
    page = person.page
    page.reload()
    page.get_by_role("button", name="Schedule", exact=True).click()
    expect(page.get_by_text("Sent automatically at its notify date: in")).to_be_visible()
    wave.refresh_from_db()
    sending_tasks.wake_senders(check_due_waves(now=wave.notify_date).triggered)
    expect(page.get_by_role("heading", name=f"{wave.name} completed")).to_be_visible(
        timeout=A_WHILE
    )
    email_queue.deliver()
    page.reload()
    results = page.locator("#wave-live")
    expect(results).to_contain_text(_in_a_row("Notified 3"))
    assert provider.received()["sms"]["accepted"] == wave.selected + 1  # the test message


def _free_seats_are_topped_up(person: Person, campaign: Campaign) -> None:
    """[X-7]"""
    page = person.go(f"/admin/campaign/{campaign.campaign_id}/")
    page.get_by_role("link", name="Top up").click()
    page.get_by_role("button", name="Preview", exact=True).click()
    expect(_card(page, "Preview")).to_contain_text(
        _in_a_row("Candidates 9 Selected 4 Waiting list 5"), timeout=A_WHILE
    )
    page.get_by_role("button", name="Prepare this wave").click()
    _wait_until_checked(page)


def _those_who_are_left_are_told(person: Person, campaign: Campaign) -> None:
    """[X-8]"""
    page = person.go(f"/admin/campaign/{campaign.campaign_id}/")
    page.get_by_role("link", name="Notify fans not selected").click()
    page.get_by_role("button", name="Preview", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("Send or cancel it before you notify fans")
    for each in Wave.objects.filter(state=WaveState.PREPARED):
        sent_out(each)  # as the drawn wave was
    page.get_by_role("button", name="Preview", exact=True).click()
    expect(_card(page, "Preview")).to_contain_text(
        _in_a_row("Candidates 5 To be notified 5"), timeout=A_WHILE
    )
    page.get_by_role("button", name="Prepare this wave").click()
    _wait_until_checked(page)


def _a_code_is_found_with_its_life(person: Person, wave: Wave) -> None:
    """[X-10]"""
    member = Member.objects.filter(wave=wave).earliest("pk")
    page = person.page
    page.get_by_role("link", name="Find a code").click()
    page.get_by_label("Access code", exact=True).fill(member.code.lower())
    page.get_by_label("Reason").fill("a question by phone")
    page.get_by_role("button", name="Find", exact=True).click()
    custody = page.get_by_role("region", name="Custody")
    steps = custody.get_by_role("rowheader")
    expect(steps).to_have_text(["Made", "Reserved", "Assigned", "Published", "Sent", "Sent"])


def _wait_until_checked(page: Page) -> None:
    """Until the wave is prepared, counted and through its pre-flight: its page is not loaded again
    then.
    """
    expect(page.get_by_role("button", name="Run pre-flight again")).to_be_visible(timeout=A_WHILE)
    expect(_next_step(page)).to_contain_text("another person must approve it")


def _in_a_row(figures: str) -> re.Pattern[str]:
    """These words, whatever space is between them."""
    return re.compile(r"\s*".join(map(re.escape, figures.split())))


def _next_step(page: Page) -> Any:
    return page.get_by_text("Next step:").locator("..")


def _card(page: Page, title: str) -> Any:
    return page.locator("section").filter(has=page.get_by_role("heading", name=title, exact=True))
