"""A campaign's file names the public source; of an open campaign it moves it, once. [S-8, C-1]"""

from __future__ import annotations

import pytest

from campaigns import loading
from campaigns.errors import BadPublicSource, DrawIsLocked
from campaigns.models import Campaign, SourceMove
from tests.campaigns.entropy.sources import LOTTERY, ROUND
from tests.support.campaigns import SALT, SEED
from tests.support.people import member_of, staff

pytestmark = pytest.mark.django_db
MARKET = {"market_id": "west", "capacity": 5, "selection_time": "2026-01-18T12:00:00Z"}
FILE = {"campaign_id": "12345", "name": "Spring Tour", "status": "open", "markets": [MARKET]}
DRAW = {"seed": SEED.hex(), "salt": SALT.hex()}
WRITTEN = LOTTERY | {"entropy_public_at": "2090-01-20T23:00:00Z"}


def said(loaded: loading.Loaded) -> list[str]:
    """The warnings about the public source."""
    return [each for each in loaded.warnings if each.startswith("entropy_source")]


def test_a_file_names_a_source_with_its_form_and_time_and_may_come_twice():
    for _ in range(2):
        loaded = loading.load(FILE | WRITTEN)
        assert said(loaded) == []
        found = {name: getattr(loaded.campaign, name) for name in LOTTERY}
        assert found == LOTTERY
    assert Campaign.objects.count() == 1


def test_a_file_without_a_source_opens_with_a_warning_unless_it_is_a_rehearsal():
    (warning,) = said(loading.load(FILE))
    assert "Anyone who can read the database knows the luck of every fan" in warning
    assert said(loading.load(FILE | {"campaign_id": "2", "draw": DRAW})) == []


def test_a_file_whose_source_is_past_opens_a_rehearsal_only():
    past = FILE | {"entropy_source": "drand round 5551234"}
    with pytest.raises(BadPublicSource, match="still to come"):
        loading.load(past)
    assert not Campaign.objects.exists()
    for warnings in (1, 0):  # opened, then loaded again
        loaded = loading.load(past | {"draw": DRAW})
        assert loaded.campaign.entropy_public_at is None
        assert len(said(loaded)) == warnings


def test_a_draft_takes_another_source_and_refuses_one_that_cannot_be_read():
    draft = FILE | {"status": "draft"}
    loading.load(draft | WRITTEN)
    loading.load(draft | {"entropy_source": ROUND, "entropy_form": ""})
    with pytest.raises(BadPublicSource, match="not a drand round"):
        loading.load(draft | {"entropy_source": "drand round 12a"})


def test_the_file_of_an_open_campaign_moves_its_source_with_a_reason_and_the_right():
    moved = FILE | {"entropy_source": "drand round 99551235"}
    loading.load(FILE | {"entropy_source": ROUND})
    for by, reason in ((member_of("operator"), " "), (None, "late")):
        with pytest.raises(DrawIsLocked, match="by a person"):
            loading.load(moved, by=by, reason=reason)
    with pytest.raises(DrawIsLocked, match="does not have permission"):
        loading.load(moved, by=staff("ann"), reason="late")
    loaded = loading.load(moved, by=member_of("operator", name="ben"), reason="late")
    assert loaded.campaign.entropy_round == 99_551_235
    assert SourceMove.objects.get().reason == "late"
    assert loading.load(moved).campaign.entropy_round == 99_551_235
    with pytest.raises(DrawIsLocked):
        loading.load(FILE | {"entropy_source": ROUND}, by=None, reason="back")
