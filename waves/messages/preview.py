"""A draft of a text as a fan would read it: a real fan of the campaign where there is one. [N-1]

Nothing is written, and only a few rows are read, because a preview is made as one types.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from campaigns.models import Campaign, Market, Registrant
from campaigns.receipts import MASKED, receipts_of
from operations.adminkit.masking import mask_email, mask_phone, mask_text
from operations.entry.languages import fallbacks
from waves.choices import Audience, Channel, WaveState
from waves.messages import content
from waves.messages.content import Message, MessageTemplate
from waves.messages.sms_segments import Segments, segments
from waves.messages.templates import NO_CODE
from waves.models import Member, Wave

LOOKED_AT = 50  # fans of whom one is chosen
SAMPLE_CODE = "A7KX29QWER"
# Not of the alphabet of own codes, so that nobody takes it for one.
TEST_CODE = "TEST-ONLY"
DAYS_AHEAD = timedelta(days=7)  # where no wave is to come
OVER = (WaveState.CANCELLED, WaveState.FAILED)


@dataclass(frozen=True)
class Fan:
    """Whom a preview is made for; without an id it is nobody who exists. The code is a sample
    unless it is their own.
    """

    code: str
    global_user_id: str = ""
    contact: str = ""
    has_own_code: bool = False


@dataclass(frozen=True)
class Preview:
    """The message as `fan` reads it, masked where personal data is hidden; `segments` of the SMS as
    it goes out. `longest`: the market whose SMS takes the most segments, and how many. Both are
    None for an e-mail.
    """

    message: Message
    fan: Fan
    segments: Segments | None
    longest: tuple[str, int] | None


def preview(
    draft: MessageTemplate, campaign: Campaign, market: Market | None, *, hidden: bool
) -> Preview:
    """The draft for a fan of the market (none: who was not selected). Raises BadTemplate."""
    fan = _fan(draft, campaign, market)
    values = _values(draft, campaign, market) | _entry(campaign, fan.global_user_id)
    values["code"] = fan.code
    sent = content.render(draft, values)
    counted = segments(sent.body) if draft.channel == Channel.SMS else None
    longest = _longest(draft, campaign, values) if counted and not draft.market_id else None
    if hidden and fan.global_user_id:
        fan = _masked(fan, draft.channel)
        values |= {"code": fan.code} | _masked_entry(campaign)
        sent = content.render(draft, values)
    return Preview(sent, fan, counted, longest)


def marked_message(draft: MessageTemplate, campaign: Campaign, market: Market | None) -> Message:
    """The draft for a colleague: code and entry are marked, and no fan's. Raises BadTemplate."""
    code = TEST_CODE if draft.audience == Audience.SELECTED else ""
    marked = {"code": code, "fan_ref": TEST_CODE, "entry_link": f"{_page(campaign)}#{TEST_CODE}"}
    return content.render(draft, _values(draft, campaign, market) | marked)


def notify_date_of(campaign: Campaign) -> datetime:
    """Of the newest wave, or of one in a week."""
    dates = Wave.objects.filter(campaign=campaign).exclude(state__in=OVER).order_by("-pk")
    return dates.values_list("notify_date", flat=True).first() or timezone.now() + DAYS_AHEAD


def _values(draft: MessageTemplate, campaign: Campaign, market: Market | None) -> dict[str, str]:
    values = content.wave_values(
        campaign=campaign.name,
        artist=campaign.artist,
        notify_date=notify_date_of(campaign),
        time_zone=campaign.time_zone,
        language=draft.language,
    )
    return values | {"market": market.name if market else ""}


def _page(campaign: Campaign) -> str:
    return f"{settings.SITE_URL.rstrip('/')}/draws/{campaign.campaign_id}/check"


def _entry(campaign: Campaign, global_user_id: str) -> dict[str, str]:
    receipts = receipts_of(campaign)
    if receipts is None or not global_user_id:
        return _masked_entry(campaign)
    receipt = receipts.of(global_user_id)
    return {"fan_ref": receipt.fan_ref, "entry_link": receipt.link}


def _masked_entry(campaign: Campaign) -> dict[str, str]:
    return {"fan_ref": MASKED, "entry_link": f"{_page(campaign)}#{MASKED}"}


def _longest(
    draft: MessageTemplate, campaign: Campaign, values: Mapping[str, str]
) -> tuple[str, int] | None:
    counts = [
        (name, segments(draft.body.format_map({**values, "market": name})).count)
        for name in campaign.markets.values_list("name", flat=True)
    ]
    return max(counts, key=lambda found: found[1], default=None)


def _fan(draft: MessageTemplate, campaign: Campaign, market: Market | None) -> Fan:
    """One of the newest wave's members, else of who registered, with this contact; one who reads
    this language before others.
    """
    field = "phone" if draft.channel == Channel.SMS else "email"
    sample = campaign.code_prefix + (SAMPLE_CODE * 4)[: campaign.code_length]
    if draft.audience != Audience.SELECTED:
        sample = ""
    found: list[Member | Registrant] = [
        fan
        for fan in (_members(campaign, market) or _registrants(campaign, market))
        if getattr(fan, field)
    ]
    if not found:
        return Fan(sample)
    readers = (fan for fan in found if draft.language in fallbacks(fan.language))
    fan = next(readers, found[0])
    own = fan.code if sample and isinstance(fan, Member) and fan.code not in NO_CODE else ""
    return Fan(own or sample, fan.global_user_id, getattr(fan, field), has_own_code=bool(own))


def _members(campaign: Campaign, market: Market | None) -> list[Member]:
    if market is None:
        return []
    waves = Wave.objects.filter(campaign=campaign).exclude(state__in=OVER)
    wave = waves.filter(wave_markets__market=market, wave_markets__selected__gt=0)
    newest = wave.order_by("-pk").first()
    members = Member.objects.filter(wave=newest, market=market).order_by("place")
    return list(members[:LOOKED_AT]) if newest else []


def _registrants(campaign: Campaign, market: Market | None) -> list[Registrant]:
    fans = Registrant.objects.filter(campaign=campaign).order_by("global_user_id")[:LOOKED_AT]
    return [
        fan
        for fan in fans
        if market is None or not fan.preferences or market.market_id in fan.preferences
    ]


def _masked(fan: Fan, channel: str) -> Fan:
    mask = mask_phone if channel == Channel.SMS else mask_email
    code = mask_text(fan.code) if fan.has_own_code else fan.code
    return replace(fan, contact=mask(fan.contact), code=code)
