"""A few messages of a wave as its members will read them; codes hidden from who may not see them.
[W-10, O-5]
"""

from __future__ import annotations

from dataclasses import dataclass

from operations.adminkit.masking import mask_text
from waves.choices import Channel
from waves.errors import BadTemplate
from waves.messages.rendering import Composer, Recipient, composer_for
from waves.messages.sms_segments import segments
from waves.models import Member, Wave

SHOWN_PER_MARKET = 1
MARKETS_SHOWN = 3


@dataclass(frozen=True)
class Sample:
    """One message; `segments` for an SMS, `subject` for an e-mail."""

    channel: str
    market: str
    body: str
    subject: str = ""
    segments: int = 0


def samples_of(wave: Wave, *, hidden: bool) -> list[Sample]:
    """The first member of each of the first markets, on each channel that reaches them; none where
    a text fails.
    """
    try:
        composer = composer_for(wave)
        return [
            sample
            for member in _first_members(wave)
            for sample in _of_member(composer, member, hidden)
        ]
    except BadTemplate:
        return []


def _first_members(wave: Wave) -> list[Member]:
    markets = list(
        wave.wave_markets.filter(selected__gt=0).values_list("market_id", flat=True)[:MARKETS_SHOWN]
    )
    members = Member.objects.filter(wave=wave).select_related("market").order_by("place")
    return [
        member
        for market in markets
        for member in members.filter(market_id=market)[:SHOWN_PER_MARKET]
    ]


def _of_member(composer: Composer, member: Member, hidden: bool) -> list[Sample]:
    recipient = Recipient(
        member.market.market_id,
        member.global_user_id,
        mask_text(member.code) if hidden else member.code,
    )
    found = []
    if member.phone:
        as_sent = composer.sms(
            Recipient(member.market.market_id, member.global_user_id, member.code)
        )
        # The dots of a masked code are outside GSM-7: segments are those of the text that goes out.
        text = composer.sms(recipient)
        found.append(
            Sample(Channel.SMS.label, member.market.name, text, segments=segments(as_sent).count)
        )
    if member.email:
        message = composer.email(recipient)
        found.append(
            Sample(Channel.EMAIL.label, member.market.name, message.body, subject=message.subject)
        )
    return found
