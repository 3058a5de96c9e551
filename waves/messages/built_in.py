"""The built-in texts, in English: what fans read where nobody wrote a template. [N-1, K-3, X-8]"""

from __future__ import annotations

from itertools import product
from typing import Final

from waves.choices import Audience, Channel
from waves.messages.content import MessageTemplate

# Asks SendGrid, SparkPost, Amazon SES, Postmark, Mailgun and Mandrill to leave the link as it is:
# whoever counts its clicks would be given the fan's id and nonce. [N-1]
UNTRACKED: Final = (
    'clicktracking="off" data-msys-clicktrack="0" ses:no-track data-pm-no-track'
    ' disable-tracking="true" mc:disable-tracking'
)
ENTRY_LINK: Final = f'<a href="{{entry_link}}" {UNTRACKED}>check your own entry</a>'
CHECK_LINE: Final = (
    "Was the draw fair? After the presale, check your own entry here (this link is personal too):\n"
    "{entry_link}\n"
)
CHECK_HTML: Final = (
    f"<p>Was the draw fair? After the presale, you can {ENTRY_LINK}. This link is personal too.</p>"
)
WITH_CODE: Final = (
    MessageTemplate(
        Channel.SMS,
        "You've been selected for the {campaign} presale in {market}. Buy tickets from {wave_date}"
        " with code {code}, valid until {valid_until}.",
    ),
    MessageTemplate(
        Channel.EMAIL,
        "Good news! You've been selected for the {campaign} presale in {market}.\n\nYour access"
        " code: {code}\nYou can buy tickets with it from {wave_date} until {valid_until}.\n\nThis"
        f" code is personal. Please don't share it.\n\n{CHECK_LINE}",
        subject="Your access code for {campaign}",
        html="<p>Good news! You've been selected for the {campaign} presale in"
        " <strong>{market}</strong>.</p><p>Your access code: <strong>{code}</strong><br>You can buy"
        " tickets with it from {wave_date} until {valid_until}.</p><p>This code is personal. Please"
        f" don't share it.</p>{CHECK_HTML}",
    ),
)
# Where the stock is managed elsewhere there is no code to name. [K-3]
WITHOUT_CODE: Final = (
    MessageTemplate(
        Channel.SMS,
        "You've been selected for the {campaign} presale in {market}. You can buy tickets from"
        " {wave_date}.",
    ),
    MessageTemplate(
        Channel.EMAIL,
        "Good news! You've been selected for the {campaign} presale in {market}. You can buy"
        f" tickets from {{wave_date}}.\n\n{CHECK_LINE}",
        subject="You've been selected for the {campaign} presale",
        html="<p>Good news! You've been selected for the {campaign} presale in"
        f" <strong>{{market}}</strong>. You can buy tickets from {{wave_date}}.</p>{CHECK_HTML}",
    ),
)
NOT_SELECTED: Final = (
    MessageTemplate(
        Channel.SMS,
        "Thank you for registering for the {campaign} presale. Unfortunately, you were not selected"
        " this time.",
        audience=Audience.NOT_SELECTED,
    ),
    MessageTemplate(
        Channel.EMAIL,
        "Thank you for registering for the {campaign} presale. There were more fans than tickets,"
        f" and unfortunately you were not selected this time.\n\n{CHECK_LINE}",
        subject="Your registration for the {campaign} presale",
        html="<p>Thank you for registering for the {campaign} presale. There were more fans than"
        f" tickets, and unfortunately you were not selected this time.</p>{CHECK_HTML}",
        audience=Audience.NOT_SELECTED,
    ),
)


def built_in(
    channel: str, *, has_code: bool = True, audience: str = Audience.SELECTED
) -> MessageTemplate:
    """The built-in text of a channel for members with or without a code, or for fans who were not
    selected.
    """
    with_code = has_code and audience == Audience.SELECTED
    selected = WITH_CODE if with_code else WITHOUT_CODE
    texts = NOT_SELECTED if audience == Audience.NOT_SELECTED else selected
    return next(text for text in texts if text.channel == channel)


def built_in_texts() -> dict[str, dict[str, str]]:
    """All of them by channel and audience, such as `sms selected`: what an editor starts from."""
    return {
        f"{channel} {audience}": {"subject": text.subject, "body": text.body, "html": text.html}
        for channel, audience in product(Channel.values, Audience.values)
        for text in [built_in(channel, audience=audience)]
    }
