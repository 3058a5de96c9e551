"""What the public sees of a source. [S-8, S-10]"""

from __future__ import annotations

import pytest

from campaigns.entropy import entry
from campaigns.entropy.moves import move_source
from campaigns.entropy.public import public_source
from campaigns.public_source import DEFAULT_CHAIN, RANDOMNESS_FORM, source_named
from tests.campaigns.entropy.sources import ROUND, time_reached, waiting
from tests.support.campaigns import make_campaign
from tests.support.people import staff

pytestmark = pytest.mark.django_db


def test_the_public_sees_the_source_its_value_both_times_and_what_it_was_before(monkeypatch):
    campaign = waiting()
    before = {
        "source": ROUND,
        "chain": DEFAULT_CHAIN.hash,
        "round": 99_551_234,
        "form": RANDOMNESS_FORM,
        "public_at": "2115-03-14T00:54:00+00:00",
    }
    assert public_source(campaign) == before | {"value": None, "entered_at": None, "moved": None}
    later = source_named("drand round 99551235")
    campaign = move_source(campaign.pk, later, by=staff("ann"), reason="late")
    time_reached(monkeypatch, entry, campaign)
    campaign = entry.enter_entropy(campaign.pk, "0f" * 32, by=None)
    shown = public_source(campaign)
    moved = shown.pop("moved")
    assert shown == before | {
        "source": later.name,
        "round": 99_551_235,
        "public_at": "2115-03-14T00:54:30+00:00",
        "value": "0f" * 32,
        "entered_at": "2115-03-14T00:54:31+00:00",
    }
    assert moved.pop("at") < shown["public_at"]
    assert moved == before | {"reason": "late"}


def test_no_source_is_none_and_a_rehearsals_source_may_have_no_time():
    assert public_source(make_campaign()) is None
    assert public_source(make_campaign(entropy_source="dice")) == {
        "source": "dice",
        "value": None,
        "moved": None,
        **dict.fromkeys(("chain", "round", "form", "public_at", "entered_at")),
    }
