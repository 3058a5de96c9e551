"""W-5, W-6, X-7 and X-8 read in plain Python, one fan after the other: what columns, SQL and arrays
must equal. Written from the rules alone; nothing here is of the product.
"""

from __future__ import annotations

import hashlib
import hmac
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from tests.campaigns.contacts import plain_emails
from tests.campaigns.scoring.plain_scores import plain_phone
from tests.waves.selection.plain_presale import Asked, Line, PlainMarket, PlainWave, Presale

BANDS = ((0.95, 1.0), (0.80, 0.95), (0.22, 0.80))
# the order in which reasons count, as formats.md lists them
REASONS = (
    *("not_registered", "below_minimum_score", "already_in_wave", "holds_code"),
    *("blacklisted_email", "blacklisted_domain", "disposable_domain", "intl_phone", "no_contact"),
    *("suppressed", "no_market_wanted", "registered_too_late"),
)
SENT = ("triggered", "completed")


class Refused(Exception):
    """Why nothing is selected, in a word."""


@dataclass
class Reading:
    """Who is selected. `members`: fan, market and place, in the order of the draw; `waiting`: the
    next to be taken first; `standings`: of every fan, as `standing`; `contacts`: the usable e-mail and phone of each member; `markets`: of
    the wave; `moved`: the fans whom its own rules moved, None without such rules.
    """

    members: list[tuple[str, str, int]]
    results: list[dict[str, object]]
    candidates: int
    standings: dict[str, str]
    excluded: dict[str, int]
    waiting: list[str]
    digest: str
    contacts: dict[str, tuple[str, str]]
    markets: dict[str, PlainMarket]
    moved: int | None


def read(presale: Presale, key: str, asked: Asked, now: datetime) -> Reading:
    """What the wave `key` selects now. Raises Refused."""
    asked = topped_up(presale, key) if asked.tops_up else asked
    if asked.kind == "not_selected":
        require_all_sent(presale, key)
    markets = markets_of(presale, asked)
    if any(market.selection_time > now for market in markets.values()):
        raise Refused("SelectionNotOpen")
    given = {market_id: seats_given(presale, market_id) for market_id in presale.markets}
    if any(market.capacity < given[name] for name, market in markets.items()):
        raise Refused("CapacityBelowGiven")
    if asked.tops_up and not any(room_of(market, given[n]) for n, market in markets.items()):
        raise Refused("NothingToTopUp")
    found = selected(presale, key, asked, markets, given)
    if has_own_rules(presale, asked):
        most = {name: line.capacity for name, line in (asked.file or {}).items()}
        of_campaign = {
            name: replace(market, most=most.get(name)) for name, market in presale.markets.items()
        }
        plain = Asked(reassign=asked.reassign)
        found.moved = moved(found, selected(presale, key, plain, of_campaign, given))
    return found


def selected(
    presale: Presale,
    key: str,
    asked: Asked,
    markets: dict[str, PlainMarket],
    given: Mapping[str, int],
) -> Reading:
    standings = {fan: standing(presale, key, asked, markets, fan) for fan in presale.scored}
    excluded = Counter(each[1:] for each in standings.values() if each[0] == "!")
    coming_back = {fan: each[1:] for fan, each in standings.items() if each[0] == "="}
    eligible = {fan: each.split("|") for fan, each in standings.items() if each[0] not in "!="}
    ranked = in_order(presale, eligible)
    room = {name: room_of(market, given[name]) for name, market in in_position(markets)}
    taken = allocate(ranked, eligible, room, by_preference=asked.order == "by_preference")
    waiting = [fan for fan in ranked if fan not in taken]
    if asked.kind == "not_selected":
        members = [(fan, "", place) for place, fan in enumerate(waiting, start=1)]
        waiting = []
    else:
        place = {fan: number for number, fan in enumerate(ranked, start=1)}
        both = taken | coming_back
        members = [(fan, both[fan], place.get(fan, 0)) for fan in in_order(presale, both)]
    lines = sorted(f"{fan}\t{market}\n" for fan, market, _ in members)
    return Reading(
        members=members,
        results=[
            result_of(presale, name, market, given[name], taken, eligible)
            for name, market in in_position(markets)
        ],
        candidates=len(ranked),
        standings=standings,
        excluded={reason: excluded[reason] for reason in REASONS if excluded[reason]},
        waiting=waiting,
        digest=hashlib.sha256("".join(lines).encode()).hexdigest(),
        contacts={fan: usable_contact(presale, fan)[:2] for fan, _, _ in members},
        markets=markets,
        moved=None,
    )


