"""Campaigns, score files and registrations for all tests; every value has a default."""

from __future__ import annotations

import gzip
import hashlib
import io
import itertools
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, BinaryIO

from campaigns.models import Campaign, Market, RegistrationImport, ScoreFile
from campaigns.opening import open_campaign
from campaigns.registrations import imports
from campaigns.scoring import activation, score_files
from tests.support.people import why_late

SEED, SALT = bytes(range(32)), bytes(range(32, 64))
SELECTION_TIME = datetime(2026, 1, 18, 12, tzinfo=UTC)
COLUMNS = (
    "id",
    "tmemail",
    "sms",
    "global_user_id",
    "member_id",
    "raw_local_fanscore",
    "country_code",
)
_numbers = itertools.count(1)


def make_campaign(
    campaign_id: str = "",
    *,
    markets: Sequence[str] = ("west", "east"),
    opened: bool = True,
    **options: Any,
) -> Campaign:
    """A campaign with these markets; open, with a supplied draw, unless told otherwise."""
    campaign_id = campaign_id or f"tour-{next(_numbers)}"
    campaign = Campaign.objects.create(campaign_id=campaign_id, name="Spring Tour", **options)
    for position, market_id in enumerate(markets):
        make_market(campaign, market_id, position=position)
    return open_campaign(campaign.pk, by=None, seed=SEED, salt=SALT) if opened else campaign


def make_market(campaign: Campaign, market_id: str, **values: Any) -> Market:
    defaults = {"name": market_id.title(), "capacity": 5, "selection_time": SELECTION_TIME}
    return Market.objects.create(campaign=campaign, market_id=market_id, **(defaults | values))


def score_row(number: int = 1, **fields: str) -> dict[str, str]:
    """A row that is accepted as it is, by column."""
    return {
        "id": str(number),
        "tmemail": f"fan{number}@mail.example",
        "sms": f"(206) 555-{number % 10_000:04d}",
        "global_user_id": f"fan-{number}",
        "member_id": f"member-{number}",
        "raw_local_fanscore": "0.5",
        "country_code": "US",
    } | fields


def score_file_bytes(
    rows: Iterable[Mapping[str, str] | bytes] = (),
    *,
    columns: Sequence[str] = COLUMNS,
    newline: bytes = b"\n",
    bom: bool = False,
    packed: bool = False,
) -> bytes:
    """A score file; a row given as bytes is written unchanged."""
    lines = [
        row if isinstance(row, bytes) else "\t".join(row.get(name, "") for name in columns).encode()
        for row in rows
    ]
    text = b"".join(line + newline for line in ["\t".join(columns).encode(), *lines])
    text = b"\xef\xbb\xbf" + text if bom else text
    return gzip.compress(text, mtime=0) if packed else text


def in_memory(content: bytes) -> BinaryIO:
    return io.BytesIO(content)


def receive_scores(
    campaign: Campaign, content: bytes, *, name: str = "scores", activate: bool = True
) -> ScoreFile:
    """A late one is received for a reason by a person who may."""
    return score_files.receive(
        campaign, name, in_memory(content), activate=activate, **why_late(campaign)
    ).score_file


def process_scores(campaign: Campaign, content: bytes | None = None, **options: Any) -> ScoreFile:
    """A file all the way: received and processed in the foreground."""
    content = score_file_bytes([score_row(1), score_row(2)]) if content is None else content
    score_file = receive_scores(campaign, content, **options)
    return score_files.process(score_files.open_job(score_file, by=None).pk)


def make_active(score_file: ScoreFile) -> Campaign:
    """Switch to this file, for a reason and by a person who may where that is late. [S-8]"""
    return activation.activate(score_file.pk, **why_late(score_file.campaign))


REGISTERED = "2026-01-05T10:00:00Z"
REGISTRATION_COLUMNS = (
    *(
        "global_user_id",
        "member_id",
        "email",
        "phone",
        "phone_confirmed",
        "country_code",
        "language",
        "market_preferences",
    ),
    *("registered_at", "date_created"),
)


def registration_row(number: int = 1, **fields: str) -> dict[str, str]:
    return {
        "global_user_id": f"fan-{number}",
        "member_id": f"member-{number}",
        "email": f"fan{number}@mail.example",
        "phone": f"+1206555{number % 10_000:04d}",
        "phone_confirmed": "yes",
        "country_code": "US",
        "language": "",
        "market_preferences": "west|east",
        "registered_at": REGISTERED,
        "date_created": "",
    } | fields


def registration_bytes(
    rows: Iterable[Mapping[str, str] | bytes],
    *,
    columns: Sequence[str] = REGISTRATION_COLUMNS,
    separator: str = ",",
) -> bytes:
    lines = [
        row
        if isinstance(row, bytes)
        else separator.join(row.get(name, "") for name in columns).encode()
        for row in rows
    ]
    return b"".join(line + b"\n" for line in [separator.join(columns).encode(), *lines])


def import_registrations(
    campaign: Campaign, rows: Iterable[Mapping[str, str] | bytes], **options: Any
) -> RegistrationImport:
    """Registrations all the way: received, judged, merged and published."""
    content, late = registration_bytes(rows, **options), why_late(campaign)
    found = imports.receive(campaign, "registrations.csv", in_memory(content), **late)
    return imports.process(imports.open_job(found, by=None).pk)


def roster_digest(rows: Iterable[tuple[str, str, str | None]]) -> str:
    """The digest of a roster of (reference, raw score, preferences) as the rule says it, line by
    line. [S-10]
    """
    lines = sorted(f"{ref}\t{raw}\t{preferences or ''}\n" for ref, raw, preferences in rows)
    return hashlib.sha256("".join(lines).encode()).hexdigest()
