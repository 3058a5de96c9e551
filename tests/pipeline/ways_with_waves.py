"""Ways to favor one fan with waves that are no first draw: uploaded lists, top-ups, reassigned
codes, messages to those who were not selected, waves that are cancelled or prepared anew.
[W-3, W-6, X-7, X-8, S-8, S-10]
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from campaigns import list_changes, rule_changes
from campaigns.errors import LateRefused, RuleChangeRefused
from campaigns.locks import lock_campaign
from campaigns.models import Campaign, ListEntry, Market
from console.proof.proof import proof_bundle, public_draw
from datalake.storage import buckets
from tests.conftest import FULL
from tests.console.proof.presale_cases import close, prepare_and_send, presale, verify
from tests.support.campaigns import import_registrations, registration_row
from tests.support.waves import (
    NOTIFY,
    NOW,
    approve,
    members_of,
    person,
    request,
    sent_out,
)
from tests.waves.uploads.lists import row, uploaded
from waves.actions import cancel, reset
from waves.choices import Order
from waves.errors import (
    FansWereTold,
    NotCounted,
    NothingToTopUp,
    ReasonMissing,
    WrongState,
)
from waves.models import Assignment, Send, Wave, WaveUpload
from waves.naming import market_file_key
from waves.preparation import not_selected, top_up
from waves.preparation.prepare import prepare
from waves.preparation.previews import preview
from waves.selection.request import WaveRequest

WHY = "a friend"
FIRST, SECOND, THIRD = "20260121", "20260122", "20260123"
HEAD = b"marketId,marketName,capacity,selectionTime\n"


def page_of(campaign: Campaign) -> dict[str, Any]:
    """What everybody can read."""
    return public_draw(Campaign.objects.get(pk=campaign.pk))


def late_on(page: dict[str, Any]) -> list[tuple[str, int]]:
    """Kind and number of fans moved of each late change, all for the same reason."""
    assert {each["reason"] for each in page["late"]} <= {WHY, "a test"}
    return [(each["kind"], each["moved"]) for each in page["late"]]


def require_proved(campaign: Campaign) -> None:
    """The checker accepts all of it, beside the page as it was before the close, and has counted
    every wave again that is drawn.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".json") as saved:
        saved.write(json.dumps(page_of(campaign)))
        saved.flush()
        kinds = [wave["kind"] for wave in page_of(close(campaign))["waves"]]
        found = verify(proof_bundle(campaign.campaign_id), "--published", saved.name)
    assert found["problems"] == [], found["problems"]
    assert found["checked"]["waves"] == len(kinds) - kinds.count("uploaded")


def first_sent(campaign: Campaign, **values: Any) -> Wave:
    return prepare_and_send(request(campaign, FIRST, **values))


def who_waits(campaign: Campaign) -> list[str]:
    """The next to be taken first."""
    found = preview(request(campaign, THIRD), now=NOW).planned.selection.waitlist
    return list(found["global_user_id"])


def give_seats(campaign: Campaign, number: int, *, by: User, reason: str = WHY) -> None:
    with transaction.atomic():
        before = rule_changes.options_of(campaign.pk)
        Market.objects.filter(campaign=campaign).update(capacity=F("capacity") + number)
        rule_changes.record(lock_campaign(campaign.pk), before, by=by, reason=reason)


def blacklist(fan: str, *, by: User) -> None:
    with transaction.atomic(), list_changes.late_lists([None], by=by, reason=WHY):
        ListEntry.objects.create(kind="blacklist", pattern=address_of(fan))


def take_off_the_list(fan: str, *, by: User) -> None:
    with transaction.atomic(), list_changes.late_lists([None], by=by, reason=WHY):
        ListEntry.objects.filter(pattern=address_of(fan)).delete()


def address_of(fan: str) -> str:
    return f"fan{int(fan.removeprefix('fan-'))}@example.com"


def rejected(wave: Wave) -> dict[str, int]:
    found: dict[str, int] = WaveUpload.objects.get(wave=wave).rejected_by
    return found