def standing(
    presale: Presale, key: str, asked: Asked, markets: Mapping[str, PlainMarket], fan: str
) -> str:
    """As formats.md writes it: `A|B` = a candidate for these markets, best first; `=A` = comes with
    a code for market A; `!reason` = neither.
    """
    held = held_market(presale, key, asked, fan)
    comes_back = held in markets
    if reason := reason_against(presale, key, asked, fan, keeps_code=comes_back):
        return f"!{reason}"
    if comes_back:
        return f"={held}"
    wanted = [name for name in preferences_of(presale, fan) if name in markets]
    at = presale.registered[fan].at
    in_time = [name for name in wanted if at <= markets[name].selection_time]
    return "|".join(in_time) or ("!registered_too_late" if wanted else "!no_market_wanted")


def markets_of(presale: Presale, asked: Asked) -> dict[str, PlainMarket]:
    """The wave's own market file laid over the campaign's; without one, all of the campaign."""
    if asked.kind == "not_selected":
        return {name: replace(market, most=0) for name, market in presale.markets.items()}
    if asked.file is None:
        found = {name: replace(market) for name, market in presale.markets.items()}
    else:
        found = {}
        for name, line in asked.file.items():
            own = presale.markets[name]
            found[name] = replace(
                own,
                most=line.capacity,
                selection_time=line.selection_time or own.selection_time,
                code_source=line.code_source or own.code_source,
            )
    if asked.order == "single_market":
        if asked.single_market not in found:
            raise Refused("UnknownMarket")
        found = {asked.single_market: found[asked.single_market]}
    return found


def seats_given(presale: Presale, market_id: str) -> int:
    """Distinct fans who are in a live wave, or whose code is assigned whatever became of it."""
    fans = {fan for fan, market in presale.codes.items() if market == market_id}
    for wave in presale.waves.values():
        if wave.is_live:
            fans |= {fan for fan, market in wave.members.items() if market == market_id}
    return len(fans)


def room_of(market: PlainMarket, given: int) -> int:
    left = max(0, market.capacity - given)  # less only in a market that the wave leaves out
    return left if market.most is None else min(left, market.most)


def in_position(markets: Mapping[str, PlainMarket]) -> list[tuple[str, PlainMarket]]:
    return sorted(markets.items(), key=lambda item: (item[1].position, item[0]))


def preferences_of(presale: Presale, fan: str) -> list[str]:
    """Of the roster; who registered only afterwards brings their own. None = any market."""
    asked = presale.scored[fan].rostered
    if asked is None:
        asked = presale.registered[fan].preferences
    return asked or [name for name, _ in in_position(presale.markets)]


def held_market(presale: Presale, key: str, asked: Asked, fan: str) -> str | None:
    """The market of the code with which a fan comes into the wave without another seat. [W-6]

    Nobody does who is in another wave that is yet to be sent, or being sent.
    """
    if asked.kind == "not_selected" or fan not in presale.codes:
        return None
    others = [wave for name, wave in presale.waves.items() if name != key and fan in wave.members]
    if any(wave.is_live and wave.state != "completed" for wave in others):
        return None
    in_vain = all(
        wave.state == "cancelled" and not wave.notified for wave in others if wave.triggered
    )
    in_completed = any(wave.state == "completed" for wave in others)
    comes_back = asked.reassign or (in_vain and not in_completed)
    return presale.codes[fan] if comes_back else None


def reason_against(
    presale: Presale, key: str, asked: Asked, fan: str, *, keeps_code: bool
) -> str | None:
    """The first reason for which the fan is no candidate, markets aside."""
    if fan not in presale.registered:
        return "not_registered"
    if presale.scored[fan].raw < max(0.22, presale.min_score, asked.min_score or 0):
        return "below_minimum_score"
    if not keeps_code:
        if any(
            fan in wave.members and (wave.is_live or was_told_no(wave, asked))
            for name, wave in presale.waves.items()
            if name != key
        ):
            return "already_in_wave"
        if fan in presale.codes:
            return "holds_code"
    return usable_contact(presale, fan)[2]


def was_told_no(wave: PlainWave, asked: Asked) -> bool:
    """From its trigger on no later wave selects the fans of such a wave, even if cancelled. [X-8]"""
    is_for_them = asked.kind == "not_selected"
    return wave.asked.kind == "not_selected" and wave.triggered and not is_for_them


def usable_contact(presale: Presale, fan: str) -> tuple[str, str, str | None]:
    """E-mail and phone, empty where not usable, and why the fan cannot be reached.
    [S-4 … S-6, N-8]
    """
    newest, older = presale.registered[fan].contact, presale.scored[fan].contact
    email, _, reason = plain_emails.judge(
        newest.email or older.email, presale.blacklist, presale.whitelist, presale.disposable
    )
    confirmed = older.confirmed
    if newest.phone:
        confirmed = newest.confirmed or (older.phone == newest.phone and older.confirmed)
    home = presale.home_countries
    phone, region, trouble = plain_phone(newest.phone or older.phone, home[0], home[0])
    if not reason and phone and region not in home and not presale.allow_intl_phones:
        reason = "intl_phone"
    if trouble or (presale.require_confirmed_phone and not confirmed):
        phone = None
    if not reason and not email and not phone:
        reason = "no_contact"
    email, phone = (None if each in presale.suppressed else each for each in (email, phone))
    if not reason and not email and not phone:
        reason = "suppressed"
    return email or "", phone or "", reason


