"""A campaign's templates: loaded, checked when saved, and stored with a wave as a snapshot. [N-1,
W-7]
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC
from typing import Any

import polars as pl
from django.conf import settings
from django.db.models import Q

from campaigns.choices import CodeSource
from campaigns.models import Campaign, Market
from operations.entry import languages, values
from operations.errors import BadValue
from waves.choices import Audience, Channel, WaveKind
from waves.errors import BadTemplate
from waves.markets import MarketSeat
from waves.messages.choosing import Templates, Text
from waves.messages.content import MessageTemplate, check_template
from waves.models import Template, Wave

NO_CODE = ("", "TM")
_KEYS = {"channel", "market_id", "language", "audience", "subject", "body", "html"}
# as the columns are
_LONGEST = {"market_id": None, "subject": 200, "body": None, "html": None}


def load(campaign: Campaign, documents: Any) -> int:
    """Create or replace the campaign's templates named in a campaign file; how many. Call it inside
    a transaction.

    Each: `channel` and `body`, optional `market_id` (null = every market), `language` (else the
    campaign's default), `audience`, `subject`, `html`. Raises BadTemplate.
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
        audience = values.word(
            f"{what}, audience", given.get("audience", Audience.SELECTED), Audience.values
        )
        language = languages.language(
            f"{what}, language", given.get("language") or campaign.default_language
        )
        texts = {
            name: values.text(f"{what}, {name}", given.get(name, ""), longest=longest)
            for name, longest in _LONGEST.items()
        }
    except BadValue as refusal:
        raise BadTemplate(str(refusal)) from refusal
    market_id = texts.pop("market_id")
    if "market_id" in given and market_id not in markets:
        raise BadTemplate(f"{what}: the campaign has no market {values.shown(market_id)}.")
    check_template(
        MessageTemplate(
            channel,
            texts["body"],
            market_id=market_id or None,
            subject=texts["subject"],
            html=texts["html"],
            audience=audience,
        )
    )
    Template.objects.update_or_create(
        campaign=campaign,
        market=markets[market_id] if market_id else None,
        channel=channel,
        language=language,
        audience=audience,
        defaults=texts,
    )


def template_rows(campaign_pks: Collection[int]) -> list[Template]:
    """The templates of these campaigns, and those of all."""
    of_these = Q(campaign__in=campaign_pks) | Q(campaign=None)
    return list(Template.objects.filter(of_these).select_related("market"))


def of_campaign(
    campaign: Campaign, rows: Iterable[Template] | None = None
) -> list[MessageTemplate]:
    """The templates of the campaign, then those of all campaigns, in a fixed order. `rows`: as
    they were read for several campaigns; without them they are read now.
    """
    if rows is None:
        rows = template_rows([campaign.pk])
    ordered = sorted(
        (row for row in rows if row.campaign_id in (campaign.pk, None)),
        key=lambda t: (t.campaign_id is None, t.channel, t.language, t.market_id or 0),
    )
    return [
        MessageTemplate(
            channel=row.channel,
            body=row.body,
            market_id=row.market.market_id if row.market else None,
            language=row.language,
            subject=row.subject,
            html=row.html,
            audience=row.audience,
        )
        for row in ordered
    ]


def templates_for(
    campaign: Campaign,
    audience: str = Audience.SELECTED,
    rows: Iterable[Template] | None = None,
) -> Templates:
    """What the campaign's texts are chosen from. `rows`: as in `of_campaign`."""
    return Templates(of_campaign(campaign, rows), campaign.default_language, audience)


def audience_of(wave: Wave) -> Audience:
    """Whom the wave's texts are for. [X-8]"""
    is_not_selected = wave.kind == WaveKind.NOT_SELECTED
    return Audience.NOT_SELECTED if is_not_selected else Audience.SELECTED


def require_usable(templates: Templates, seats: Iterable[MarketSeat]) -> None:
    """Refuse templates that name a code where members may have none, whatever their language.
    Raises BadTemplate. [K-3]
    """
    languages = {"", *(template.language for template in templates.templates)}
    templates.chosen_for(
        Text(seat.market_id, channel, language, has_code=False)
        for seat in seats
        if CodeSource.TM in seat.code_source.split("|")
        for channel in Channel.values
        for language in languages
    )


def texts_for(members: pl.DataFrame) -> frozenset[Text]:
    """Which texts reach somebody: a market's SMS a member with a phone, its e-mail one with an
    address. `members`: `market_id`, `phone`, `email`, `code`, `language` (String, empty = none).
    """
    has_code = ~pl.col("code").is_in(NO_CODE)
    return frozenset(
        Text(market_id, channel, language, with_code)
        for channel, contact in ((Channel.SMS, "phone"), (Channel.EMAIL, "email"))
        for market_id, language, with_code in members.filter(pl.col(contact) != "")
        .select("market_id", "language", has_code.alias("has_code"))
        .unique()
        .iter_rows()
    )


def texts_in(content: Mapping[str, Any]) -> frozenset[Text]:
    """The texts of a wave's stored content."""
    return frozenset(
        Text(text["market_id"], text["channel"], language, text["with_code"])
        for text in content["templates"]
        for language in text["languages"]
    )


def live_content(
    wave: Wave, texts: Iterable[Text], rows: Iterable[Template] | None = None
) -> dict[str, Any]:
    """The wave's content as it would be sent now, without members and codes: only the texts, and
    the providers of the channels, that reach a member. `rows`: as in `of_campaign`. [W-7]
    """
    campaign, texts = wave.campaign, list(texts)
    providers = {Channel.SMS: settings.SMS_PROVIDER, Channel.EMAIL: settings.EMAIL_PROVIDER}
    used = {text.channel for text in texts}
    has_fallback = settings.SMS_FALLBACK and Channel.SMS in used
    soft_start = campaign.soft_start if wave.soft_start is None else wave.soft_start
    return {
        "notify_date": wave.notify_date.astimezone(UTC).isoformat(),
        "notify_channels": campaign.notify_channels,
        "campaign": {
            "name": campaign.name,
            "artist": campaign.artist,
            "time_zone": campaign.time_zone,
        },
        "providers": {channel.value: name for channel, name in providers.items() if channel in used}
        | ({"sms_fallback": settings.SMS_FALLBACK} if has_fallback else {}),
        "templates": templates_for(campaign, audience_of(wave), rows).chosen_for(texts),
    } | ({"soft_start": soft_start} if soft_start else {})
