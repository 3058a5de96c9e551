"""The public source of an open campaign is moved once, before its time, with a reason. [S-8]"""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.db import IntegrityError, transaction

from campaigns.entropy import moves
from campaigns.entropy.moves import move_source
from campaigns.errors import BadPublicSource, DrawIsLocked
from campaigns.models import Campaign, SourceMove
from campaigns.public_source import PublicSource, source_named
from operations.models import StatusChange
from tests.campaigns.entropy.sources import LOTTERY, ROUND, time_reached, waiting
from tests.support.campaigns import make_campaign
from tests.support.people import staff

pytestmark = pytest.mark.django_db
NEXT = source_named("drand round 99551235")


def test_a_source_is_moved_once_and_what_it_was_is_kept_with_the_reason():
    campaign, ann = waiting(), staff("ann")
    before = campaign.public_source
    moved = move_source(campaign.pk, NEXT, by=ann, reason=" the files are late ")
    moved.refresh_from_db()
    assert moved.public_source == NEXT
    kept = SourceMove.objects.get()
    assert (kept.before, kept.reason, kept.by) == (before, "the files are late", ann)
    said = StatusChange.objects.get(to_state="source moved").reason
    assert said == f"{ROUND} → {NEXT.name}: the files are late"
    for again in (before, source_named("drand round 99551236")):
        with pytest.raises(DrawIsLocked, match="already moved once"):
            move_source(campaign.pk, again, by=ann, reason="once more")


def test_the_time_and_form_of_a_free_source_are_moved_too():
    campaign, ann = waiting(**LOTTERY), staff("ann")
    written = replace(campaign.public_source, form="numbers, descending")
    assert move_source(campaign.pk, written, by=ann, reason="typo").public_source == written


def test_a_source_is_not_moved_without_a_reason_to_nothing_new_or_to_the_past():
    campaign, ann = waiting(), staff("ann")
    with pytest.raises(DrawIsLocked, match="Enter a reason"):
        move_source(campaign.pk, NEXT, by=ann, reason=" ")
    with pytest.raises(DrawIsLocked, match="already"):
        move_source(campaign.pk, source_named(ROUND), by=ann, reason="x")
    with pytest.raises(BadPublicSource, match="still to come"):
        move_source(campaign.pk, source_named("drand round 1"), by=ann, reason="x")
    assert not SourceMove.objects.exists()


def test_a_source_whose_value_is_public_is_not_moved(monkeypatch):
    campaign = waiting()
    time_reached(monkeypatch, moves, campaign)
    with pytest.raises(DrawIsLocked, match="can no longer be moved"):
        move_source(campaign.pk, NEXT, by=staff("ann"), reason="x")


def test_a_rehearsals_source_without_a_time_and_no_source_are_not_moved():
    ann = staff("ann")
    for campaign in (make_campaign(entropy_source="dice"), make_campaign()):
        with pytest.raises(DrawIsLocked):
            move_source(campaign.pk, NEXT, by=ann, reason="x")


def test_the_database_lets_nobody_move_a_source_otherwise():
    campaign, ann = waiting(), staff("ann")
    open_one = Campaign.objects.filter(pk=campaign.pk)
    changes = [
        {"entropy_source": "dice"}, {"entropy_round": 7}, {"entropy_form": "x"},
        {"entropy_public_at": LOTTERY["entropy_public_at"]},
    ]  # fmt: skip
    for change in changes:
        with pytest.raises(IntegrityError, match="is locked"), transaction.atomic():
            open_one.update(**change)
    move_source(campaign.pk, NEXT, by=ann, reason="x")
    with pytest.raises(IntegrityError, match="is locked"), transaction.atomic():
        open_one.update(entropy_round=99_551_234)
    for change in ({"reason": "y"}, {"source": "dice"}):
        with pytest.raises(IntegrityError, match="kept as it was"), transaction.atomic():
            SourceMove.objects.update(**change)
    with pytest.raises(IntegrityError, match="kept as it was"), transaction.atomic():
        SourceMove.objects.all().delete()
    with pytest.raises(IntegrityError, match="unique constraint"), transaction.atomic():
        SourceMove.objects.create(
            campaign=campaign, source="s", form="f", public_at=NEXT.public_at, reason="r", by=ann,
            at=NEXT.public_at,
        )  # fmt: skip


def test_a_move_names_a_source_with_its_form():
    campaign = waiting()
    bare = PublicSource("dice", public_at=NEXT.public_at)
    with pytest.raises(BadPublicSource, match="Enter how"):
        move_source(campaign.pk, bare, by=staff("ann"), reason="x")
