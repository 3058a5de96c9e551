"""A campaign with scores and registrations, ready for waves, made directly as rows: these tests are
about waves.
"""

from __future__ import annotations

import hashlib
import io
import itertools
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

import polars as pl
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from campaigns.draw import Draw, draw_frame
from campaigns.models import Campaign, Market, Registrant, ScoreFile
from campaigns.scoring import tables
from console.proof import verify_draw
from datalake import streams
from datalake.streams.batches import unpack_frame
from operations.models import Job
from waves import approval
from waves.approval import changeable_waves
from waves.choices import SendState, WaveState
from waves.digest import content_changed
from waves.models import Code, Member, Preflight, Send, Wave
from waves.preflight.clearance import current_run
from waves.preparation.prepare import prepare
from waves.schedule import check_due_waves, schedule
from waves.second_count import count
from waves.second_count.checker import Verdict
from waves.selection.request import WaveRequest
from waves.sending import new_messages, results

_numbers = itertools.count(1)
SEED, SALT = bytes(range(32)), bytes(range(32, 64))
NOW = datetime(2026, 1, 19, 12, tzinfo=UTC)
NOTIFY = datetime(2026, 1, 21, 18, tzinfo=UTC)
KEY = "20260121"
# keys that no sequence comes to
PEOPLE = {"ann": 900_001, "bob": 900_002, "preparer": 900_003, "approver": 900_004}


def person(name: str, *, superuser: bool = False) -> User:
    """The same one in every test: rows that are kept from one test to another name them."""
    values = {"is_superuser": superuser} | ({"pk": PEOPLE[name]} if name in PEOPLE else {})
    found, _ = User.objects.get_or_create(username=name, defaults=values)
    return found


def campaign_with(
    fans: int = 30,
    capacities: dict[str, int] | None = None,
    *,
    raw_scores: Sequence[float] | None = None,
    preferences: Sequence[list[str]] | None = None,
    rostered: Sequence[str | None] | None = None,
    campaign_id: str = "",
    scored: Mapping[str, Sequence[Any]] = MappingProxyType({}),
    **options: Any,
) -> Campaign:
    """An open campaign whose `fans` are registered and scored; each has a phone and an e-mail.
    Markets west and east. `rostered`: the preferences that the roster has, where they are others;
    `scored`: other columns of the score file, of each fan.
    """
    name = campaign_id or f"tour{next(_numbers)}-{timezone.now():%H%M%S%f}"
    capacities = capacities or {"west": 5, "east": 5}
    campaign = Campaign.objects.create(
        campaign_id=name,
        name="Spring Tour",
        artist="The Band",
        status="open",
        seed=SEED,
        salt=SALT,
        commitment=hashlib.sha256(SEED).hexdigest(),
        salt_commitment=hashlib.sha256(SALT).hexdigest(),
        **options,
    )
    Market.objects.bulk_create(
        Market(
            campaign=campaign,
            market_id=m,
            name=m.title(),
            capacity=n,
            position=p,
            selection_time=NOW - timedelta(hours=1),
        )
        for p, (m, n) in enumerate(capacities.items())
    )
    ids = [f"fan-{n:06d}" for n in range(fans)]
    raw_scores = raw_scores or [0.3 + 0.65 * n / max(fans, 1) for n in range(fans)]
    rostered = rostered or ["|".join(wanted) for wanted in preferences or [[]] * fans]
    add_scores(campaign, ids, raw_scores, rostered, scored)
    registered = NOW - timedelta(days=3)
    Registrant.objects.bulk_create(
        Registrant(
            campaign=campaign,
            global_user_id=user,
            member_id=f"m-{n}",
            email=f"fan{n}@example.com",
            phone=phone(n),
            phone_region="US",
            preferences=preferences[n] if preferences else [],
            registered_at=registered,
            changed_at=registered,
        )
        for n, user in enumerate(ids)
    )
    return campaign


