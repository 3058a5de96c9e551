"""The digest that approval names: members with their languages and markets, codes, texts, date,
channels and provider of a wave. [W-7, X-5]
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence

from operations.database.copying import pieces_of
from waves.choices import Channel
from waves.errors import BadTemplate, ContentChanged
from waves.messages.templates import live_content, template_rows, texts_in
from waves.models import Template, Wave
from waves.providers import registry

_MEMBERS = """
SELECT member.global_user_id, coalesce(market.market_id, ''), member.member_id, member.email,
    member.phone, member.code, member.language, coalesce(its.name, '')
FROM waves_member AS member LEFT JOIN campaigns_market AS market ON market.id = member.market_id
LEFT JOIN waves_wavemarket AS its
    ON its.wave_id = member.wave_id AND its.market_id = member.market_id
WHERE member.wave_id = %(wave)s ORDER BY member.global_user_id COLLATE "C"
"""


def content_digest(wave: Wave) -> str:
    """SHA-256, hex, over the wave's content and its members, both as they are stored. [W-7]

    The content as canonical JSON and a line feed, then a line for each member in the order of their
    ids: id, market, member id, e-mail, phone, code, language, the market's name as messages say it,
    separated by tabs as PostgreSQL's COPY writes them.
    """
    digest = hashlib.sha256(
        json.dumps(wave.content, sort_keys=True, separators=(",", ":")).encode() + b"\n"
    )
    for lines in pieces_of(_MEMBERS, wave=wave.pk):
        digest.update(lines)
    return digest.hexdigest()


def content_changed(wave: Wave, rows: Sequence[Template] | None = None) -> bool:
    """Whether what the wave would say now differs from what was prepared, or cannot be said at all;
    asks no member, so it is cheap. `rows`: as in `live_content`. [X-5]
    """
    try:
        require_unchanged(wave, rows)
    except (BadTemplate, ContentChanged):
        return True
    return False


def changed_among(waves: Iterable[Wave]) -> list[Wave]:
    """Those whose content changed, with one query for the templates of all. [X-5]"""
    waves = list(waves)
    rows = template_rows({wave.campaign_id for wave in waves})
    return [wave for wave in waves if content_changed(wave, rows)]


def require_unchanged(wave: Wave, rows: Sequence[Template] | None = None) -> None:
    """Raises ContentChanged unless the wave would say now what was prepared, and BadTemplate where
    it could not. Asked until the trigger: from then on what was approved is sent. [X-5]
    """
    if wave.content != live_content(wave, texts_in(wave.content), rows):
        raise ContentChanged(
            f"Wave {wave.name}: its messages have changed since it was prepared. Check them again,"
            " then approve it."
        )


def require_approved_providers(wave: Wave, channel: Channel) -> list[str]:
    """The accounts of the channel's providers that were approved with the wave and that the
    settings name; nothing else may send it, from the trigger on too. Raises ContentChanged where
    there is none. [X-5, N-9]
    """
    named = wave.content.get("providers", {})
    roles = ("sms", "sms_fallback") if channel == Channel.SMS else ("email",)
    approved = [named[role] for role in roles if role in named]
    known = registry.SMS if channel == Channel.SMS else registry.EMAIL
    accounts = [known[name].name for name in approved if name in known]
    configured = registry.all_of(channel)
    found = [each.name for each in configured if each.name in accounts]
    if not found:
        raise ContentChanged(
            f"Wave {wave.name} was approved to be sent through"
            f" {' or '.join(registry.TITLES[name] for name in accounts) or 'no provider'}, and the"
            f" settings name {configured[0].title}. Name the approved one again and resume the"
            " wave, or cancel it."
        )
    return found


def require_approved_content(wave: Wave) -> None:
    """Raises ContentChanged unless the stored content and members are, to the byte, what was
    approved. The sender asks this too. [X-5]
    """
    if not wave.approved_digest or wave.approved_digest != content_digest(wave):
        raise ContentChanged(
            f"Wave {wave.name}: its members are not the approved ones, so nothing was sent. Prepare"
            " it again."
        )