def h_of(presale: Presale, fan: str) -> bytes:
    """[S-8]"""
    nonce = hmac.digest(presale.salt, fan.encode(), "sha256")
    ref = hashlib.sha256(nonce + fan.encode()).hexdigest()
    key = hmac.digest(presale.seed, b"", "sha256")
    return hmac.digest(key, f"{presale.campaign_id}\x1f{ref}".encode(), "sha256")


def luck_of(presale: Presale, fan: str) -> int:
    made_up = presale.scored[fan].luck
    return int.from_bytes(h_of(presale, fan)[:8]) if made_up is None else made_up


def band_score(presale: Presale, fan: str) -> float:
    """[S-7, S-8]"""
    raw, u = presale.scored[fan].raw, (luck_of(presale, fan) >> 11) / 2**53
    low, high = next((low, high) for low, high in BANDS if raw >= low)
    drawn = low + u * (high - low)
    return drawn if high == 1 else min(drawn, math.nextafter(high, low))


def in_order(presale: Presale, fans: Iterable[str]) -> list[str]:
    """Band score descending, then h descending; no two fans have the same h. [S-9]"""
    return sorted(
        fans,
        key=lambda fan: (band_score(presale, fan), luck_of(presale, fan), h_of(presale, fan)),
        reverse=True,
    )


def allocate(
    ranked: list[str],
    eligible: Mapping[str, list[str]],
    room: dict[str, int],
    *,
    by_preference: bool,
) -> dict[str, str]:
    """The market of each who is selected; `room` by market in position order."""
    left, taken = dict(room), {}
    if by_preference:
        for fan in ranked:
            market = next((name for name in eligible[fan] if left[name]), None)
            if market is not None:
                taken[fan] = market
                left[market] -= 1
        return taken
    for name in left:
        for fan in ranked:
            if left[name] and fan not in taken and name in eligible[fan]:
                taken[fan] = name
                left[name] -= 1
    return taken


def result_of(
    presale: Presale,
    name: str,
    market: PlainMarket,
    given: int,
    taken: Mapping[str, str],
    eligible: Mapping[str, list[str]],
) -> dict[str, object]:
    own = [band_score(presale, fan) for fan, where in taken.items() if where == name]
    room = room_of(market, given)
    return {
        "market_id": name,
        "capacity": market.capacity,
        "given": given,
        "room": room,
        "selected": len(own),
        "cutoff": min(own) if own and len(own) == room else None,
        "wanted": sum(name in wanted for wanted in eligible.values()),
    }


def topped_up(presale: Presale, key: str) -> Asked:
    """The rules of the wave that was selected last and sent, within the campaign's seats. [X-7]"""
    others = [wave for name, wave in presale.waves.items() if name != key]
    if any(
        wave.asked.kind == "not_selected" and (wave.triggered or wave.state == "prepared")
        for wave in others
    ):
        raise Refused("FansWereTold")
    drawn = [
        wave for wave in others if wave.asked.kind == "drawn" and wave.state in ("prepared", *SENT)
    ]
    if not drawn:
        raise Refused("NothingToTopUp")
    last = drawn[-1]
    if last.state not in SENT:
        raise Refused("WrongState")
    lines = {
        name: Line(None, market.selection_time, market.code_source)
        for name, market in last.markets.items()
    }
    return replace(last.asked, file=lines, reassign=False, tops_up=True)


def require_all_sent(presale: Presale, key: str) -> None:
    """Nobody is told so before a wave was sent, or while one may still be sent. [X-8]"""
    others = [wave for name, wave in presale.waves.items() if name != key]
    if not any(wave.state in SENT and wave.asked.kind != "not_selected" for wave in others):
        raise Refused("WrongState")
    if any(wave.state not in (*SENT, "cancelled") for wave in others):
        raise Refused("WrongState")


def has_own_rules(presale: Presale, asked: Asked) -> bool:
    """Whether the wave selects otherwise than the campaign does, its capacities aside. [S-8]"""
    lines = asked.file or {}
    return asked.kind == "drawn" and (
        (asked.min_score or 0) > max(0.22, presale.min_score)
        or asked.order != "by_preference"
        or (asked.file is not None and set(lines) != set(presale.markets))
        or any(
            line.selection_time not in (None, presale.markets[name].selection_time)
            for name, line in lines.items()
        )
    )


def moved(one: Reading, other: Reading) -> int:
    """Fans who are in one selection alone, or in both with other markets."""
    here = {fan: market for fan, market, _ in one.members}
    there = {fan: market for fan, market, _ in other.members}
    return sum(here.get(fan) != there.get(fan) for fan in here | there)
