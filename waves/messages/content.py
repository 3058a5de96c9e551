"""The content of messages: templates, their placeholders, and how they are filled in. [N-1]"""

from __future__ import annotations

import html
import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from waves.choices import Channel
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
ENGLISH: Final = "en"
# Asks SendGrid, SparkPost, Amazon SES, Postmark, Mailgun and Mandrill to leave the link as it is:
# whoever counts its clicks would be given the fan's id and nonce. [N-1]
UNTRACKED: Final = (
    'clicktracking="off" data-msys-clicktrack="0" ses:no-track data-pm-no-track'
    ' disable-tracking="true" mc:disable-tracking'
)
CHECK_LINE: Final = (
    "Was the draw fair? After the presale, check your own entry here (this link is personal too):\n"
    "{entry_link}\n"
)
CHECK_HTML: Final = (
    f'<p>Was the draw fair? After the presale, you can <a href="{{entry_link}}" {UNTRACKED}>check'
    " your own entry</a>. This link is personal too.</p>"
)


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


@dataclass(frozen=True)
class Message:
    """A rendered message; `subject` and `html` are empty for an SMS."""

    body: str
    subject: str = ""
    html: str = ""


DEFAULTS: Final = (
    MessageTemplate(
        Channel.SMS,
        (
            "You've been selected for the {campaign} presale in {market}. Your access"
            " code: {code}. Valid until {valid_until}."
        ),
    ),
    MessageTemplate(
        Channel.EMAIL,
        (
            "Good news! You've been selected for the {campaign} presale in"
            " {market}.\n\nYour access code: {code}\nValid from {valid_from} until"
            " {valid_until}.\n\nThis code is personal. Please don't share it.\n\n"
            f"{CHECK_LINE}"
        ),
        subject="Your access code for {campaign}",
        html=(
            "<p>Good news! You've been selected for the {campaign} presale in"
            " <strong>{market}</strong>.</p><p>Your access code:"
            " <strong>{code}</strong><br>Valid from {valid_from} until"
            " {valid_until}.</p><p>This code is personal. Please don't share it.</p>"
            f"{CHECK_HTML}"
        ),
    ),
)
# Where the stock is managed elsewhere there is no code to name. [K-3]
DEFAULTS_WITHOUT_CODE: Final = (
    MessageTemplate(
        Channel.SMS,
        (
            "You've been selected for the {campaign} presale in {market}. You can buy"
            " tickets from {wave_date}."
        ),
    ),
    MessageTemplate(
        Channel.EMAIL,
        (
            "Good news! You've been selected for the {campaign} presale in {market}. You"
            f" can buy tickets from {{wave_date}}.\n\n{CHECK_LINE}"
        ),
        subject="You've been selected for the {campaign} presale",
        html=(
            "<p>Good news! You've been selected for the {campaign} presale in"
            f" <strong>{{market}}</strong>. You can buy tickets from {{wave_date}}.</p>{CHECK_HTML}"
        ),
    ),
)


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


def check_template(template: MessageTemplate, *, has_code: bool = True) -> None:
    """Raises BadTemplate for an unknown placeholder, or a code in a text for TM members. [N-1,
    K-3]
    """
    named = (
        placeholders(template.subject) | placeholders(template.body) | placeholders(template.html)
    )
    if not has_code and "code" in named:
        place = f"market {template.market_id}" if template.market_id else "every market"
        raise BadTemplate(
            f"The {Channel(template.channel).label} template for {place} contains {{code}},"
            f" but members with TM stock have no code. Remove {{code}} from it."
        )


def choose(
    templates: Iterable[MessageTemplate],
    channel: str,
    market_id: str,
    *,
    language: str = ENGLISH,
    has_code: bool = True,
) -> MessageTemplate:
    """The market's own template before the one for every market, the fan's language before English;
    else the default.
    """

    def fits(template: MessageTemplate) -> bool:
        languages, markets = (language, ENGLISH), (market_id, None)
        return (
            template.channel == channel
            and template.language in languages
            and template.market_id in markets
        )

    def closeness(template: MessageTemplate) -> tuple[bool, bool]:
        return template.language == language, template.market_id == market_id

    fitting = [template for template in templates if fits(template)]
    if fitting:
        return max(fitting, key=closeness)
    return next(
        t for t in (DEFAULTS if has_code else DEFAULTS_WITHOUT_CODE) if t.channel == channel
    )


def wave_values(
    *, campaign: str, artist: str, notify_date: datetime, time_zone: str
) -> dict[str, str]:
    """The placeholders that are the same for every member; days are the campaign's own. Add market,
    code, fan_ref, entry_link.
    """
    zone = ZoneInfo(time_zone)
    begin, end = code_validity(notify_date, time_zone)
    days = {"wave_date": notify_date, "valid_from": begin, "valid_until": end}
    return {"campaign": campaign, "artist": artist} | {
        name: _day(d.astimezone(zone)) for name, d in days.items()
    }


def render(template: MessageTemplate, values: Mapping[str, str]) -> Message:
    """The template filled in; in HTML the values are escaped. `values` holds every placeholder.
    Raises BadTemplate.
    """
    check_template(template)
    escaped = {name: html.escape(value) for name, value in values.items()}
    return Message(
        body=template.body.format_map(values),
        subject=" ".join(template.subject.format_map(values).split()),
        html=template.html.format_map(escaped),
    )


def _day(moment: datetime) -> str:
    return f"{moment.day} {moment:%B %Y}"
