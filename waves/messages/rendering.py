"""The text for each member, rendered from the snapshot of templates that the wave's approval
covers. [N-1, X-5]
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from campaigns.receipts import Receipt, receipts_of
from waves.choices import Channel
from waves.messages import content
from waves.messages.content import Message, MessageTemplate
from waves.models import Wave

NO_CODE = ("", "TM")
OF_THE_ENTRY: Final = {"fan_ref", "entry_link"}
NO_RECEIPT: Final = Receipt("", "", "")


@dataclass(frozen=True)
class Recipient:
    """What a message needs of one member."""

    market_id: str
    global_user_id: str
    code: str


class Composer:
    """Chooses and checks each template once, then fills it in for hundreds of thousands. Raises
    BadTemplate.
    """

    def __init__(
        self, wave: Wave, markets: Mapping[str, str], receipt_of: Callable[[str], Receipt] | None
    ) -> None:
        """`markets` maps market ids to names; without `receipt_of`, which makes a fan's receipt
        from their id, `{fan_ref}` and `{entry_link}` are empty.
        """
        self._templates = templates_of(wave)
        self._markets = markets
        self._receipt_of = receipt_of
        campaign = wave.content["campaign"]
        self._shared = content.wave_values(
            campaign=campaign["name"],
            artist=campaign["artist"],
            notify_date=wave.notify_date,
            time_zone=campaign["time_zone"],
        )
        self._chosen: dict[tuple[str, str, bool], tuple[MessageTemplate, bool]] = {}

    def sms(self, recipient: Recipient) -> str:
        """The text of one SMS."""
        template, names_entry = self._choose(Channel.SMS, recipient)
        return template.body.format_map(self._values(recipient, names_entry))

    def email(self, recipient: Recipient) -> Message:
        """Subject, text and HTML of one e-mail; the values are escaped in the HTML."""
        template, names_entry = self._choose(Channel.EMAIL, recipient)
        return content.render(template, self._values(recipient, names_entry))

    def _choose(self, channel: str, recipient: Recipient) -> tuple[MessageTemplate, bool]:
        key = (channel, recipient.market_id, recipient.code in NO_CODE)
        if key not in self._chosen:
            has_code = recipient.code not in NO_CODE
            template = content.choose(
                self._templates, channel, recipient.market_id, has_code=has_code
            )
            content.check_template(template, has_code=has_code)
            named = content.placeholders(template.subject + template.body + template.html)
            self._chosen[key] = (template, not named.isdisjoint(OF_THE_ENTRY))
        return self._chosen[key]

    def _values(self, recipient: Recipient, names_entry: bool) -> dict[str, str]:
        receipt = NO_RECEIPT
        if names_entry and self._receipt_of:
            receipt = self._receipt_of(recipient.global_user_id)
        return self._shared | {
            "market": self._markets.get(recipient.market_id, recipient.market_id),
            "code": recipient.code,
            "fan_ref": receipt.fan_ref,
            "entry_link": receipt.link,
        }


def templates_of(wave: Wave) -> list[MessageTemplate]:
    """The templates in the wave's snapshot, `content["templates"]`."""
    fields = MessageTemplate.__dataclass_fields__
    return [
        MessageTemplate(**{name: value for name, value in template.items() if name in fields})
        for template in wave.content["templates"]
    ]


def composer_for(wave: Wave, *, hidden: bool = False) -> Composer:
    """The composer of a wave, with its markets' names and its campaign's draw read from the
    database. Where personal data is `hidden`, references and links are dots. [O-5]
    """
    receipts = receipts_of(wave.campaign)
    markets = dict(wave.wave_markets.values_list("market__market_id", "name"))
    if receipts is None:
        return Composer(wave, markets, None)
    return Composer(wave, markets, receipts.masked if hidden else receipts.of)
