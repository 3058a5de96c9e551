"""A campaign's templates: loaded, checked when saved, and stored with a wave as a snapshot. [N-1,
W-7]
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC
from typing import Any

import polars as pl
from django.conf import settings
from django.db.models import Q

from campaigns.choices import CodeSource
from campaigns.models import Campaign, Market
from operations.entry import values
from operations.errors import BadValue
from waves.choices import Channel
from waves.errors import BadTemplate
from waves.markets import MarketSeat
from waves.messages.content import ENGLISH, MessageTemplate, check_template, choose
from waves.models import Template, Wave

# Market id and channel of each text.
Texts = frozenset[tuple[str, str]]

_KEYS = {"channel", "market_id", "language", "subject", "body", "html"}
# as the columns are
_LONGEST = {"market_id": None, "language": 10, "subject": 200, "body": None, "html": None}


def load(campaign: Campaign, documents: Any) -> int:
    """Create or replace the campaign's templates named in a campaign file; how many. Call it inside
    a transaction.

    Each: `channel` and `body`, optional `market_id` (null = every market), `language`, `subject`,
    `html`. Raises BadTemplate.
    """
    if not isinstance(documents, list):
        raise BadTemplate("templates: write a list of objects.")
    markets = {market.market_id: market for market in campaign.markets.all()}
    for number, document in enumerate(documents, start=1):
        _load_one(campaign, markets, document, f"Template {number}")
    return len(documents)


def _load_one(campaign: Campaign, markets: Mapping[str, Market], document: Any, what: str) -> None:
    if not isinstance(document, dict) or set(document) - _KEYS or "body" not in document:
        raise BadTemplate(
            f"{what}: write an object with channel and body. Allowed keys:"
            f" {', '.join(sorted(_KEYS))}."
        )
    given = {name: held for name, held in document.items() if held is not None or name == "body"}
    try:
        channel = values.word(f"{what}, channel", document.get("channel"), Channel.values)
        texts = {
            name: values.text(f"{what}, {name}", given.get(name, ""), longest=longest)
            for name, longest in _LONGEST.items()
        }
    except BadValue as refusal:
        raise BadTemplate(str(refusal)) from refusal
    market_id, language = texts.pop("market_id"), texts.pop("language") or ENGLISH
    if "market_id" in given and market_id not in markets:
        raise BadTemplate(f"{what}: the campaign has no market {values.shown(market_id)}.")
    check_template(
        MessageTemplate(channel, texts["body"], subject=texts["subject"], html=texts["html"])
    )
    Template.objects.update_or_create(
        campaign=campaign,
        market=markets[market_id] if market_id else None,
        channel=channel,
        language=language,
        defaults=texts,
    )


def of_campaign(campaign: Campaign) -> list[MessageTemplate]:
    """The templates of the campaign, then those of all campaigns, in a fixed order."""
    return in_order(
        Template.objects.filter(Q(campaign=campaign) | Q(campaign=None)).select_related("market")
    )


def in_order(rows: Iterable[Template]) -> list[MessageTemplate]:
    """Templates of one campaign, then those of all campaigns, in a fixed order."""
    ordered = sorted(
        rows, key=lambda t: (t.campaign_id is None, t.channel, t.language, t.market_id or 0)
    )
    return [
        MessageTemplate(
            channel=row.channel,
            body=row.body,
            market_id=row.market.market_id if row.market else None,
            language=row.language,
            subject=row.subject,
            html=row.html,
        )
        for row in ordered
    ]


def chosen_for(
    seats: Iterable[MarketSeat], templates: Sequence[MessageTemplate], texts: Texts | None = None
) -> list[dict[str, str]]:
    """The template of each market on each channel, of those in `texts` only if it is given. Raises
    BadTemplate where one for TM members names a code. [K-3]
    """
    chosen = []
    for seat in sorted(seats, key=lambda seat: seat.market_id):
        has_code = seat.code_source != CodeSource.TM
        for channel in Channel.values:
            if texts is not None and (seat.market_id, channel) not in texts:
                continue
            template = choose(templates, channel, seat.market_id, has_code=has_code)
            check_template(template, has_code=has_code)
            parts = {"subject": template.subject, "body": template.body, "html": template.html}
            chosen.append(
                {"market_id": seat.market_id, "channel": channel, "language": template.language}
                | parts
            )
    return chosen


def texts_for(members: pl.DataFrame) -> Texts:
    """Which texts reach somebody: a market's SMS a member with a phone, its e-mail one with an
    address. `members`: `market_id`, `phone`, `email` (String, empty = none).
    """
    return frozenset(
        (market_id, channel)
        for channel, contact in ((Channel.SMS, "phone"), (Channel.EMAIL, "email"))
        for market_id in members.filter(pl.col(contact) != "")["market_id"].unique()
    )


def texts_in(content: Mapping[str, Any]) -> Texts:
    """The texts of a wave's stored content."""
    return frozenset((text["market_id"], text["channel"]) for text in content["templates"])


def live_content(wave: Wave, seats: Iterable[MarketSeat], texts: Texts) -> dict[str, Any]:
    """The wave's content as it would be sent now, without members and codes: only the texts, and
    the providers of the channels, that reach a member. [W-7]
    """
    campaign = wave.campaign
    providers = {Channel.SMS: settings.SMS_PROVIDER, Channel.EMAIL: settings.EMAIL_PROVIDER}
    used = {channel for _, channel in texts}
    return {
        "notify_date": wave.notify_date.astimezone(UTC).isoformat(),
        "notify_channels": campaign.notify_channels,
        "campaign": {
            "name": campaign.name,
            "artist": campaign.artist,
            "time_zone": campaign.time_zone,
        },
        "providers": {
            channel.value: name for channel, name in providers.items() if channel in used
        },
        "templates": chosen_for(seats, of_campaign(campaign), texts),
    }
