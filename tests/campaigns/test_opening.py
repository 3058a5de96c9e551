"""A campaign's life and its draw: locked once, revealed at the end. [C-2, S-8]"""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from campaigns.errors import BadCampaignFile, BadPublicSource, UnknownCampaign, WrongStatus
from campaigns.models import Campaign, Registrant
from campaigns.opening import (
    campaign_of,
    close_campaign,
    delete_draft,
    open_campaign,
)
from campaigns.public_source import source_named
from operations.database import clock
from operations.errors import ClocksDiffer
from operations.models import StatusChange
from tests.support.campaigns import SALT, SEED, make_campaign
from tests.support.connections import preparing
from tests.support.people import staff
from tests.support.waves import NOW

pytestmark = pytest.mark.django_db


def test_opening_draws_seed_and_salt_and_publishes_the_commitment():
    campaigns = [open_campaign(make_campaign(opened=False).pk, by=None) for _ in range(2)]
    for campaign in campaigns:
        assert (len(campaign.seed), len(campaign.salt), campaign.draw_supplied) == (32, 32, False)
        assert campaign.commitment == hashlib.sha256(campaign.seed).hexdigest()
        assert campaign.salt_commitment == hashlib.sha256(campaign.salt).hexdigest()
    assert campaigns[0].seed != campaigns[1].seed
    assert campaigns[0].salt != campaigns[1].salt
    assert campaigns[0].seed != campaigns[0].salt


def test_a_supplied_draw_is_marked_as_such():
    campaign = make_campaign()
    assert (bytes(campaign.seed), bytes(campaign.salt), campaign.draw_supplied) == (
        SEED,
        SALT,
        True,
    )
    assert campaign.commitment == hashlib.sha256(SEED).hexdigest()
    assert campaign.salt_commitment == hashlib.sha256(SALT).hexdigest()
    assert campaign.draw_scheme == 2


def test_half_a_draw_is_not_completed_in_silence():
    with pytest.raises(BadCampaignFile, match="both"):
        open_campaign(make_campaign(opened=False).pk, by=None, seed=SEED)


def test_c2_a_campaign_without_markets_stays_a_draft_and_no_draw_is_locked():
    campaign = make_campaign(markets=(), opened=False)
    with pytest.raises(WrongStatus, match="Add at least one before you open it"):
        open_campaign(campaign.pk, by=None)
    campaign.refresh_from_db()
    assert (campaign.status, campaign.commitment) == ("draft", "")


def test_c2_a_draft_is_deleted_with_its_markets_and_its_history_keeps_who_did_it():
    campaign, ann = make_campaign("gone", opened=False), staff("ann")
    assert delete_draft(campaign.pk, by=ann) == "gone"
    assert not Campaign.objects.exists()
    kept = StatusChange.objects.get(subject_id="gone")
    assert (kept.from_state, kept.to_state, kept.by) == ("draft", "deleted", ann)


def test_c2_a_campaign_that_is_open_or_has_received_rows_is_not_deleted():
    with pytest.raises(WrongStatus, match="Only a draft can be deleted"):
        delete_draft(make_campaign().pk, by=None)
    draft = make_campaign(opened=False)
    Registrant.objects.create(campaign=draft, global_user_id="a", registered_at=NOW, changed_at=NOW)
    with pytest.raises(WrongStatus, match="cannot be deleted because it has 1 registrant"):
        delete_draft(draft.pk, by=None)
    assert Campaign.objects.count() == 2


def test_a_campaign_opens_once_and_closes_once():
    campaign = make_campaign()
    with pytest.raises(WrongStatus, match="Only a draft"):
        open_campaign(campaign.pk, by=None)
    assert close_campaign(campaign.pk, by=None).status == "closed"
    for step in (open_campaign, close_campaign):
        with pytest.raises(WrongStatus):
            step(campaign.pk, by=None)
    moves = StatusChange.objects.filter(
        subject_kind="campaign", subject_id=campaign.campaign_id
    ).order_by("id")
    assert list(moves.values_list("from_state", "to_state")) == [
        ("draft", "open"),
        ("open", "closed"),
    ]


