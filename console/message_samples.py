"""A few messages of a wave as its members will read them; codes and links hidden from who may not
see them. [W-10, O-5]
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from operations.adminkit.masking import mask_email, mask_phone, mask_text
from waves.choices import Channel, SendState
from waves.errors import BadTemplate
from waves.messages.rendering import Composer, Recipient, composer_for
from waves.messages.sms_segments import segments
from waves.models import Member, RehearsalSend, Wave
from waves.providers.recorder.client import record_of
from waves.rehearsal.rows import marked_code

SHOWN_PER_MARKET = 1
MARKETS_SHOWN = 3
MOST_SAMPLES = 20


@dataclass(frozen=True)
class Sample:
    """One message; `segments` for an SMS, `subject` for an e-mail."""

    channel: str
    market: str
    body: str
    subject: str = ""
    segments: int = 0
    mark: str = ""  # longest or shortest, of a pre-flight's


def samples_of(wave: Wave, *, hidden: bool) -> list[Sample]:
    """The first member of each of the first markets, on each channel that reaches them; none where
    a text fails.
    """
    try:
        as_sent, shown = composer_for(wave), composer_for(wave, hidden=hidden)
        return [
            sample
            for member in _first_members(wave)
            for sample in _of_member(as_sent, shown, member, hidden)
        ]
    except BadTemplate:
        return []


def samples_of_preflight(wave: Wave, rows: Mapping[str, Any], *, hidden: bool) -> list[Sample]:
    """A message of each member whose row the pre-flight noted: SMS and e-mail by turns where both
    reach them. The longest and the shortest come first. [X-6]
    """
    marks = {rows[mark]: mark for mark in ("shortest", "longest") if mark in rows}
    wanted = [rows[mark] for mark in ("longest", "shortest") if mark in rows]
    wanted += [row for row in rows["members"] if row not in marks]
    found = Member.objects.filter(wave=wave).select_related("market").in_bulk(wanted)
    try:
        as_sent, shown = composer_for(wave), composer_for(wave, hidden=hidden)
        samples = []
        for turn, row in enumerate([row for row in wanted if row in found][:MOST_SAMPLES]):
            messages = _of_member(as_sent, shown, found[row], hidden)
            by_turn = 0 if row in marks else turn % len(messages) if messages else 0
            samples += [replace(messages[by_turn], mark=marks.get(row, ""))] if messages else []
    except BadTemplate:
        return []
    return samples


@dataclass(frozen=True)
class Recorded:
    """A message of a rehearsal, made again from its row; `as_recorded`: its text is, to the byte,
    what the recording provider got.
    """

    channel: str
    market: str
    to: str
    body: str
    subject: str
    as_recorded: bool


def recorded_samples(wave: Wave, rehearsal_id: int, *, hidden: bool) -> list[Recorded]:
    """The first messages that a rehearsal recorded, as long as its rows are kept. [X-6]"""
    rows = RehearsalSend.objects.filter(rehearsal=rehearsal_id, state=SendState.SENT)
    # in the order of an index, so that none of a million rows is sorted
    kept = list(rows.order_by("member_id", "channel")[:MOST_SAMPLES])
    wanted = [row.member_id for row in kept]
    members = Member.objects.filter(wave=wave).select_related("market").in_bulk(wanted)
    try:
        as_sent, shown = composer_for(wave), composer_for(wave, hidden=hidden)
        return [
            _recorded(as_sent, shown, row, members[row.member_id], hidden)
            for row in kept
            if row.member_id in members
        ]
    except BadTemplate:
        return []


def _recorded(
    as_sent: Composer, shown: Composer, row: RehearsalSend, member: Member, hidden: bool
) -> Recorded:
    market_id = member.market.market_id if member.market else ""
    code = marked_code(member)
    fan = Recipient(market_id, member.global_user_id, code, member.language)
    place = member.market.name if member.market else ""
    label = Channel(row.channel).label
    if row.channel == Channel.SMS:
        to = mask_phone(member.phone) if hidden else member.phone
        same = record_of(as_sent.sms(fan)) == row.provider_id
        return Recorded(label, place, to, shown.sms(fan), "", same)
    to = mask_email(member.email) if hidden else member.email
    sent, read = as_sent.email(fan), shown.email(fan)
    same = record_of(sent.subject, sent.body, sent.html) == row.provider_id
    return Recorded(label, place, to, read.body, read.subject, same)


def _first_members(wave: Wave) -> list[Member]:
    markets = list(
        wave.wave_markets.filter(selected__gt=0).values_list("market_id", flat=True)[:MARKETS_SHOWN]
    )
    members = Member.objects.filter(wave=wave).select_related("market").order_by("place")
    if not wave.selects:
        return list(members[:SHOWN_PER_MARKET])
    return [
        member
        for market in markets
        for member in members.filter(market_id=market)[:SHOWN_PER_MARKET]
    ]


def _of_member(as_sent: Composer, shown: Composer, member: Member, hidden: bool) -> list[Sample]:
    market_id, title = "", "Not selected"
    if member.market:
        market_id, title = member.market.market_id, member.market.name
    recipient = Recipient(market_id, member.global_user_id, member.code, member.language)
    as_shown = replace(recipient, code=mask_text(member.code)) if hidden else recipient
    found = []
    if member.phone:
        # The dots of a masked code are outside GSM-7: segments are those of the text that goes out.
        count = segments(as_sent.sms(recipient)).count
        text = shown.sms(as_shown)
        found.append(Sample(Channel.SMS.label, title, text, segments=count))
    if member.email:
        message = shown.email(as_shown)
        found.append(Sample(Channel.EMAIL.label, title, message.body, subject=message.subject))
    return found
