"""The content of messages: templates, their placeholders, and how they are filled in. [N-1]"""

from __future__ import annotations

import html
import string
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date

from operations.entry.languages import fallbacks
from waves.choices import Audience, Channel
from waves.errors import BadTemplate
from waves.naming import code_validity

PLACEHOLDERS: Final = (
    "campaign",
    "artist",
    "market",
    "wave_date",
    "code",
    "valid_from",
    "valid_until",
    "fan_ref",
    "entry_link",
)
# What fans who were not selected do not have.
OF_SELECTED: Final = frozenset({"market", "code", "valid_from", "valid_until"})
ENGLISH: Final = "en"


@dataclass(frozen=True)
class MessageTemplate:
    """A text for one channel; `market_id` None = every market. `subject` and `html` are for e-mail
    only.
    """

    channel: str
    body: str
    market_id: str | None = None
    language: str = ENGLISH
    subject: str = ""
    html: str = ""
    audience: str = Audience.SELECTED


@dataclass(frozen=True)
class Message:
    """A rendered message; `subject` and `html` are empty for an SMS."""

    body: str
    subject: str = ""
    html: str = ""


def placeholders(text: str) -> frozenset[str]:
    """The placeholders a text names. Raises BadTemplate for an unknown one, or a single brace.
    [N-1]

    `{{` and `}}` are the braces themselves. Only a bare name is allowed inside: no index,
    attribute, conversion or format, so that a template cannot read the program's objects.
    """
    try:
        fields = [part[1:] for part in string.Formatter().parse(text) if part[1] is not None]
    except ValueError as error:
        raise BadTemplate(
            f"There is a single brace in the text ({error}). Write {{{{ or }}}} for a brace."
        ) from error
    for name, form, conversion in fields:
        if name not in PLACEHOLDERS or form or conversion:
            known = ", ".join(f"{{{known}}}" for known in PLACEHOLDERS)
            raise BadTemplate(f"Unknown placeholder {{{name}}}. Known placeholders: {known}.")
    return frozenset(str(name) for name, _, _ in fields)


def placeholders_of(template: MessageTemplate) -> frozenset[str]:
    """The placeholders that any part of the template names. Raises BadTemplate. [N-1]"""
    return (
        placeholders(template.subject) | placeholders(template.body) | placeholders(template.html)
    )


def check_template(template: MessageTemplate, *, has_code: bool = True) -> None:
    """Raises BadTemplate for an unknown placeholder, a code in a text for TM members, or what only
    selected fans have in a text for others. [N-1, K-3, X-8]
    """
    named = placeholders_of(template)
    place = f"market {template.market_id}" if template.market_id else "every market"
    what = f"The {Channel(template.channel).label} template for {place}"
    if template.audience == Audience.NOT_SELECTED:
        if missing := sorted(named & OF_SELECTED):
            raise BadTemplate(
                f"{what} is for fans who were not selected, who have no"
                f" {{{missing[0]}}}. Remove it."
            )
    elif "code" in named and (not has_code or template.audience == Audience.WITHOUT_CODE):
        raise BadTemplate(
            f"{what} contains {{code}}, but members with TM stock have no code. Remove {{code}}"
            " from it."
        )


def wave_values(
    *, campaign: str, artist: str, notify_date: datetime, time_zone: str, language: str = ENGLISH
) -> dict[str, str]:
    """The placeholders that are the same for every member; days are the campaign's own, written in
    the language of the text. Add market, code, fan_ref, entry_link.
    """
    zone = ZoneInfo(time_zone)
    begin, end = code_validity(notify_date, time_zone)
    days = {"wave_date": notify_date, "valid_from": begin, "valid_until": end}
    locale = _locale(language)
    return {"campaign": campaign, "artist": artist} | {
        name: format_date(day.astimezone(zone), "long", locale=locale) for name, day in days.items()
    }


def render(template: MessageTemplate, values: Mapping[str, str]) -> Message:
    """The template filled in; in HTML the values are escaped. `values` holds every placeholder.
    Raises BadTemplate.
    """
    check_template(template)
    return filled(template, values)


def filled(template: MessageTemplate, values: Mapping[str, str]) -> Message:
    """As `render`, of a template that is checked already."""
    escaped = {name: html.escape(value) for name, value in values.items()}
    return Message(
        body=template.body.format_map(values),
        subject=" ".join(template.subject.format_map(values).split()),
        html=template.html.format_map(escaped),
    )


@lru_cache(maxsize=100)
def _locale(language: str) -> Locale:
    """The closest that dates can be written in; English where there is none."""
    for tag in fallbacks(language):
        try:
            return Locale.parse(tag, sep="-")
        except (UnknownLocaleError, ValueError):
            continue
    return Locale(ENGLISH)
