"""An operator with every right of the site tries to favor one fan: each way is refused, or stands on
the public page with the number of fans moved. [S-8, S-10, S-16]
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client

from campaigns import list_changes, rule_changes
from campaigns.choices import CampaignStatus
from campaigns.entropy import entry, moves
from campaigns.errors import (
    BadPublicSource,
    CannotName,
    DrawIsLocked,
    RuleChangeRefused,
    TooEarly,
    WrongStatus,
)
from campaigns.locks import lock_campaign
from campaigns.models import Campaign, ListEntry, Market, Registrant, ScoreFile
from campaigns.opening import close_campaign, open_campaign
from campaigns.public_source import source_named
from campaigns.scoring import activation, bucket_lists, rules
from datalake.storage import buckets
from tests.campaigns.entropy.sources import ROUND, time_reached, waiting
from tests.campaigns.supplements.supplement_cases import as_csv, corrected, make, rejected_rows
from tests.conftest import FULL
from tests.console.erasure.erasure_cases import erase_fan
from tests.pipeline import ways_with_waves
from tests.pipeline.ways_with_waves import WHY, page_of
from tests.support.campaigns import (
    SALT,
    SEED,
    import_registrations,
    make_campaign,
    process_scores,
    registration_row,
    score_file_bytes,
    score_row,
)
from tests.support.people import client_of, keeper
from tests.support.waves import NOW, campaign_with, request
from waves.choices import Order, SuppressedBy
from waves.models import Wave
from waves.preparation.prepare import prepare
from waves.preparation.previews import preview
from waves.suppression.contacts import contact_of
from waves.suppression.suppressed import ground_of, suppress

pytestmark = pytest.mark.django_db(transaction=True)

RIVAL = "fan-000011"  # the best score of a campaign with twelve fans
LAST_ROUND = "drand round 1"
Refused = AbstractContextManager[object]


def refused(error: type[Exception], says: str = "") -> Refused:
    return pytest.raises(error, match=says or None)


def last_late(campaign: Campaign) -> tuple[str, str, int]:
    """Kind, reason and fans moved of the newest late change on the page."""
    found = page_of(campaign)["late"][-1]
    return found["kind"], found["reason"], found["moved"]


def drawn(*numbers: int) -> Campaign:
    """A campaign whose first file, of these fans and one whose row is rejected, is drawn."""
    campaign = make_campaign()
    rows = [score_row(number) for number in numbers or (1, 2, 3)]
    process_scores(campaign, score_file_bytes([*rows, score_row(9, raw_local_fanscore="n/a")]))
    return Campaign.objects.get(pk=campaign.pk)


def opens_many_campaigns_and_keeps_one(boss: User) -> None:
    opened = [make_campaign() for _ in range(3)]
    listed = Client().get("/draws/").text
    assert all(campaign.campaign_id in listed for campaign in opened)
    assert all(campaign.commitment in listed for campaign in opened)


def supplies_the_seed(boss: User) -> None:
    campaign = make_campaign(opened=False)
    open_campaign(campaign.pk, by=boss, seed=SEED, salt=SALT)
    assert page_of(campaign)["draw_supplied"]


def names_a_value_that_is_known(boss: User) -> None:
    with refused(BadPublicSource):
        open_campaign(make_campaign(opened=False, entropy_source=LAST_ROUND).pk, by=boss)


def enters_the_value_before_it_is_public(boss: User) -> None:
    with refused(TooEarly):
        entry.enter_entropy(waiting().pk, "ab" * 32, by=boss)


def enters_the_value_twice(boss: User) -> None:
    campaign = make_campaign(entropy_source="dice")
    entry.enter_entropy(campaign.pk, "4", by=boss)
    with refused(DrawIsLocked, "already entered"):
        entry.enter_entropy(campaign.pk, "6", by=boss)
    assert page_of(campaign)["entropy"]["entered_at"] == page_of(campaign)["late_since"]


def enters_the_value_late(boss: User) -> None:
    with pytest.MonkeyPatch.context() as patch:
        campaign = waiting()
        time_reached(patch, entry, campaign)
        entry.enter_entropy(campaign.pk, "ab" * 32, by=boss)
    shown = page_of(campaign)
    assert shown["late_since"] == shown["entropy"]["public_at"] < shown["entropy"]["entered_at"]


def moves_the_source_twice(boss: User) -> None:
    campaign = waiting()
    for number, expected in ((99551235, None), (99551236, DrawIsLocked)):
        source = source_named(f"drand round {number}")
        assert source is not None
        if expected is None:
            moves.move_source(campaign.pk, source, by=boss, reason=WHY)
        else:
            with refused(expected):
                moves.move_source(campaign.pk, source, by=boss, reason=WHY)
    moved = page_of(campaign)["entropy"]["moved"]
    assert (moved["source"], moved["reason"]) == (ROUND, WHY)


def prepares_variants_of_the_file_and_chooses(boss: User) -> None:
    campaign = make_campaign(entropy_source="dice")
    files = [process_scores(campaign, score_file_bytes([score_row(n)])) for n in (1, 2, 3)]
    assert page_of(campaign)["named_attempt"] == 3
    entry.enter_entropy(campaign.pk, "4", by=boss)
    with refused(CannotName):
        activation.name(files[0].pk, by=boss)
    assert [each["attempt"] for each in page_of(campaign)["attempts"]] == [1, 2, 3]
    assert page_of(campaign)["named_attempt"] == 3


def uploads_a_better_file_activates_and_undoes(boss: User) -> None:
    campaign = drawn(1, 2, 3)
    late = process_scores(campaign, score_file_bytes([score_row(3), score_row(4)]))
    assert last_late(campaign) == ("score_file", "a test", 3)
    assert page_of(campaign)["attempts"][1]["late"]
    activation.activate(late.pk, by=boss, reason=WHY)
    assert last_late(campaign) == ("activation", WHY, 3)
    activation.undo(campaign.pk, by=boss, reason=WHY)
    assert last_late(campaign) == ("activation", WHY, 3)
    assert len(page_of(campaign)["late"]) == 3


def supplements_the_file(boss: User) -> None:
    campaign = drawn()
    parent = ScoreFile.objects.get(campaign=campaign)
    make(parent, as_csv(corrected(rejected_rows(parent))))
    (late,) = page_of(campaign)["late"]
    assert late["subject"] == "attempt 2, a supplement of attempt 1"
    assert page_of(campaign)["attempts"][1]["supplement_of"] == 1


def blacklists_rivals(boss: User) -> None:
    campaign = drawn()
    with transaction.atomic(), list_changes.late_lists([None], by=boss, reason=WHY):
        ListEntry.objects.create(kind="blacklist", pattern="fan1@mail.example")
    assert last_late(campaign) == ("lists", WHY, 1)


def drops_a_blacklist_of_rivals_into_the_bucket(boss: User) -> None:
    campaign = drawn()
    buckets.scoring().put(rules.BLACKLIST_KEY, b"fan1@mail.example\n")
    assert not rules.gather(campaign).email_rules.addresses
    bucket_lists.take_in(campaign.pk, by=boss, reason=WHY)
    assert last_late(campaign) == ("lists", WHY, 1)


def registers_a_friend_with_other_preferences(boss: User) -> None:
    campaign = drawn()
    import_registrations(campaign, [registration_row(1, market_preferences="east")])
    assert last_late(campaign) == ("registrations", "a test", 1)


def gives_a_wave_rules_of_its_own(boss: User) -> None:
    for own in (
        {"min_score": 0.9},
        {"order": Order.BY_MARKET_ORDER},
        {"order": Order.SINGLE_MARKET, "single_market": "east"},
        {"market_file": b"marketId,marketName,capacity,selectionTime\neast,,,\n"},
    ):
        campaign = campaign_with(24)
        planned = prepare(request(campaign, **own), by=boss, now=NOW, reason=WHY).planned
        assert last_late(campaign) == ("wave_rules", WHY, planned.moved)


def gives_a_wave_capacities_of_its_own(boss: User) -> None:
    campaign = campaign_with(12)
    text = b"marketId,marketName,capacity,selectionTime\nwest,,3,\neast,,,\n"
    prepare(request(campaign, market_file=text), by=boss, now=NOW)
    Wave.objects.update(state="completed", triggered_at=NOW)
    (shown,) = page_of(campaign)["waves"]
    assert [market["own_capacity"] for market in shown["markets"]] == [3, None]


def moves_markets_seats_and_positions(boss: User) -> None:
    campaign = drawn()
    before = rule_changes.options_of(campaign.pk)
    Market.objects.filter(campaign=campaign, market_id="east").update(position=7, capacity=9)
    with refused(RuleChangeRefused):
        rule_changes.record(campaign, before, by=boss, reason=" ")
    with transaction.atomic():
        rule_changes.record(lock_campaign(campaign.pk), before, by=boss, reason=WHY)
    shown = [(each["rule"], each["reason"]) for each in page_of(campaign)["rule_changes"]]
    assert sorted(shown) == [("capacity", WHY), ("position", WHY)]


def erases_a_rival(boss: User) -> None:
    """An erased rival is counted in public as such, and all others keep their luck and order."""
    campaign = campaign_with(12)
    before = preview(request(campaign), now=NOW).planned.selection.members["global_user_id"]
    erase_fan(RIVAL, by=boss, reason=WHY)
    planned = preview(request(campaign), now=NOW).planned
    others = [fan for fan in before if fan != RIVAL]
    assert planned.selection.members["global_user_id"].to_list()[: len(others)] == others
    assert planned.candidates.excluded["erased"] == 1


def suppresses_a_rival(boss: User) -> None:
    """Who can no longer be told is left out in public, beside who asked for it and why."""
    campaign = drawn()
    contacts = [contact_of(score_row(1)[column], country="US") for column in ("tmemail", "sms")]
    ground = ground_of(SuppressedBy.HAND, campaign, by=boss, reason=WHY)
    suppress(contacts[:1], ground)
    assert last_late(campaign) == ("lists", WHY, 0)
    suppress(contacts[1:], ground)
    assert last_late(campaign) == ("lists", WHY, 1)


def edits_a_contact(boss: User) -> None:
    import_registrations(make_campaign(), [registration_row(1)])
    page = f"/admin/campaigns/registrant/{Registrant.objects.get().pk}/change/"
    assert client_of(boss).post(page, {"email": "mine@mail.example"}).status_code == 403
    assert Registrant.objects.get().email == "fan1@mail.example"


def closes_and_opens_anew(boss: User) -> None:
    campaign = drawn()
    close_campaign(campaign.pk, by=boss)
    with refused(WrongStatus):
        open_campaign(campaign.pk, by=boss)
    assert Campaign.objects.get(pk=campaign.pk).status == CampaignStatus.CLOSED
    assert page_of(campaign)["seed"] == SEED.hex()


WAYS: tuple[Callable[[User], None], ...] = (
    opens_many_campaigns_and_keeps_one,
    supplies_the_seed,
    names_a_value_that_is_known,
    enters_the_value_before_it_is_public,
    enters_the_value_twice,
    enters_the_value_late,
    moves_the_source_twice,
    prepares_variants_of_the_file_and_chooses,
    uploads_a_better_file_activates_and_undoes,
    supplements_the_file,
    blacklists_rivals,
    drops_a_blacklist_of_rivals_into_the_bucket,
    registers_a_friend_with_other_preferences,
    gives_a_wave_rules_of_its_own,
    gives_a_wave_capacities_of_its_own,
    moves_markets_seats_and_positions,
    erases_a_rival,
    suppresses_a_rival,
    edits_a_contact,
    closes_and_opens_anew,
    *ways_with_waves.WAYS,
    *(ways_with_waves.IN_THE_FULL_RUN if FULL else ()),
)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__.replace("_", " "))
def test_whoever_has_every_right_and_tries_to_favor_a_fan_is_refused_or_seen(way):
    way(keeper())