def add_scores(
    campaign: Campaign,
    ids: Sequence[str],
    raw_scores: Sequence[float],
    preferences: Sequence[str | None] | None = None,
    scored: Mapping[str, Sequence[Any]] = MappingProxyType({}),
) -> ScoreFile:
    """A drawn score file of these fans, active at once; without `preferences`, of fans who had not
    registered yet. `scored`: columns that are others than usual.
    """
    number = campaign.score_files.count() + 1
    file = ScoreFile.objects.create(
        campaign=campaign,
        attempt=number,
        name=f"{campaign.campaign_id}.{number}.txt",
        timestamp=str(number),
        key=f"scored/{campaign.campaign_id}.{number}.txt",
        sha256=hashlib.sha256(f"{campaign.pk}/{number}".encode()).hexdigest(),
        state="streamed",
        rules_fixed_at=timezone.now(),
        late=campaign.first_drawn_at is not None,
        activate_when_streamed=campaign.first_drawn_at is None,
        rows_in=len(ids),
        accepted=len(ids),
        streamed=len(ids),
    )
    fans = pl.DataFrame(
        {"global_user_id": ids, "raw_score": list(raw_scores)},
        schema_overrides={"raw_score": pl.Float64},
    )
    drawn = draw_frame(fans, Draw(campaign.campaign_id, SEED, SALT)).with_row_index(
        "line", offset=2
    )
    texts = dict.fromkeys(("row_id", "member_id", "country", "tags"), "") | {"phone_region": "US"}
    rows = drawn.with_columns(
        pl.lit(file.pk).alias("score_file_id"),
        pl.col("raw_score").cast(pl.String).alias("raw_text"),
        pl.format("old{}@example.com", pl.col("line")).alias("email"),
        pl.lit("").alias("phone"),
        pl.lit(value=False).alias("phone_confirmed"),
        pl.Series("preferences", preferences or [None] * len(ids), dtype=pl.String),
        *(pl.lit(value).alias(name) for name, value in texts.items()),
    )
    rows = rows.with_columns(
        pl.Series(name, values, dtype=rows.schema[name]) for name, values in scored.items()
    )
    with transaction.atomic():
        tables.create(file.pk)
        tables.fill(file.pk, rows)
        tables.index(file.pk)
        tables.attach(file.pk)
    Campaign.objects.filter(pk=campaign.pk).update(
        active_score_file=file,
        named_score_file=campaign.named_score_file or file,
        first_drawn_at=campaign.first_drawn_at or timezone.now(),
    )
    campaign.refresh_from_db()
    return file


def phone(number: int) -> str:
    return f"+1206555{number:04d}" if number < 10_000 else f"+1415{2_000_000 + number}"


def request(campaign: Campaign, date_key: str = KEY, **values: Any) -> WaveRequest:
    return WaveRequest(campaign.campaign_id, date_key, **({"notify_date": NOTIFY} | values))


def members_of(wave: Wave) -> dict[str, str]:
    """The code of each member, by fan."""
    return dict(Member.objects.filter(wave=wave).values_list("global_user_id", "code"))


def contacts_of(wave: Wave) -> pl.DataFrame:
    """`market_id, phone, email, code, language` of each member, as it is stored."""
    fields = ("phone", "email", "code", "language")
    stored = Member.objects.filter(wave=wave).values_list("market__market_id", *fields)
    schema = dict.fromkeys(("market_id", *fields), pl.String)
    return pl.DataFrame(list(stored), schema=schema, orient="row")


def recounted_here(facts: Path, claim: Path, handed: Mapping[str, str], *_: Any) -> Verdict:
    """The checker without a process of its own, which takes fifty times as long as the count."""
    with redirect_stdout(io.StringIO()):
        return Verdict.of(verify_draw.recount(str(facts), str(claim), dict(handed)))


def counted(wave: Wave) -> Wave:
    """The wave after its second count, as a worker makes it. [X-14]"""
    return count.count_here(wave, checker=recounted_here)


def cleared(wave: Wave) -> Wave:
    """The wave after a green pre-flight of its present content. [X-6]"""
    last = current_run(wave)
    if wave.content_digest and (last is None or last.reds):
        figures = {"samples": {"members": []}}
        Preflight.objects.create(wave=wave, digest=wave.content_digest, reds=0, figures=figures)
    return wave


def approve(wave: Wave, **options: Any) -> Wave:
    """The wave, counted, checked and approved."""
    return approval.approve(cleared(counted(wave)), **options)


def scheduled(fans: int = 12, key: str = KEY, **options) -> Wave:
    """A wave that is prepared, approved and scheduled."""
    campaign = campaign_with(fans, **options)
    wave = prepare(request(campaign, key), by=person("ann"), now=NOW).wave
    approve(wave, by=person("bob"), digest=wave.content_digest, now=NOW)
    return schedule(wave, by=person("bob"), now=NOW)


def held(wave: Wave) -> Wave:
    """A scheduled wave that was found more than the grace late."""
    check_due_waves(now=NOTIFY + timedelta(hours=3))
    wave.refresh_from_db()
    assert wave.state == WaveState.HELD
    return wave


def published() -> list[dict]:
    """All records on the input stream."""
    last = streams.extent("input", 0, 1_000)
    batches = streams.read("input", 1, last) if last else []
    return [record for batch in batches for record in unpack_frame(batch.payload).to_dicts()]


def nothing_written() -> bool:
    """Whether there is neither a wave nor anything of one."""
    return not (
        Wave.objects.exists()
        or Member.objects.exists()
        or Code.objects.exists()
        or Job.objects.exists()
    )


def changed_waves() -> list[Wave]:
    """Waves that would say something else now than what was prepared."""
    return [wave for wave in changeable_waves() if content_changed(wave)]


def sent_out(wave: Wave) -> Wave:
    """A prepared wave that is approved, scheduled, triggered at its notify date and completed,
    every message of it sent.
    """
    approve(wave, by=person("bob"), digest=wave.content_digest, now=NOW)
    schedule(wave, by=person("bob"), now=NOW)
    check_due_waves(now=wave.notify_date)
    new_messages.make_sends(wave)
    Send.objects.filter(wave=wave).update(state=SendState.SENT)
    results.complete(wave.pk)
    wave.refresh_from_db()
    return wave
