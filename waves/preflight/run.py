"""A pre-flight: facts are gathered with few queries, judged, and kept with the wave. [X-6]"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from campaigns.choices import CodeSource, NotifyChannels
from operations.database.retries import retried
from waves.choices import Channel, WaveKind
from waves.errors import BadTemplate
from waves.lifecycle import require_state
from waves.locks import lock_wave
from waves.messages.content import placeholders_of, render
from waves.messages.rendering import Composer, Recipient, composer_for, texts_of
from waves.messages.sms_segments import segments
from waves.messages.templates import NO_CODE
from waves.models import Preflight, Wave
from waves.preflight import codes, costs, dates, quiet_hours, soft_start, surroundings, texts
from waves.preflight.check import Check, Color
from waves.preflight.clearance import PREFLIGHT_STATES
from waves.preflight.costs import Pace, SmsGroup
from waves.preflight.members import Group, MemberFacts, Shape, member_facts
from waves.preflight.surroundings import Surroundings
from waves.preflight.texts import Text
from waves.providers import registry

Ask = Callable[..., Surroundings]


def preflight(wave: Wave, *, by: User | None, ask: Ask | None = None) -> Preflight:
    """Check the wave's present content and its surroundings, and keep what was found in place of
    the last run. Raises WrongState unless it is prepared, approved, scheduled or held.
    """
    wave.refresh_from_db()
    require_state(wave, *PREFLIGHT_STATES)
    checks, figures = _checks_of(wave, ask or surroundings.ask)
    return _keep(wave, by, checks, figures)


def _checks_of(wave: Wave, ask: Ask) -> tuple[list[Check], dict[str, Any]]:
    links = _names(wave, "entry_link")
    members = member_facts(
        wave,
        links=links,
        emails_without_phone_only=wave.notify_channels == NotifyChannels.SMS_FIRST,
    )
    found, groups = _texts_of(wave, members)
    facts = codes.code_facts(wave)
    cost = costs.cost_table(groups, settings.SMS_RATES)
    rates = settings.SMS_PER_SECOND, settings.EMAIL_PER_SECOND
    pace = Pace(members.sms, members.emails, *rates, wave.notify_date, facts.ends_at)
    channels = [
        channel
        for channel, count in ((Channel.SMS, members.sms), (Channel.EMAIL, members.emails))
        if count
    ]
    around = ask(channels, partner_codes=_uses_partner_codes(wave))
    checks = [
        codes.judge(facts),
        texts.judge_rendering(found),
        texts.judge_content(found),
        *([texts.judge_opt_out(found)] if members.sms else []),
        costs.judge_segments(groups),
        costs.judge_cost(cost, settings.SMS_CURRENCY),
        costs.judge_time(pace),
        *quiet_hours.judge_quiet_hours(
            wave.campaign.quiet_hours,
            _zones(wave),
            wave.notify_date,
            pace.duration,
        ),
        *soft_start.judge_soft_start(
            wave.content.get("soft_start", 0),
            members=wave.selected,
            posting=_posting_receipts(channels),
        ),
        dates.judge_count(wave),
        dates.judge_notify_date(wave.notify_date, timezone.now()),
        *surroundings.judge(around, names_links=links),
    ]
    figures = {
        "segments": costs.segments_table(groups),
        "cost": cost,
        "currency": settings.SMS_CURRENCY,
        "samples": _samples(members, found),
    }
    return checks, figures


def _zones(wave: Wave) -> list[ZoneInfo]:
    """Where fans of the wave are: by its markets, those without a time zone where the campaign is;
    in the order of the markets.
    """
    names = wave.wave_markets.filter(selected__gt=0).values_list("market__time_zone", flat=True)
    own = wave.campaign.time_zone
    return [ZoneInfo(name) for name in dict.fromkeys(each or own for each in names) or [own]]


def _posting_receipts(channels: Sequence[Channel]) -> list[str]:
    """The titles of the channels' providers whose receipts are taken. [N-9]"""
    names = registry.posting_receipts()
    chosen = [registry.chosen(channel) for channel in channels]
    return [each.title for each in chosen if each.name in names]


def _names(wave: Wave, name: str) -> bool:
    """Whether a text of the wave names this placeholder; one that cannot be read names none."""
    try:
        return any(name in placeholders_of(template) for template in texts_of(wave).values())
    except BadTemplate:
        return False


def _uses_partner_codes(wave: Wave) -> bool:
    sources = wave.wave_markets.values_list("code_source", flat=True)
    return any(CodeSource.PARTNER in source.split("|") for source in sources)


def _texts_of(wave: Wave, members: MemberFacts) -> tuple[list[Text], list[SmsGroup]]:
    """Every text, and the segments of each SMS, of one member of each shape."""
    composer = composer_for(wave)
    names = dict(wave.wave_markets.values_list("market__market_id", "name"))
    found: list[Text] = []
    groups: list[SmsGroup] = []
    for shape, group in members.groups.items():
        for channel, count in ((Channel.SMS, group.phones), (Channel.EMAIL, group.emails)):
            if not count:
                continue
            market = names.get(shape.market_id, shape.market_id)
            text = _text(wave, composer, channel, shape, group, market, count)
            found.append(text)
            if channel == Channel.SMS and text.message is not None:
                counted = segments(text.message.body)
                source = texts.source_of(counted.forced_by, text) if counted.forced_by else ""
                groups.append(SmsGroup(counted, group.sms, text, source))
    return found, groups


def _text(
    wave: Wave,
    composer: Composer,
    channel: Channel,
    shape: Shape,
    group: Group,
    market: str,
    count: int,
) -> Text:
    has_code = group.code not in NO_CODE and wave.kind != WaveKind.NOT_SELECTED
    text = Text(channel, market, shape.language, count, group.member, has_code)
    recipient = Recipient(shape.market_id, group.fan, group.code, shape.language)
    try:
        template, values = composer.parts(channel, recipient)
        message = render(template, values)
    except BadTemplate as refusal:
        return replace(text, problem=str(refusal))
    return replace(text, template=template, values=values, message=message)


def _samples(members: MemberFacts, found: Sequence[Text]) -> dict[str, Any]:
    """The rows of members whose messages are shown: of the longest and the shortest SMS (or e-mail
    where there is none), and of some spread over all.
    """
    sized = [
        (len(text.message.body), text.member)
        for text in found
        if text.message is not None and (text.channel == Channel.SMS or not members.sms)
    ]
    ends = {"longest": max(sized)[1], "shortest": min(sized)[1]} if sized else {}
    return ends | {"members": list(members.samples)}


@retried
@transaction.atomic
def _keep(wave: Wave, by: User | None, checks: list[Check], figures: dict[str, Any]) -> Preflight:
    """One of content that changed meanwhile, which nobody can approve by, replaces none."""
    if lock_wave(wave.pk).content_digest == wave.content_digest:
        Preflight.objects.filter(wave=wave, approved_at=None).delete()
    return Preflight.objects.create(
        wave=wave,
        digest=wave.content_digest,
        by=by,
        checks=[asdict(check) for check in checks],
        figures=figures,
        reds=sum(check.ok == Color.RED for check in checks),
    )
