"""What changed between two contents of a wave, in words. Pure. [X-5]"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from waves.choices import Channel

# A wave's content without its members: `content` as it was approved or is to be, the numbers of
# each market, and the digests that say whether members changed.
Snapshot = Mapping[str, Any]

NONE: Final = "none"
_TEXT_PARTS: Final = {"subject": "subject", "body": "text", "html": "HTML"}
_SEATS: Final = {"capacity": "seats", "given": "seats given before", "room": "room"}
_OF_MARKET: Final = {
    "name": "name",
    **_SEATS,
    "code_source": "code source",
    "selected": "selected fans",
}


@dataclass(frozen=True)
class Change:
    """One thing that is said otherwise now. `is_text`: a message, which is shown in full."""

    what: str
    before: str
    after: str
    is_text: bool = False


def changes(before: Snapshot, after: Snapshot) -> list[Change]:
    """All that differs, date and members first, then markets, then texts."""
    found = [*_of_content(before["content"], after["content"]), *_of_members(before, after)]
    found += _of_markets(before["markets"], after["markets"])
    return [*found, *_of_texts(before, after)]


def _of_content(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    named = _flat(before), _flat(after)
    for name in sorted({*named[0], *named[1]}):
        was, now = (flat.get(name, NONE) for flat in named)
        if was != now:
            yield Change(name, was, now)


def _flat(content: Mapping[str, Any]) -> dict[str, str]:
    """Everything but the texts, each under its name in words."""
    flat: dict[str, str] = {}
    for name, value in content.items():
        if name == "templates":
            continue
        parts = value.items() if isinstance(value, Mapping) else [("", value)]
        for part, held in parts:
            flat[f"{name} {part}".replace("_", " ").strip().capitalize()] = str(held)
    return flat


def _of_members(before: Snapshot, after: Snapshot) -> Iterator[Change]:
    if before["members"] != after["members"]:
        yield Change("Members", f"{before['members']:,}", f"{after['members']:,}")
    elif before["members_digest"] != after["members_digest"]:
        yield Change("Members", f"{before['members']:,}", "as many, but not the same fans")
    elif _only_members_differ(before, after):
        yield Change("Members", "their contacts or codes", "others")


def _only_members_differ(before: Snapshot, after: Snapshot) -> bool:
    """Market names are in the digest too."""
    is_same = before["content"] == after["content"] and _names(before) == _names(after)
    return bool(before["digest"] != after["digest"] and is_same)


def _names(seen: Snapshot) -> dict[str, str]:
    return {market_id: market["name"] for market_id, market in seen["markets"].items()}


def _of_markets(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    for market_id in sorted({*before, *after}):
        was, now = before.get(market_id), after.get(market_id)
        name = (now or was or {})["name"]
        if was is None or now is None:
            gone, there = "not in the wave", "in the wave"
            yield Change(f"Market {name}", *((there, gone) if was else (gone, there)))
            continue
        for key, words in _OF_MARKET.items():
            if was[key] != now[key]:
                yield Change(f"Market {name}, {words}", _shown(was[key]), _shown(now[key]))


def _of_texts(before: Snapshot, after: Snapshot) -> Iterator[Change]:
    """A text that changed alike in several markets is named once, with all of them."""
    texts = _texts(before["content"]), _texts(after["content"])
    alike: dict[tuple[str, str, str, str], list[str]] = {}
    for channel, market_id, about in sorted({*texts[0], *texts[1]}):
        was, now = (held.get((channel, market_id, about), "") for held in texts)
        if was != now:
            alike.setdefault((channel, about, was or NONE, now or NONE), []).append(market_id)
    for (channel, about, was, now), markets in alike.items():
        label = str(Channel(channel).label)
        name = f"{label[0].upper()}{label[1:]} for {_whom(markets, before, after)} {about}"
        yield Change(name, was, now, is_text=True)


def _whom(markets: list[str], before: Snapshot, after: Snapshot) -> str:
    """`every fan`, the markets by their names, or all of them."""
    if markets == [""]:
        return "every fan"
    names = _names(before) | _names(after)
    if len(markets) > 1 and set(markets) >= set(_names(after)):
        return "all markets"
    return ", ".join(names.get(market_id, market_id) for market_id in markets)


def _texts(content: Mapping[str, Any]) -> dict[tuple[str, str, str], str]:
    """Each part of each text that has something in it, by channel, market and what it is for."""
    found = {}
    for text in content["templates"]:
        used = ", ".join(language for language in text["languages"] if language)
        for_fans = f", fans' languages: {used}" if used else ""
        without = "" if text["with_code"] else ", without a code"
        for part, words in _TEXT_PARTS.items():
            if text[part]:
                about = f"({text['language']}{for_fans}{without}), {words}"
                found[text["channel"], text["market_id"] or "", about] = str(text[part])
    return found


def _shown(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)
