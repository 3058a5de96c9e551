"""The progress of each campaign, and what to do next. [O-5, S-13, N-7]"""

from __future__ import annotations

import pytest

from campaigns.models import Campaign, Registrant, ScoreFile
from campaigns.scoring import activation
from console.campaigns.progress import Step, progress_of
from tests.support.campaigns import (
    import_registrations,
    make_active,
    make_campaign,
    registration_row,
)
from tests.support.people import why_late
from tests.support.sending import triggered_wave
from tests.support.waves import add_scores, campaign_with
from waves.models import Send
from waves.sending.new_messages import make_sends

pytestmark = pytest.mark.django_db


def strip(campaign: Campaign) -> dict[str, Step]:
    campaign.refresh_from_db()
    return {step.title: step for step in progress_of([campaign])[0].steps}


def test_the_first_page_shows_where_each_campaign_stands_and_what_is_next(client):
    Registrant.objects.filter(campaign=campaign_with(fans=3)).delete()
    html = client.get("/admin/").content.decode()
    assert "Spring Tour" in html
    assert "Upload the registrations." in html


def test_scores_are_the_active_files_while_another_is_processed_failed_or_waits():
    """[S-13]"""
    campaign = campaign_with(fans=3)
    active = ScoreFile.objects.get()
    other = add_scores(campaign, ["fan-000001"], [0.9])
    Campaign.objects.update(active_score_file=active)
    for state, said in (
        ("processing", "processing"),
        ("failed", "failed"),
        ("streamed", "not active"),
    ):
        ScoreFile.objects.filter(pk=other.pk).update(state=state, error="x")
        shown = strip(campaign)
        assert (shown["Scores"].figure, shown["Scores"].mark) == ("3", "done")
        assert active.name in shown["Scores"].note
        assert shown["Active file"].figure == f"attempt {active.attempt}"
        assert shown["Active file"].note == f"{active.name}; attempt {other.attempt}: {said}"


def test_after_a_switch_and_after_its_undo_the_figures_are_those_of_the_file_that_counts():
    """[S-13]"""
    campaign = campaign_with(fans=3)
    first = ScoreFile.objects.get()
    second = add_scores(campaign, ["fan-000001"], [0.9])
    make_active(first)
    assert strip(campaign)["Scores"].figure == "3"
    activation.undo(campaign.pk, **why_late(campaign))
    shown = strip(campaign)
    assert (shown["Scores"].figure, shown["Active file"].note) == ("1", second.name)


def test_registrations_are_fans_and_no_sum_of_files():
    campaign = make_campaign()
    import_registrations(campaign, [registration_row(1), registration_row(2)])
    newer = "2026-01-06T10:00:00Z"
    import_registrations(campaign, [registration_row(2, date_created=newer), registration_row(3)])
    assert strip(campaign)["Registrations"].figure == "3"
    assert strip(campaign)["Registrations"].note == "fans, from 2 files"


def test_a_fan_whose_email_is_only_queued_is_not_notified():
    """[N-7]"""
    wave = triggered_wave(3, phones=0, emails=3)
    make_sends(wave)
    first, *_ = Send.objects.filter(wave=wave, channel="email").order_by("id")
    assert strip(wave.campaign)["Sent"].figure == "0"
    Send.objects.filter(pk=first.pk).update(state="sent")
    assert strip(wave.campaign)["Sent"].figure == "1"


def test_a_draft_without_markets_is_told_to_get_one():
    draft = make_campaign(markets=(), opened=False)
    assert "It cannot be opened without one." in progress_of([draft])[0].next
