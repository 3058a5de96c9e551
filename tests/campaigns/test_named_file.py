"""The score file that will be active is named before luck can be known. [S-8, S-13]"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction
from django.db.models.functions import Now

from campaigns import named_file
from campaigns.models import Campaign, ScoreFile
from campaigns.opening import open_campaign
from campaigns.scoring import score_files
from operations import jobs
from operations.database.clock import database_time
from operations.database.statements import run
from tests.support.campaigns import make_campaign, receive_scores, score_file_bytes, score_row

pytestmark = pytest.mark.django_db(transaction=True)


def received(campaign: Campaign, count: int, **options: bool) -> list[ScoreFile]:
    return [
        receive_scores(campaign, score_file_bytes([score_row(n)]), **options) for n in range(count)
    ]


def fresh(campaign: Campaign) -> Campaign:
    return Campaign.objects.get(pk=campaign.pk)


def test_by_default_it_is_the_newest_that_asks_to_be_active():
    campaign = make_campaign()
    assert named_file.named_of(campaign) is None
    files = received(campaign, 2)
    receive_scores(campaign, score_file_bytes([score_row(9)]), activate=False)
    assert named_file.named_of(campaign) == files[-1]


def test_the_first_draw_settles_it_for_good():
    campaign = make_campaign()
    (only,) = received(campaign, 1)
    named_file.begin_drawing(fresh(campaign))
    settled = fresh(campaign)
    drawn_at = settled.first_drawn_at
    ScoreFile.objects.filter(pk=only.pk).update(state="failed", error="cancelled")
    named_file.begin_drawing(settled)
    assert (fresh(campaign).first_drawn_at, named_file.named_of(settled)) == (drawn_at, only)


def test_where_none_asked_to_be_active_before_none_does_after():
    campaign = make_campaign()
    (only,) = received(campaign, 1, activate=False)
    named_file.begin_drawing(fresh(campaign))
    ScoreFile.objects.filter(pk=only.pk).update(activate_when_streamed=True)
    assert named_file.named_of(fresh(campaign)) is None


def test_cancelling_a_file_names_another_only_before_luck_can_be_known():
    campaign = make_campaign()
    first, second = received(campaign, 2)
    ScoreFile.objects.filter(pk=second.pk).update(state="failed", error="cancelled")
    assert named_file.named_of(campaign) == first


def test_what_becomes_of_a_file_once_its_sources_value_is_public_names_no_other():
    """Neither cancelling it nor starting a cancelled one again; nor does the time. [S-8]"""
    campaign = open_campaign(
        make_campaign(
            opened=False,
            entropy_source="dice",
            entropy_form="the number of eyes",
            entropy_public_at=database_time() + timedelta(hours=1),
        ).pk,
        by=None,
    )
    first, second, third = received(campaign, 3)
    works = {file: score_files.open_job(file, by=None) for file in (first, second, third)}
    assert jobs.request_stop(works[third].pk, "cancel")
    assert named_file.named_of(fresh(campaign)) == second
    with transaction.atomic():
        run("SET LOCAL session_replication_role = replica")  # no trigger locks the source
        Campaign.objects.filter(pk=campaign.pk).update(
            opened_at=Now() - timedelta(days=2), entropy_public_at=Now() - timedelta(seconds=1)
        )
    assert named_file.named_of(fresh(campaign)) == second
    score_files.process(score_files.open_job(third, by=None).pk)
    assert named_file.named_of(fresh(campaign)) == second
    assert jobs.request_stop(works[second].pk, "cancel")
    assert named_file.named_of(fresh(campaign)) == second
