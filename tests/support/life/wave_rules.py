"""What must be true of a campaign's codes and waves at every moment, asked of the database. Written
from the rules, without the product's own queries. [K-1, K-5, K-6, W-2, W-5, W-9]
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from functools import cached_property
from operator import attrgetter
from typing import Any

from django.db import transaction

from campaigns.models import Campaign, Market
from operations.models import StatusChange
from waves.models import Assignment, Code, Member, Wave, WaveMarket

# From → to, as W-2 has them; a reset and a new notify date may lead to the same state.
MOVES = {
    "": "configured",
    "configured": "configured code_generated prepared failed cancelled",
    "code_generated": "configured prepared failed cancelled",
    "failed": "configured cancelled",
    "prepared": "prepared approved configured cancelled",
    "approved": "scheduled prepared configured cancelled",
    "scheduled": "triggered approved held prepared configured cancelled",
    "held": "triggered prepared cancelled",
    "triggered": "completed paused cancelled",
    "paused": "triggered cancelled",
    "completed": "",
    "cancelled": "",
}
UNPREPARED = {"configured", "code_generated", "failed"}
WAITING = {"prepared", "approved", "scheduled", "held"}
SENT = {"triggered", "paused", "completed"}
GIVEN = {"assigned", "published"}
NO_CODE = {"", "TM"}
# Moves to these are a person's; those with a reason say why. [W-2, W-10]
OF_A_PERSON = {("prepared", "approved"), ("approved", "scheduled"), ("scheduled", "approved")}
WITH_A_REASON = {("scheduled", "approved"), ("held", "triggered"), ("paused", "triggered")}


FREE = {"available", "released"}


class Seen:
    """Everything of one campaign's waves, read at one moment."""

    def __init__(self, campaign: Campaign) -> None:
        with transaction.atomic():
            self.markets = list(Market.objects.filter(campaign=campaign))
            self.waves = {wave.pk: wave for wave in Wave.objects.filter(campaign=campaign)}
            self.members = list(Member.objects.filter(campaign=campaign))
            self.rows = list(WaveMarket.objects.filter(wave__campaign=campaign))
            self.codes = {code.pk: code for code in Code.objects.all()}
            self.assignments = list(Assignment.objects.filter(campaign=campaign))
            names = {wave.name for wave in self.waves.values()}
            moves = StatusChange.objects.filter(subject_kind="wave", subject_id__in=names)
            self.moves = list(moves.order_by("id"))

    @cached_property
    def members_of(self) -> dict[int, list[Member]]:
        return grouped(self.members, "wave_id")

    @cached_property
    def codes_of(self) -> dict[int, list[Code]]:
        return grouped(self.codes.values(), "wave_id")

    @cached_property
    def live(self) -> list[Member]:
        """Members of waves that hold their fans."""
        gone = ("cancelled", "failed")
        return [each for each in self.members if self.waves[each.wave_id].state not in gone]


def grouped(things: Iterable[Any], by: str) -> dict[Any, list[Any]]:
    found: dict[Any, list[Any]] = defaultdict(list)
    for thing in things:
        found[attrgetter(by)(thing)].append(thing)
    return found


def problems_of_waves(campaign: Campaign) -> list[str]:
    """What is not as the rules say."""
    seen = Seen(campaign)
    waves = seen.waves.values()
    found = {
        "K-1": _twice(code.code.upper() for code in seen.codes.values()),
        "K-5": [*_free_codes(seen), *(p for wave in waves for p in _codes_of(seen, wave))],
        "K-6": _one_fan_one_code(seen),
        "W-2": [p for wave in waves for p in _moves_of(seen, wave)],
        "W-5": [*_seats(seen), *(p for wave in waves for p in _room(seen, wave))],
        "W-9": [p for wave in waves for p in _unprepared(seen, wave)],
        "W-10": [p for wave in waves for p in _approval_of(wave)],
    }
    return [f"{rule}: {problem}" for rule, problems in found.items() for problem in problems]


def _twice(things: Iterable[object]) -> list[str]:
    return [
        f"{thing} is there {count} times" for thing, count in Counter(things).items() if count > 1
    ]


def _free_codes(seen: Seen) -> list[str]:
    """Whoever has no code is free; an assigned one has its assignment, and it alone."""
    assigned = {each.code_id: each.global_user_id for each in seen.assignments}
    problems = []
    for code in seen.codes.values():
        bound = (code.wave_id, code.global_user_id, code.market_id)
        if any(bound) if code.state in FREE else not all(bound):
            problems.append(f"{code} is {code.state} and bound to {bound}")
        # the code's state and its assignment are written in one transaction
        owner = code.global_user_id if code.state in GIVEN else None
        if code.wave_id in seen.waves and assigned.get(code.pk) != owner:
            problems.append(f"{code} is {code.state}, assigned to {assigned.get(code.pk)}")
    return problems