def uploads_a_list_of_friends(boss: User) -> None:
    """More than there is room for, one twice, and with what is not theirs."""
    campaign = presale()
    codes = members_of(first_sent(campaign))
    friend, other, barred = (int(fan.removeprefix("fan-")) for fan in who_waits(campaign)[:3])
    holder, code = next(iter(codes.items()))
    give_seats(campaign, 2, by=boss)
    blacklist(f"fan-{barred:06d}", by=boss)
    rows = [
        row(friend),
        row(friend, code="MINE"),
        row(other, code=code),
        row(barred),
        row(0, globalUserId="stranger"),
        row(0, globalUserId=holder),
        *(row(int(fan.removeprefix("fan-"))) for fan in who_waits(campaign)[3:6]),
    ]
    with pytest.raises(ReasonMissing):
        uploaded(campaign, rows, by=boss, key=SECOND, reason=" ")
    wave = sent_out(uploaded(campaign, rows, by=boss, key=SECOND, reason=WHY))
    Wave.objects.filter(pk=wave.pk).update(triggered_at=timezone.now())  # as its other times are
    rejected = WaveUpload.objects.get(wave=wave).rejected_by
    assert rejected == {
        "duplicate": 1,
        "code_taken": 1,
        "blacklisted_email": 1,
        "unknown_fan": 1,
        "already_in_wave": 1,
        "no_room": 2,
    }
    assert f"fan-{friend:06d}" in members_of(wave)
    shown = page_of(campaign)["waves"][1]
    assert (shown["kind"], shown["fans"], shown["reason"]) == ("uploaded", 2, WHY)
    assert shown["uploaded_by_role"] == "administrator"
    require_proved(campaign)


def tops_up_by_rules_of_its_own(boss: User) -> None:
    """Its own are not asked; a markets file that is put into the bucket afterwards is no top-up's,
    and the second count says so.
    """
    campaign = presale()
    first_sent(campaign)
    with pytest.raises(RuleChangeRefused):
        give_seats(campaign, 2, by=boss, reason=" ")
    give_seats(campaign, 2, by=boss)
    asked = top_up.request_of(campaign.campaign_id, SECOND, NOTIFY)
    alone = {"order": Order.SINGLE_MARKET, "single_market": "east"}
    other = preview(replace(asked, min_score=0.9, reassign=True, **alone), now=NOW).planned
    wave = prepare(asked, by=boss, now=NOW).wave
    assert wave.members_digest == other.selection.members_digest
    for text in SWAPPED if FULL else SWAPPED[:1]:
        reset(wave, by=boss, reason=WHY)
        buckets.scoring().put(market_file_key(campaign.campaign_id, SECOND), HEAD + text)
        wave = prepare(WaveRequest(campaign.campaign_id, SECOND), by=boss, now=NOW, reason=WHY).wave
        with pytest.raises(NotCounted):
            approve(wave, by=person("bob"), digest=wave.content_digest, now=NOW)
    assert [kind for kind, _ in late_on(page_of(campaign))] == ["wave_rules"] * (2 * FULL)


SWAPPED = (b"west,,1,\neast,,,\n", b"east,,,\n", b"west,,,2026-01-17T00:00:00Z\neast,,,\n")


