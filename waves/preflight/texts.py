"""The texts of a wave, one for each market, channel and shape of member, and their checks.
[X-6, N-1]
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from waves.choices import Channel
from waves.messages import content
from waves.messages.content import Message, MessageTemplate
from waves.messages.drafts import parts_without_code
from waves.preflight.check import Check, Problem, judged, red, yellow

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

    @property
    def where(self) -> str:
        place = f"for market {self.market}" if self.market else "for fans who were not selected"
        place += f" ({self.language})" if self.language else ""
        return f"The {Channel(self.channel).label} {place}"


def parts_of(template: MessageTemplate) -> list[str]:
    """The parts that a fan reads alone: an e-mail shows its HTML or its text."""
    return [template.body, template.html] if template.html else [template.body]


def judge_rendering(texts: Sequence[Text]) -> Check:
    """Red where a text cannot be made, or is empty."""
    problems: list[Problem] = []
    for text in texts:
        if text.problem:
            problems.append(red(f"{text.where} cannot be made: {text.problem}"))
        elif text.message is not None and not text.message.body.strip():
            problems.append(red(f"{text.where} is empty. Write a text."))
        elif text.channel == Channel.EMAIL and text.message and not text.message.subject:
            problems.append(red(f"{text.where} has no subject. Write one."))
    count = sum(text.members for text in texts)
    return judged(RENDERING, problems, fine=f"All {count:,} messages can be made.")


def judge_content(texts: Iterable[Text]) -> Check:
    """Red for a text without the code of those who have one, yellow without campaign or wave date,
    or with a placeholder that is empty. [N-1]
    """
    problems: list[Problem] = []
    for text in texts:
        if text.template is None or text.values is None:
            continue
        named = [content.placeholders(part) for part in parts_of(text.template)]
        subject = content.placeholders(text.template.subject)
        if text.needs_code and (missing := parts_without_code(text.template)):
            part = f" as {missing[0]}" if text.template.html else ""
            problems.append(red(f"{text.where}{part} does not name the access code. Add {{code}}."))
        problems += [
            yellow(f"{text.where} does not name the {word}. Add {{{name}}}.")
            for name, word in WANTED.items()
            if not all(name in each | subject for each in named)
        ]
        problems += [
            yellow(f"{text.where} names {{{name}}}, which is empty here.")
            for name in sorted(frozenset().union(*named, subject) - {"code"})
            if not text.values[name]
        ]
    fine = "All messages name campaign and wave date, and the access code where there is one."
    return judged(CONTENT, problems, fine=fine)


def judge_opt_out(texts: Iterable[Text]) -> Check:
    """Yellow for an SMS that does not say STOP, which is understood everywhere: who gets texts is
    told how to end them. [N-8]
    """
    problems: list[Problem] = [
        yellow(f"{text.where} does not say how to opt out. Add: Reply STOP to opt out.")
        for text in texts
        if text.channel == Channel.SMS
        and text.template is not None
        and not STOP.search(text.template.body)
    ]
    return judged(OPT_OUT, problems, fine="Every SMS says how to opt out.")


def source_of(character: str, text: Text) -> str:
    """Where a character of a rendered text comes from, in words."""
    if text.template is None or text.values is None:
        return "the text"
    if character in text.template.body:
        return "the template"
    named = sorted(content.placeholders(text.template.body))
    return next(NAMED[name] for name in named if character in text.values[name])
