"""The texts of a wave, one for each market, channel and shape of member, and their checks.
[X-6, N-1]
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.text import get_text_list

from waves.choices import Channel
from waves.messages import content
from waves.messages.content import Message, MessageTemplate
from waves.messages.drafts import parts_without_code
from waves.preflight.check import Check, Color, judged

MOST_MARKETS: Final = 6  # named in one sentence
RENDERING, CONTENT, OPT_OUT = "Messages", "Content of messages", "Opt-out in SMS"
STOP: Final = re.compile(r"\bSTOP\b", re.IGNORECASE)
NAMED: Final[Mapping[str, str]] = {
    "campaign": "the campaign's name",
    "artist": "the artist's name",
    "market": "the market's name",
    "wave_date": "the wave date",
    "code": "the access code",
    "valid_from": "the date from which codes are valid",
    "valid_until": "the date until which codes are valid",
    "fan_ref": "the fan's reference",
    "entry_link": "the fan's link",
}
# What a fan needs to know which presale it is and when; without it a line is yellow.
WANTED: Final = {"campaign": "campaign", "wave_date": "wave date"}


@dataclass(frozen=True)
class Text:
    """One text as `members` members get it. `needs_code`: they have a code, and were selected.
    `member`: the row's number of one of them. Either `message` or `problem`, why there is none.
    """

    channel: str
    market: str
    language: str
    members: int
    member: int
    needs_code: bool
    template: MessageTemplate | None = None
    values: Mapping[str, str] | None = None
    message: Message | None = None
    problem: str = ""


Flaw = tuple[Color, Text, str]  # what is wrong with a text, as the rest of a sentence about it


def where_of(texts: Sequence[Text]) -> str:
    """Texts of one channel and language, by their markets."""
    channel, language = Channel(texts[0].channel).label, texts[0].language
    markets = sorted({text.market for text in texts if text.market})
    place = "for fans who were not selected"
    if markets:
        more = len(markets) - MOST_MARKETS
        named = [*markets[:MOST_MARKETS], f"{more} more"] if more > 0 else markets
        place = f"for {'markets' if len(markets) > 1 else 'market'} {get_text_list(named, 'and')}"
    return f"The {channel} {place}" + (f" ({language})" if language else "")


def judged_texts(name: str, flaws: Iterable[Flaw], *, fine: str) -> Check:
    """A check of texts. Those of one channel and language with the same flaw share a sentence."""
    alike: dict[tuple[Color, str, str, str, bool], list[Text]] = {}
    for color, text, what in flaws:
        kind = (color, what, text.channel, text.language, bool(text.market))
        alike.setdefault(kind, []).append(text)
    problems = [(kind[0], f"{where_of(texts)} {kind[1]}") for kind, texts in alike.items()]
    return judged(name, problems, fine=fine)


def parts_of(template: MessageTemplate) -> list[str]:
    """The parts that a fan reads alone: an e-mail shows its HTML or its text."""
    return [template.body, template.html] if template.html else [template.body]


def judge_rendering(texts: Sequence[Text]) -> Check:
    """Red where a text cannot be made, or is empty."""
    flaws: list[Flaw] = []
    for text in texts:
        if text.problem:
            flaws.append((Color.RED, text, f"cannot be made: {text.problem}"))
        elif text.message is not None and not text.message.body.strip():
            flaws.append((Color.RED, text, "is empty. Write a text."))
        elif text.channel == Channel.EMAIL and text.message and not text.message.subject:
            flaws.append((Color.RED, text, "has no subject. Write one."))
    count = sum(text.members for text in texts)
    return judged_texts(RENDERING, flaws, fine=f"All {count:,} messages can be made.")


def judge_content(texts: Iterable[Text]) -> Check:
    """Red for a text without the code of those who have one, yellow without campaign or wave date,
    or with a placeholder that is empty. [N-1]
    """
    flaws: list[Flaw] = []
    for text in texts:
        if text.template is None or text.values is None:
            continue
        named = [content.placeholders(part) for part in parts_of(text.template)]
        subject = content.placeholders(text.template.subject)
        if text.needs_code and (missing := parts_without_code(text.template)):
            part = f"as {missing[0]} " if text.template.html else ""
            what = f"{part}does not name the access code. Add {{code}}."
            flaws.append((Color.RED, text, what))
        flaws += [
            (Color.YELLOW, text, f"does not name the {word}. Add {{{name}}}.")
            for name, word in WANTED.items()
            if not all(name in each | subject for each in named)
        ]
        flaws += [
            (Color.YELLOW, text, f"names {{{name}}}, which is empty here.")
            for name in sorted(frozenset().union(*named, subject) - {"code"})
            if not text.values[name]
        ]
    fine = "All messages name campaign and wave date, and the access code where there is one."
    return judged_texts(CONTENT, flaws, fine=fine)


def judge_opt_out(texts: Iterable[Text]) -> Check:
    """Yellow for an SMS that does not say STOP, which is understood everywhere: who gets texts is
    told how to end them. [N-8]
    """
    flaws: list[Flaw] = [
        (Color.YELLOW, text, "does not say how to opt out. Add: Reply STOP to opt out.")
        for text in texts
        if text.channel == Channel.SMS
        and text.template is not None
        and not STOP.search(text.template.body)
    ]
    return judged_texts(OPT_OUT, flaws, fine="Every SMS says how to opt out.")


def source_of(character: str, text: Text) -> str:
    """Where a character of a rendered text comes from, in words."""
    if text.template is None or text.values is None:
        return "the text"
    if character in text.template.body:
        return "the template"
    named = sorted(content.placeholders(text.template.body))
    return next(NAMED[name] for name in named if character in text.values[name])
