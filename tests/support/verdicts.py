"""Registered fans, the records of their codes, and what the verdict queue is told of them."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterable
from typing import Any

from campaigns.models import Campaign, Market, Registrant
from datalake import streams
from datalake.models import DeadLetter, QueueMessage
from datalake.streams import consumers
from operations import correlation
from tests.support.campaigns import SELECTION_TIME, make_campaign

EVENTS = {"west": ["E1", "E2"], "east": ["E3"]}
CONSUMERS = ("transform", "selections")
_keys = itertools.count(1)


def campaign_of(fans: int = 3, **options: Any) -> Campaign:
    """An open campaign of so many registered fans, whose markets have events."""
    campaign = make_campaign(**options)
    for market_id, event_ids in EVENTS.items():
        Market.objects.filter(campaign=campaign, market_id=market_id).update(event_ids=event_ids)
    register(campaign, range(fans))
    return campaign


def register(campaign: Campaign, numbers: Iterable[int]) -> None:
    Registrant.objects.bulk_create(
        [
            Registrant(
                campaign=campaign,
                global_user_id=f"fan-{n}",
                registered_at=SELECTION_TIME,
                changed_at=SELECTION_TIME,
            )
            for n in numbers
        ],
        batch_size=5_000,
    )


def assignment(campaign: Campaign, number: int, **changes: Any) -> dict[str, Any]:
    """A codeAssignment record of a fan, as any service publishes it."""
    return {
        "type": "codeAssignment",
        "date": {"created": "2026-01-21T18:00:00.000Z"},
        "campaignId": campaign.campaign_id,
        "globalUserId": f"fan-{number}",
        "marketId": "west",
        "code": f"CODE{campaign.pk}X{number}",
    } | changes


def refresh(campaign: Campaign, number: int, **changes: Any) -> dict[str, Any]:
    """A selectionRefresh record of a fan; each one is another."""
    return {
        "type": "selectionRefresh",
        "campaignId": campaign.campaign_id,
        "globalUserId": f"fan-{number}",
        "dedupeHash": hashlib.sha256(f"refresh {next(_keys)}".encode()).hexdigest(),
    } | changes


def publish(*records: Any, to: str = "input", correlation_id: str = "the-trigger") -> None:
    with correlation.correlated(correlation_id):
        data = [streams.Record("", record) for record in records]
        streams.publish(to, data, key=f"test:{next(_keys)}")


def consume() -> dict[str, dict[str, int]]:
    """What both consumers took until nothing was left."""
    return consumers.consume(CONSUMERS, once=True)


def told() -> list[dict[str, Any]]:
    """The messages of the verdict queue, in their order."""
    bodies = QueueMessage.objects.filter(queue="verdict").order_by("pk")
    return [json.loads(body) for body in bodies.values_list("body", flat=True)]


def rejected() -> dict[str, str]:
    """Why the fans of dead letters were rejected, and by which consumer."""
    return {
        json.loads(letter.record)["globalUserId"]: f"{letter.consumer}: {letter.error}"
        for letter in DeadLetter.objects.all()
    }
