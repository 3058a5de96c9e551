"""Which score file counts: one pointer, switched at once, undone, refused while a wave is being
prepared. [S-13]
"""

from __future__ import annotations

import pytest

from campaigns.errors import CannotActivate, UnknownScoreFile, WrongStatus
from campaigns.models import Activation, Campaign
from campaigns.opening import close_campaign
from campaigns.scoring import activation
from tests.support.campaigns import (
    make_campaign,
    process_scores,
    receive_scores,
    score_file_bytes,
    score_row,
)
from tests.support.connections import preparing

pytestmark = pytest.mark.django_db(transaction=True)


def scores(*numbers: int) -> bytes:
    return score_file_bytes([score_row(n) for n in numbers])


def active(campaign: Campaign) -> int | None:
    return Campaign.objects.get(pk=campaign.pk).active_score_file_id


def test_a_new_file_becomes_active_when_it_is_streamed_unless_asked_otherwise():
    campaign = make_campaign()
    first = process_scores(campaign, scores(1))
    assert active(campaign) == first.pk
    second = process_scores(campaign, scores(2), activate=False)
    assert active(campaign) == first.pk
    activation.activate(second.pk, by=None)
    assert active(campaign) == second.pk


def test_switches_are_undone_one_after_the_other():
    campaign = make_campaign()
    first, second, third = (process_scores(campaign, scores(n)) for n in (1, 2, 3))
    assert activation.undo(campaign.pk, by=None).active_score_file == second
    assert activation.undo(campaign.pk, by=None).active_score_file == first
    assert activation.undo(campaign.pk, by=None).active_score_file is None
    with pytest.raises(CannotActivate, match="to undo"):
        activation.undo(campaign.pk, by=None)
    activation.activate(third.pk, by=None)
    assert activation.undo(campaign.pk, by=None).active_score_file is None


def test_activating_the_active_file_is_no_switch():
    campaign = make_campaign()
    first = process_scores(campaign, scores(1))
    activation.activate(first.pk, by=None)
    assert Activation.objects.count() == 1


def test_while_a_wave_is_being_prepared_nothing_is_switched():
    campaign = make_campaign()
    first, second = (
        process_scores(campaign, scores(1)),
        process_scores(campaign, scores(2), activate=False),
    )
    with preparing(campaign):
        with pytest.raises(CannotActivate, match="is being prepared"):
            activation.activate(second.pk, by=None)
        with pytest.raises(CannotActivate, match="is being prepared"):
            activation.undo(campaign.pk, by=None)
        third = process_scores(campaign, scores(3))
    assert third.state == "streamed"
    assert active(campaign) == first.pk
    activation.activate(second.pk, by=None)
    assert active(campaign) == second.pk


def test_only_a_streamed_file_can_be_active():
    campaign = make_campaign()
    with pytest.raises(CannotActivate, match="uploaded"):
        activation.activate(receive_scores(campaign, scores(1)).pk, by=None)
    waiting = process_scores(make_campaign(entropy_source="drand round 5551234"), scores(1))
    with pytest.raises(CannotActivate, match="validated"):
        activation.activate(waiting.pk, by=None)
    with pytest.raises(UnknownScoreFile):
        activation.activate(2**40, by=None)


def test_a_closed_campaign_keeps_what_it_has():
    """[C-2]"""
    campaign = make_campaign()
    process_scores(campaign, scores(1))
    second = process_scores(campaign, scores(2), activate=False)
    close_campaign(campaign.pk, by=None)
    with pytest.raises(WrongStatus):
        activation.activate(second.pk, by=None)
    with pytest.raises(WrongStatus):
        activation.undo(campaign.pk, by=None)
