"""Triggered waves to send, made directly as rows: these tests are about sending, not about how a
wave came to be.
"""

from __future__ import annotations

import hashlib
import itertools
from collections import Counter
from datetime import UTC, datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connection
from django.utils import timezone

from campaigns.models import Campaign, Market
from tests.support.waves import contacts_of
from waves.choices import CodeState
from waves.digest import content_digest
from waves.figures.parts import FANS, ChannelFigures, Figures
from waves.messages.templates import live_content, texts_for
from waves.models import Code, Send, Template, Wave, WaveMarket
from waves.providers.sms_http.client import HttpSms
from waves.sending import new_messages
from waves.sending.accounts import Limits
from waves.sending.run import Timing
from waves.sending.send_wave import send_wave

FAST = Limits(per_second=100_000, concurrency=50)
QUICK = Timing(timeout=2.0, check_every=0.05, row_lease=20.0)

OPEN = {"pending", "sending"}
_numbers = itertools.count(1)
SEED, SALT = bytes(range(32)), bytes(range(32, 64))

MEMBERS = """
INSERT INTO waves_member
    (wave_id, campaign_id, market_id, global_user_id, member_id, email, phone, code, place, band_score, wave_live)
SELECT %(wave)s, %(campaign)s, %(market)s, 'fan-' || lpad(n::text, 7, '0'), '',
       CASE WHEN n <= %(emails)s THEN 'fan' || n || '@example.com' ELSE '' END,
       CASE WHEN n <= %(phones)s THEN '+1202' || lpad(n::text, 7, '0') ELSE '' END,
       CASE WHEN %(tm)s THEN 'TM' ELSE %(prefix)s || lpad(n::text, 7, '0') END, n, 0.9, true
FROM generate_series(1, %(members)s) AS n
"""


def triggered_wave(
    members: int = 20,
    *,
    phones: int | None = None,
    emails: int = 0,
    channels: str = "both",
    body: str = "",
    tm: bool = False,
    state: str = "triggered",
    soft_start: int | None = None,
) -> Wave:
    """An approved and triggered wave of `members` fans; the first `phones` have a phone, the first
    `emails` an e-mail; `soft_start`: so many of them are notified first.

    With `tm` their codes are managed elsewhere, so that the trigger has none to assign.
    """
    number = next(_numbers)
    person = get_user_model().objects.get_or_create(username="approver")[0]
    name = f"send{number}-{timezone.now():%H%M%S%f}"
    campaign = Campaign.objects.create(
        campaign_id=name,
        name="Spring Tour",
        status="open",
        seed=SEED,
        salt=SALT,
        commitment=hashlib.sha256(SEED).hexdigest(),
        salt_commitment=hashlib.sha256(SALT).hexdigest(),
        notify_channels=channels,
    )
    now = timezone.now()
    market = Market.objects.create(
        campaign=campaign, market_id="us-west", name="US West", capacity=members, selection_time=now
    )
    if body:
        Template.objects.create(campaign=campaign, channel="sms", body=body)
    wave = Wave.objects.create(
        campaign=campaign,
        date_key="20260120",
        name=f"{name}_20260120",
        notify_date=datetime(2026, 1, 20, 18, tzinfo=UTC),
        notify_channels=channels,
        soft_start=soft_start,
    )
    WaveMarket.objects.create(
        wave=wave,
        market=market,
        name="US West",
        capacity=members,
        room=members,
        selection_time=now,
        selected=members,
        code_source="tm" if tm else "own",
    )
    values: dict[str, Any] = {
        "wave": wave.pk,
        "campaign": campaign.pk,
        "market": market.pk,
        "members": members,
        "phones": members if phones is None else phones,
        "emails": emails,
        "prefix": f"C{number}X",
        "tm": tm,
    }
    with connection.cursor() as cursor:
        cursor.execute(MEMBERS, values)
    wave.content = live_content(wave, texts_for(contacts_of(wave)))
    wave.content_digest = wave.counted_digest = wave.approved_digest = content_digest(wave)
    wave.approved_by, wave.state, wave.triggered_at = person, state, now
    wave.save()
    return wave


def attempted(members: int = 1, *, state: str = "sent", emails: int = 0) -> list[Send]:
    """The SMS of a wave, attempted once and in this state as its e-mails are, in the order of their
    keys.
    """
    wave = triggered_wave(members, emails=emails)
    new_messages.make_sends(wave)
    Send.objects.filter(wave=wave).update(state=state, attempts=1)
    return list(Send.objects.filter(wave=wave, channel="sms").order_by("pk"))


def send(box, wave, *, limits=FAST, timing=QUICK, honours_keys=True, **options) -> dict[str, Any]:
    """Send the wave through the sandbox `box`, fast by default."""
    provider = HttpSms(box.url, "sandbox", honours_keys=honours_keys)
    return send_wave(wave.pk, provider=provider, limits=limits, timing=timing, **options)


def states(wave: Wave, channel: str = "sms") -> dict[str, int]:
    """How many messages of the wave are in each state."""
    found = Send.objects.filter(wave=wave, channel=channel).values_list("state", flat=True)
    return {state: list(found).count(state) for state in set(found)}


def counted_one_by_one(wave: Wave) -> Figures:
    """What the wave's messages add up to, fan by fan and message by message. [N-7]"""
    fans, notified = Counter(dict.fromkeys(FANS, 0)), 0
    channels = {"sms": ChannelFigures(), "email": ChannelFigures()}
    for member in wave.members.prefetch_related("sends"):
        sends = list(member.sends.all())
        fans[_fate(sends)] += 1
        notified += any(send.state in ("sent", "delivered") for send in sends)
        for send in sends:
            channel = channels[send.channel]
            channel.states[send.state] += 1
            channel.queued += send.queued_at is not None
            if send.state in OPEN and send.queued_at:
                channel.in_queue += 1
            elif send.state in OPEN:
                channel.waiting += 1
            channel.by_reason[send.state, send.reason] += 1
            if send.sent_at:
                channel.by_second[int(send.sent_at.timestamp())] += 1
    return Figures(fans, notified, channels)


def _fate(sends: list[Send]) -> str:
    found = {send.state for send in sends}
    if found & {"sent", "delivered", "undeliverable"}:
        return "ok"
    if any(send.state in OPEN and send.queued_at for send in sends):
        return "ok"
    if not sends or found & OPEN:
        return "pending"
    return next(fate for fate in ("unknown", "failed", "skipped") if fate in found)


def ready_wave(members, **options):
    """A triggered wave whose codes are reserved for its members."""
    wave = triggered_wave(members, **options)
    reserved = {
        "campaign": wave.campaign,
        "wave": wave,
        "state": CodeState.RESERVED,
        "reserved_at": wave.triggered_at,
    }
    Code.objects.bulk_create(
        Code(
            code=member.code,
            global_user_id=member.global_user_id,
            market_id=member.market_id,
            **reserved,
        )
        for member in wave.members.all()
    )
    return wave
