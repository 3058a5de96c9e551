"""A small presale in which every rule of selection decides about somebody: bands and minimums at
their edges, preferences that changed, late registrations, earlier waves of every kind, markets with
limits of their own. Made directly as rows. [W-5, W-6]
"""

from __future__ import annotations

import hashlib
import io
import uuid
from datetime import timedelta
from typing import Any

import polars as pl
from django.db import transaction

from campaigns.draw import draw_frame
from campaigns.models import Campaign, ListEntry, Market, Registrant, ScoreFile
from campaigns.opening import draw_of
from campaigns.scoring import roster, tables
from campaigns.scoring.outcomes import tally
from tests.support.people import keeper
from tests.support.waves import NOTIFY, NOW, SALT, SEED
from waves.models import Assignment, Code, Member, Send, Wave
from waves.preparation.prepare import prepare
from waves.selection.request import WaveRequest

FANS = 120
KEY = "20260121"
HOUR, DAY, MICROSECOND = timedelta(hours=1), timedelta(days=1), timedelta(microseconds=1)
CLOSES = NOW - HOUR
CLOSES_EARLY = NOW - 2 * DAY  # by the wave's own file, in the east
MARKETS = {"west": 30, "east": 9, "alps": 9, "north": 60, "south": 5}  # in position order
MARKETS_FILE = (
    "marketId,marketName,capacity,selectionTime\n"
    f"west,,,\neast,,,{CLOSES_EARLY.isoformat()}\nalps,,4,\nnorth,,2,\n"
).encode()
ASKED = (
    *(["west", "north"], ["alps", "west", "east"], [], ["north", "alps"], ["east"]),
    *(["east", "west"], ["south"], ["alps"], ["gone", "north", "east"], []),
)
RAW = (*(0.22, 0.3, 0.35, 0.8, 0.95, 0.2201, 0.31, 0.3499, 0.7999, 0.9499), 1.0)
SCHEMA = {"global_user_id": pl.String, "raw_score": pl.Float64}


def crowded(**options: Any) -> Campaign:
    """The campaign; `options` of it."""
    name = "crowded"  # the luck of all depends on it
    campaign = Campaign.objects.create(
        campaign_id=name,
        name="Spring Tour",
        status="open",
        seed=SEED,
        salt=SALT,
        commitment=hashlib.sha256(SEED).hexdigest(),
        salt_commitment=hashlib.sha256(SALT).hexdigest(),
        draw_supplied=True,
        entropy_source="drand round 7",
        entropy_value="c0ffee",
        entropy_entered_at=NOW - 30 * DAY,
        **({"min_score": 0.3} | options),
    )
    made = [
        Market(
            campaign=campaign,
            market_id=market_id,
            name=market_id.title(),
            capacity=capacity,
            position=position,
            selection_time=CLOSES,
        )
        for position, (market_id, capacity) in enumerate(MARKETS.items())
    ]
    markets = {market.market_id: market for market in Market.objects.bulk_create(made)}
    ListEntry.objects.create(campaign=campaign, kind="blacklist", pattern="@blocked.example")
    _score(campaign, list(reversed(range(FANS))), lambda n: 0.9)
    _score(campaign, list(range(FANS)), _raw)
    Registrant.objects.bulk_create(_registrants(campaign))
    _earlier_waves(campaign, markets)
    _another_campaign(name)
    return campaign


def request(campaign: Campaign, **values: Any) -> WaveRequest:
    defaults = {"notify_date": NOTIFY, "market_file": MARKETS_FILE, "min_score": 0.35}
    return WaveRequest(campaign.campaign_id, KEY, **(defaults | values))


def prepared(campaign: Campaign, **values: Any) -> Wave:
    """The wave of `request`. Its own rules are late, so they have a reason. [S-8]"""
    asked = request(campaign, **values)
    return prepare(asked, by=keeper(), now=NOW, reason="a test").wave


def fan(number: int) -> str:
    return f"fan-{number:03d}"


def _raw(number: int) -> float:
    return (
        RAW[number] if number < len(RAW) else round(0.36 + 0.6 * ((number * 37) % FANS) / FANS, 4)
    )


def _asked(number: int) -> list[str]:
    return ASKED[number % len(ASKED)]


def _in_roster(number: int) -> str | None:
    """What they asked for when the rows were judged: a few had not registered, or asked for
    something else.
    """
    if number % 13 == 4:
        return None
    return "north|west" if number % 11 == 3 else "|".join(_asked(number))


def _registrants(campaign: Campaign) -> list[Registrant]:
    return [
        Registrant(
            campaign=campaign,
            global_user_id=fan(number),
            member_id=f"m-{number}",
            email=_email(number),
            phone="" if number % 17 == 6 else f"+1206555{number:04d}",
            phone_region="US",
            preferences=_asked(number),
            registered_at=_registered(number),
            changed_at=NOW - 10 * timedelta(minutes=1),
        )
        for number in range(FANS)
        if number % 19 != 7
    ]


def _email(number: int) -> str:
    if number % 17 == 6:
        return ""
    return f"fan{number}@{'blocked.example' if number % 23 == 9 else 'mail.example'}"