def tops_up_and_reassigns_after_changing_who_waits(boss: User) -> None:
    """Seats, lists, registrations and preferences: each is listed, and luck still decides. A wave
    that reassigns brings in nobody but who holds a code.
    """
    campaign = presale()
    first_sent(campaign)
    with pytest.raises(NothingToTopUp):
        prepare(top_up.request_of(campaign.campaign_id, SECOND, NOTIFY), by=boss, now=NOW)
    give_seats(campaign, 1, by=boss)
    rival, *rest = who_waits(campaign)
    blacklist(rival, by=boss)
    friend = {"global_user_id": rest[-1], "email": address_of(rest[-1])}
    again = registration_row(1, **friend, market_preferences="west|east")
    import_registrations(campaign, [again])
    prepare_and_send(top_up.request_of(campaign.campaign_id, SECOND, NOTIFY))
    shown = page_of(campaign)
    assert late_on(shown) == [("lists", 1), ("registrations", 1)]
    assert {change["reason"] for change in shown["rule_changes"]} == {WHY}
    added = shown["waves"][1]
    assert (added["tops_up"], added["excluded"]["blacklisted_email"]) == (FIRST, 1)
    assert [market["given"] for market in added["markets"]] == [6, 4]
    alone = request(campaign, THIRD, reassign=True, single_market="west")
    with pytest.raises(LateRefused):
        prepare(alone, by=boss, now=NOW)
    wave = prepare_and_send(request(campaign, THIRD, reassign=True))
    held = Assignment.objects.filter(campaign=campaign).values_list("global_user_id", "code__code")
    assert members_of(wave) == dict(held)
    assert rest[-1] not in members_of(wave)
    shown = page_of(campaign)["waves"][2]
    assert (shown["reassign"], shown["returned"], shown["selected"]) == (True, 12, 12)
    require_proved(campaign)


def tells_everybody_but_a_friend_that_they_were_not_selected(boss: User) -> None:
    """Nobody else is left for the seats that come then; the list said so twice."""
    campaign = presale()
    asked = not_selected.request_of(campaign.campaign_id, SECOND, NOTIFY)
    with pytest.raises(WrongState, match="no wave has been sent yet"):
        preview(asked, now=NOW)
    first_sent(campaign)
    with pytest.raises(WrongState, match="no markets, order or minimum score"):
        preview(replace(asked, min_score=0.9), now=NOW)
    friend = who_waits(campaign)[-1]
    blacklist(friend, by=boss)
    told = prepare_and_send(asked)
    take_off_the_list(friend, by=boss)
    give_seats(campaign, 1, by=boss)
    with pytest.raises(FansWereTold):
        preview(top_up.request_of(campaign.campaign_id, THIRD, NOTIFY), now=NOW)
    assert list(members_of(prepare_and_send(request(campaign, THIRD)))) == [friend]
    shown = page_of(campaign)
    assert late_on(shown) == [("lists", 1), ("lists", 1)]
    assert shown["waves"][1]["excluded"]["blacklisted_email"] == 1
    assert shown["waves"][2]["excluded"]["already_in_wave"] == told.selected + 10
    require_proved(campaign)


def prepares_a_wave_until_it_pleases_and_calls_it_back(boss: User) -> None:
    """Luck is the same each time, and each time is on the page. Codes that were assigned keep
    their seats, and their fans come back with them.
    """
    campaign = presale()
    wave = prepare(request(campaign, FIRST), by=boss, now=NOW).wave
    digest = wave.members_digest
    cancel(wave, by=boss, reason=WHY)
    wave = prepare(request(campaign, SECOND), by=boss, now=NOW).wave
    reset(wave, by=boss, reason=WHY)
    wave = prepare_and_send(WaveRequest(campaign.campaign_id, SECOND))
    assert wave.members_digest == digest
    held = members_of(wave)
    Wave.objects.filter(pk=wave.pk).update(state="triggered")
    Send.objects.filter(wave=wave).delete()
    cancel(Wave.objects.get(pk=wave.pk), by=boss, reason=WHY)
    assert members_of(prepare_and_send(request(campaign, THIRD))) == held
    require_proved(campaign)
    withdrawn, back, again = page_of(campaign)["waves"]
    assert (withdrawn["state"], withdrawn["preparations"]) == ("cancelled", 1)
    assert (back["state"], back["preparations"]) == ("cancelled", 2)
    assert back["cancelled_at"] is not None
    assert (again["returned"], again["selected"]) == (10, 10)


WAYS: tuple[Callable[[User], None], ...] = (
    uploads_a_list_of_friends,
    tops_up_by_rules_of_its_own,
    tops_up_and_reassigns_after_changing_who_waits,
)
IN_THE_FULL_RUN = (
    tells_everybody_but_a_friend_that_they_were_not_selected,
    prepares_a_wave_until_it_pleases_and_calls_it_back,
)