def test_closing_has_the_databases_time_in_the_campaign_and_in_its_history(monkeypatch):
    """[C-2, S-10] All that is public happened between opening and close, by one clock."""
    campaign = make_campaign()
    before = clock.database_time()
    monkeypatch.setattr(timezone, "now", lambda: before - timedelta(hours=1))
    closed = close_campaign(campaign.pk, by=None)
    (move,) = StatusChange.objects.filter(to_state="closed")
    assert before <= closed.closed_at <= move.at


def test_a_campaign_does_not_close_while_a_wave_of_it_is_being_prepared():
    """C-2"""
    campaign = make_campaign()
    with preparing(campaign), pytest.raises(WrongStatus, match="is being prepared"):
        close_campaign(campaign.pk, by=None)
    assert close_campaign(campaign.pk, by=None).status == "closed"


@pytest.mark.parametrize(
    "change",
    [
        {"seed": SALT},
        {"salt": SEED},
        {"seed": None},
        {"commitment": "0" * 64},
        {"salt_commitment": "0" * 64},
        {"draw_scheme": 1},
        {"entropy_source": "dice"},
    ],
)
def test_the_database_lets_nobody_change_a_draw(change):
    campaign = make_campaign()
    with pytest.raises(IntegrityError, match="is locked"), transaction.atomic():
        Campaign.objects.filter(pk=campaign.pk).update(**change)


def test_an_open_campaign_has_its_draw():
    with pytest.raises(IntegrityError, match="campaign_open_has_its_draw"), transaction.atomic():
        Campaign.objects.create(campaign_id="x", name="x", status="open")


def test_a_source_is_locked_with_its_time_and_form_when_the_campaign_opens():
    campaign = make_campaign(opened=False, entropy_source=" Drand Round 099551234")
    campaign = open_campaign(campaign.pk, by=None)
    campaign.refresh_from_db()
    assert campaign.public_source == source_named("drand round 99551234")
    assert campaign.entropy_public_at > campaign.opened_at


@pytest.mark.parametrize(
    "source",
    [
        {"entropy_source": "drand round 5551234"},
        {"entropy_source": "dice"},
        {"entropy_source": "dice", "entropy_form": "x", "entropy_public_at": NOW},
    ],
)
def test_a_source_whose_value_is_not_to_come_opens_a_rehearsal_only(source):
    campaign = make_campaign(opened=False, **source)
    with pytest.raises(BadPublicSource):
        open_campaign(campaign.pk, by=None)
    campaign.refresh_from_db()
    assert (campaign.status, campaign.commitment) == ("draft", "")
    opened = open_campaign(campaign.pk, by=None, seed=SEED, salt=SALT)
    assert (opened.status, opened.entropy_public_at) == ("open", None)


def test_a_machine_whose_clock_is_wrong_opens_no_campaign_with_a_source(monkeypatch):
    wrong = clock.database_time() - timedelta(hours=1)
    monkeypatch.setattr(clock.timezone, "now", lambda: wrong)
    campaign = make_campaign(opened=False, entropy_source="drand round 99551234")
    with pytest.raises(ClocksDiffer, match="Correct the one that is wrong"):
        open_campaign(campaign.pk, by=None)
    assert open_campaign(make_campaign(opened=False).pk, by=None).status == "open"


def test_the_database_lets_nobody_open_with_a_source_that_is_past():
    draft = make_campaign(opened=False, entropy_source="dice")
    opened = {"status": "open", "seed": SEED, "salt": SALT, "commitment": "c", "opened_at": NOW}
    for public_at in (None, NOW):
        with pytest.raises(IntegrityError, match="source_was_to_come"), transaction.atomic():
            Campaign.objects.filter(pk=draft.pk).update(
                **opened, salt_commitment="s", entropy_public_at=public_at
            )


def test_an_unknown_campaign_is_named():
    with pytest.raises(UnknownCampaign, match="'nope'"):
        campaign_of("nope")
