"""The text for each member, rendered from the snapshot of templates that the wave's approval
covers. [N-1, X-5]
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final
from zoneinfo import ZoneInfo

from campaigns.receipts import Receipt, receipts_of
from operations import correlation
from waves.choices import Channel
from waves.errors import BadTemplate
from waves.messages import content
from waves.messages.choosing import Text
from waves.messages.content import Message, MessageTemplate
from waves.messages.templates import NO_CODE, audience_of
from waves.models import Wave
from waves.providers.contract import About

OF_THE_ENTRY: Final = {"fan_ref", "entry_link"}
NO_RECEIPT: Final = Receipt("", "", "")


@dataclass(frozen=True)
class Recipient:
    """What a message needs of one member; no market: of one who was not selected."""

    market_id: str
    global_user_id: str
    code: str
    language: str = ""


@dataclass(frozen=True)
class Chosen:
    """A text, whether it names the fan's entry, and the values that all who get it share."""

    template: MessageTemplate
    names_entry: bool
    shared: Mapping[str, str]


class Composer:
    """Checks each of a wave's texts once, then fills it in for hundreds of thousands. Raises
    BadTemplate.
    """

    def __init__(
        self, wave: Wave, markets: Mapping[str, str], receipt_of: Callable[[str], Receipt] | None
    ) -> None:
        """`markets` maps market ids to names; without `receipt_of`, which makes a fan's receipt
        from their id, `{fan_ref}` and `{entry_link}` are empty.
        """
        self._texts = texts_of(wave)
        self._markets = markets
        self._receipt_of = receipt_of
        self._wave = wave
        self._chosen: dict[Text, Chosen] = {}

    def sms(self, recipient: Recipient) -> str:
        """The text of one SMS."""
        chosen = self._choose(Channel.SMS, recipient)
        return chosen.template.body.format_map(self._values(recipient, chosen))

    def email(self, recipient: Recipient) -> Message:
        """Subject, text and HTML of one e-mail; the values are escaped in the HTML."""
        chosen = self._choose(Channel.EMAIL, recipient)
        return content.filled(chosen.template, self._values(recipient, chosen))

    def about(self, recipient: Recipient) -> About:
        """What a message to this member belongs to, as of the job that sends it. [N-1, O-4]"""
        return About(
            self._wave.campaign.campaign_id,
            self._wave.name,
            self._wave_date,
            recipient.market_id,
            correlation.current(),
        )

    @cached_property
    def _wave_date(self) -> str:
        zone = ZoneInfo(self._wave.content["campaign"]["time_zone"])
        return self._wave.notify_date.astimezone(zone).date().isoformat()

    def parts(self, channel: str, recipient: Recipient) -> tuple[MessageTemplate, dict[str, str]]:
        """The template of one message and what is filled into it."""
        chosen = self._choose(channel, recipient)
        return chosen.template, self._values(recipient, chosen)

    def _choose(self, channel: str, recipient: Recipient) -> Chosen:
        has_code = recipient.code not in NO_CODE
        text = Text(recipient.market_id, channel, recipient.language, has_code)
        if text not in self._chosen:
            template = self._texts.get(text)
            if template is None:
                place = f"market {text.market_id}" if text.market_id else "fans without a market"
                language = f" in language {text.language}" if text.language else ""
                raise BadTemplate(
                    f"Wave {self._wave.name} has no text for the {Channel(channel).label} to"
                    f" {place}{language}. Reset it and prepare it again."
                )
            content.check_template(template, has_code=has_code)
            names_entry = not content.placeholders_of(template).isdisjoint(OF_THE_ENTRY)
            self._chosen[text] = Chosen(template, names_entry, self._shared(template.language))
        return self._chosen[text]

    def _shared(self, language: str) -> dict[str, str]:
        campaign = self._wave.content["campaign"]
        return content.wave_values(
            campaign=campaign["name"],
            artist=campaign["artist"],
            notify_date=self._wave.notify_date,
            time_zone=campaign["time_zone"],
            language=language,
        )

    def _values(self, recipient: Recipient, chosen: Chosen) -> dict[str, str]:
        receipt = NO_RECEIPT
        if chosen.names_entry and self._receipt_of:
            receipt = self._receipt_of(recipient.global_user_id)
        return {
            **chosen.shared,
            "market": self._markets.get(recipient.market_id, recipient.market_id),
            "code": recipient.code,
            "fan_ref": receipt.fan_ref,
            "entry_link": receipt.link,
        }


def texts_of(wave: Wave) -> dict[Text, MessageTemplate]:
    """The texts in the wave's snapshot, `content["templates"]`."""
    return {
        Text(kept["market_id"], kept["channel"], language, kept["with_code"]): MessageTemplate(
            kept["channel"],
            kept["body"],
            market_id=kept["market_id"] or None,
            language=kept["language"],
            subject=kept["subject"],
            html=kept["html"],
            audience=audience_of(wave),
        )
        for kept in wave.content["templates"]
        for language in kept["languages"]
    }


def composer_for(wave: Wave, *, hidden: bool = False) -> Composer:
    """The composer of a wave, with its markets' names and its campaign's draw read from the
    database. Where personal data is `hidden`, references and links are dots. [O-5]
    """
    receipts = receipts_of(wave.campaign)
    markets = dict(wave.wave_markets.values_list("market__market_id", "name"))
    if receipts is None:
        return Composer(wave, markets, None)
    return Composer(wave, markets, receipts.masked if hidden else receipts.of)
