"""Where a fan stands on the lists of a campaign, and which list holds. [W-5, X-1]"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from campaigns.draw import Draw
from console.fans import facts, waiting
from console.fans.waiting import lists_of, outdated, places
from console.proof import proof
from datalake.storage import buckets
from datalake.storage.objects import BucketUnreachable
from tests.console.proof.presale_cases import (
    close,
    more_seats,
    prepare_and_send,
    presale,
    really_sent,
    verify,
)
from tests.support.waves import NOTIFY, NOW, SALT, SEED, campaign_with, person, request
from waves.models import Wave
from waves.preparation import not_selected, top_up
from waves.preparation.prepare import prepare

pytestmark = pytest.mark.django_db


def wave(state: str, pk: int = 1, score_file_id: int = 7) -> Any:
    return SimpleNamespace(pk=pk, state=state, score_file_id=score_file_id, name=f"w{pk}")


@pytest.mark.parametrize(
    ("of", "last", "active", "says"),
    [
        (wave("prepared"), wave("prepared"), 7, ""),
        (wave("completed"), wave("completed"), 7, ""),
        (wave("completed"), wave("completed"), 8, "another score file is active now"),
        (wave("completed"), wave("prepared", 2), 7, "wave w2 was selected later"),
        (wave("cancelled"), None, 7, "the wave was cancelled"),
        (wave("cancelled"), wave("prepared", 2), 7, "the wave was cancelled"),
    ],
)
def test_w5_a_list_holds_until_a_later_one_counts(of, last, active, says):
    """X-7"""
    assert outdated(of, last=last, active=active) == says


def test_w5_lists_selection_and_checker_say_the_same_of_a_fan_after_a_top_up():
    """A wave, its top-up and a wave that tells those who are left. [S-10, X-7, X-8]"""
    campaign = presale()
    first = really_sent(campaign, "20260121")
    more_seats(campaign, 2)
    top = prepare_and_send(top_up.request_of(campaign.campaign_id, "20260122", NOTIFY))
    told = prepare_and_send(not_selected.request_of(campaign.campaign_id, "20260123", NOTIFY))
    lists = lists_of(campaign)
    assert [(kept.wave.name, kept.outdated) for kept in lists] == [
        (top.name, ""),
        (first.name, f"wave {top.name} was selected later"),
    ]
    close(campaign)
    made = proof.proof_bundle(campaign.campaign_id)
    draw = Draw(campaign.campaign_id, SEED, SALT)
    last = told.members.order_by("-place")[0].global_user_id
    second = top.members.order_by("place")[1].global_user_id
    for fan in (last, second, first.members.order_by("place")[0].global_user_id):
        standing = verify(made, "--fan", draw.fan_ref(fan))["fan"]["score_files"][0]["waves"]
        due = {f"{campaign.campaign_id}_{each['wave']}": each for each in standing}
        found = {each.kept.wave.name: each.place for each in places(lists, fan)}
        assert found == {
            each.name: due[each.name]["waitlist_place"]
            for each in (top, first)
            if due[each.name]["waitlist_place"]
        }
    assert places(lists, last)[0].place == top.waitlist == told.selected


def test_w5_a_list_that_cannot_be_read_is_no_error_of_the_page(monkeypatch):
    campaign = campaign_with(14)
    name = prepare(request(campaign), by=person("ann"), now=NOW).wave.name
    lists = lists_of(campaign)

    def unreachable(*_: Any) -> None:
        raise BucketUnreachable("S3 did not do it")

    monkeypatch.setattr(waiting, "place_of", unreachable)
    fan = facts.of_fan(facts.of_campaign(campaign), "fan-000000")
    assert [(each.kept.wave.name, each.place) for each in fan.on_lists] == [(name, None)]
    monkeypatch.undo()
    buckets.scoring().delete(Wave.objects.get().waiting_key)
    assert [each.place for each in places(lists, "fan-000000")] == [None]