def _codes_of(seen: Seen, wave: Wave) -> list[str]:
    """Reserved or given codes are the members', in the members' markets."""
    codes = seen.codes_of[wave.pk]
    reserved = [code for code in codes if code.state == "reserved"]
    given = [code for code in codes if code.state in GIVEN]
    if wave.state == "cancelled":
        return [f"{wave.name} is cancelled and keeps {reserved}"] if reserved else []
    if wave.state in UNPREPARED:
        return [f"{wave.name} is {wave.state} and gave {given}"] if given else []
    has = {(code.global_user_id, code.code, code.market_id) for code in codes}
    wanted = {
        (each.global_user_id, each.code, each.market_id)
        for each in seen.members_of[wave.pk]
        if each.code not in NO_CODE
    }
    # who comes with a code that they hold has it from another wave [W-6]
    held = {
        (each.global_user_id, seen.codes[each.code_id].code, each.market_id)
        for each in seen.assignments
        if each.wave_id != wave.pk
    }
    problems = []
    if has - wanted:
        problems.append(f"{wave.name} has codes that are not its members': {has - wanted}")
    if wanted - has - held:
        problems.append(f"{wave.name} has members without their code: {wanted - has - held}")
    if wave.state in WAITING and given:
        problems.append(f"{wave.name} is {wave.state} and gave {given}")
    if wave.state == "completed" and reserved:
        problems.append(f"{wave.name} is completed and did not assign {reserved}")
    return problems


def _one_fan_one_code(seen: Seen) -> list[str]:
    """One assignment a fan and a code; one live wave a fan, but for who is reassigned."""
    owners, codes = defaultdict(set), defaultdict(set)
    for member in seen.live:
        if member.code not in NO_CODE:
            owners[member.code.upper()].add(member.global_user_id)
            codes[member.global_user_id].add(member.code.upper())
    unsent = [each for each in seen.live if seen.waves[each.wave_id].state != "completed"]
    return [
        *_twice(("assigned to", each.global_user_id) for each in seen.assignments),
        *_twice(("assigned", each.code_id) for each in seen.assignments),
        *_twice(("selected", each.global_user_id) for each in seen.live if not each.reassigned_id),
        *_twice(("to be notified", each.global_user_id) for each in unsent),
        *(f"code {code} is of {fans}" for code, fans in owners.items() if len(fans) > 1),
        *(f"{fan} has codes {of}" for fan, of in codes.items() if len(of) > 1),
    ]


def _moves_of(seen: Seen, wave: Wave) -> list[str]:
    """The history of the wave is one line of allowed moves to where it is, with who and when."""
    problems, state, last = [], "", None
    for move in (each for each in seen.moves if each.subject_id == wave.name):
        step = (move.from_state, move.to_state)
        if move.from_state != state or move.to_state not in MOVES[state].split():
            problems.append(f"{wave.name} went from {state!r} by {move}")
        if last is not None and move.at < last.at:
            problems.append(f"{move} came before {last}")
        if (step in OF_A_PERSON or move.to_state == "cancelled") and move.by_id is None:
            problems.append(f"nobody made {move}")
        needs_reason = step in WITH_A_REASON or move.to_state in ("cancelled", "paused", "failed")
        if needs_reason and not move.reason.strip():
            problems.append(f"{move} has no reason")
        state, last = move.to_state, move
    if state != wave.state:
        problems.append(f"{wave.name} is {wave.state}, and its history ends with {state!r}")
    return problems


def _seats(seen: Seen) -> list[str]:
    """A seat is used by each distinct fan who is a member of a live wave, or whose code is assigned
    whatever became of the wave.
    """
    users = {(each.market_id, each.global_user_id) for each in (*seen.live, *seen.assignments)}
    used = Counter(market for market, _ in users)
    return [
        f"{market.market_id} has {market.capacity} seats and {used[market.pk]} fans"
        for market in seen.markets
        if used[market.pk] > market.capacity
    ]


def _room(seen: Seen, wave: Wave) -> list[str]:
    """What a wave selected is there, and within its room; who comes with a code has a seat."""
    if wave.state not in WAITING | SENT:
        return []
    found = Counter(member.market_id for member in seen.members_of[wave.pk])
    problems = []
    for row in (each for each in seen.rows if each.wave_id == wave.pk):
        members = found.pop(row.market_id, 0)
        if not row.selected <= min(row.room, members):
            problems.append(f"{wave.name}: {members} of {row.selected} of {row.room} in {row.name}")
    if wave.kind == "not_selected":
        found.pop(None, None)
    return problems + ([f"{wave.name} has members in other markets: {found}"] if found else [])


def _unprepared(seen: Seen, wave: Wave) -> list[str]:
    """A wave that is not prepared, or not any more, has no member; another one has some."""
    problems = [f"{wave.name} was attempted {wave.attempts} times"] if wave.attempts > 2 else []
    members = seen.members_of[wave.pk]
    if wave.state in UNPREPARED:
        bound = [each for each in seen.assignments if each.wave_id == wave.pk]
        if members or bound:
            problems.append(f"{wave.name} is {wave.state}: {members}, {bound}")
        if wave.approved_digest or wave.approved_by_id:
            problems.append(f"{wave.name} is {wave.state} and approved")
    elif wave.state in WAITING | SENT and not members:
        problems.append(f"{wave.name} is {wave.state} and has no member")
    return problems


def _approval_of(wave: Wave) -> list[str]:
    """What is approved was counted, and approved by another person than its author's."""
    if wave.state not in {"approved", "scheduled", "held", *SENT}:
        return []
    alone = wave.approved_by_id in {None, wave.prepared_by_id, wave.edited_by_id}
    named = wave.approved_digest == wave.content_digest == wave.counted_digest != ""
    return [] if named and not alone else [f"{wave.name} is {wave.state} without an approval"]