def _registered(number: int) -> Any:
    if number % 5 == 1:  # at the moment of a closing, or just after
        return (CLOSES, CLOSES + MICROSECOND, CLOSES_EARLY, CLOSES_EARLY + MICROSECOND)[
            number // 5 % 4
        ]
    if number % 14 == 3:
        return NOW - HOUR / 2
    return NOW - 20 * DAY + number * 4 * HOUR


def _score(campaign: Campaign, order: list[int], raw: Any) -> ScoreFile:
    """A score file of these fans in this order, through the product's draw and roster; active."""
    number = campaign.score_files.count() + 1
    fans = pl.DataFrame([(fan(n), raw(n)) for n in order], schema=SCHEMA, orient="row")
    drawn = draw_frame(fans, draw_of(campaign)).with_row_index("line", offset=2)
    texts = dict.fromkeys(("row_id", "member_id", "country", "tags", "phone", "email"), "")
    rows = drawn.with_columns(
        pl.col("raw_score").cast(pl.String).alias("raw_text"),
        pl.lit("US").alias("phone_region"),
        pl.lit(value=False).alias("phone_confirmed"),
        pl.Series("preferences", [_in_roster(n) for n in order], dtype=pl.String),
        *(pl.lit(value).alias(name) for name, value in texts.items()),
    )
    listed = roster.write([io.BytesIO(roster.part(rows))], io.BytesIO())
    file = ScoreFile.objects.create(
        campaign=campaign,
        attempt=number,
        name=f"{number}.txt",
        timestamp=str(number),
        key=f"scored/{campaign.campaign_id}.{number}.txt",
        sha256=hashlib.sha256(f"{campaign.pk}/{number}".encode()).hexdigest(),
        state="streamed",
        rows_in=FANS,
        accepted=FANS,
        streamed=FANS,
        roster_digest=listed.digest,
        roster_size=listed.rows,
        bands={"high": 0, "mid": 0, "low": 0} | tally(rows["band"]),
    )
    with transaction.atomic():
        tables.create(file.pk)
        tables.fill(file.pk, rows.with_columns(pl.lit(file.pk).alias("score_file_id")))
        tables.index(file.pk)
        tables.attach(file.pk)
    Campaign.objects.filter(pk=campaign.pk).update(active_score_file=file)
    campaign.refresh_from_db()
    return file


def _earlier_waves(campaign: Campaign, markets: dict[str, Market]) -> None:
    """Live; cancelled after fans were notified; cancelled before anybody was; cancelled before it
    went out.
    """
    _wave(campaign, 1, "prepared", {fan(n): markets["west"] for n in range(20, 28)})
    gone = _wave(campaign, 2, "cancelled", {fan(n): markets["east"] for n in range(40, 44)})
    _assign(gone)
    Send.objects.create(
        wave=gone, member=gone.members.first(), channel="sms", state="sent", key=uuid.uuid4()
    )
    back = _wave(
        campaign,
        3,
        "cancelled",
        {
            **{fan(n): markets["west"] for n in (50, 51, 60)},
            **{fan(n): markets["south"] for n in (52, 53)},
        },
    )
    _assign(back)
    free = {fan(n): markets["alps"] for n in (70, 71, 72)}
    _wave(campaign, 4, "cancelled", free, triggered=False)


def _another_campaign(name: str) -> None:
    """Where some of the same fans are members and hold codes."""
    other = Campaign.objects.create(campaign_id=f"{name}-2", name="Another Tour")
    market = Market.objects.create(
        campaign=other, market_id="west", name="West", capacity=50, selection_time=CLOSES
    )
    _wave(other, 1, "prepared", {fan(n): market for n in range(80, 88)})
    gone = _wave(other, 2, "cancelled", {fan(n): market for n in range(90, 98)})
    _assign(gone)


def _wave(
    campaign: Campaign,
    number: int,
    state: str,
    members: dict[str, Market],
    *,
    triggered: bool = True,
) -> Wave:
    wave = Wave.objects.create(
        campaign=campaign,
        date_key=f"2026010{number}",
        name=f"{campaign.campaign_id}_2026010{number}",
        notify_date=NOW - DAY,
        state=state,
        triggered_at=NOW - DAY if triggered and state == "cancelled" else None,
    )
    Member.objects.bulk_create(
        Member(
            wave=wave,
            campaign=campaign,
            market=market,
            global_user_id=member,
            place=place,
            band_score=0.5,
            wave_live=state != "cancelled",
        )
        for place, (member, market) in enumerate(members.items(), 1)
    )
    return wave


def _assign(wave: Wave) -> None:
    """Every member's code is assigned, as by a trigger."""
    members = list(wave.members.all())
    codes = Code.objects.bulk_create(
        Code(
            campaign=wave.campaign,
            code=f"C{wave.pk}X{member.pk}",
            state="assigned",
            wave=wave,
            global_user_id=member.global_user_id,
            market=member.market,
        )
        for member in members
    )
    Assignment.objects.bulk_create(
        Assignment(
            campaign=wave.campaign,
            global_user_id=member.global_user_id,
            code=code,
            wave=wave,
            market=member.market,
            assigned_at=NOW - DAY,
        )
        for member, code in zip(members, codes, strict=True)
    )
