"""What follows when a fan is selected, or what was told of them has changed: the registrant's
verdict, the fan's selected events, and a message for the verdict queue. [T-4]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from campaigns.models import Registrant
from datalake import queues
from datalake.choices import QueueName
from demand.selected_events import saving as selected_events
from demand.selected_events.saving import FanEvents
from operations.database.locks import lock_in_key_order
from waves.verdicts.messages import verdict_message


@dataclass(frozen=True)
class News:
    """A selected fan as they are now; `version` counts what was told of them."""

    campaign_id: str
    registrant_pk: int | None
    fan: str
    code: str
    event_ids: tuple[str, ...]
    version: int
    correlation_id: str


def tell(news: Sequence[News]) -> None:
    """In the caller's transaction, each fan of a campaign once: verdict, events, message."""
    if not news:
        return
    registrants = Registrant.objects.filter(pk__in=[each.registrant_pk for each in news])
    undecided = registrants.exclude(verdict=True)
    lock_in_key_order(undecided)
    undecided.update(verdict=True)
    selected_events.save_events(
        [FanEvents(each.fan, each.campaign_id, each.event_ids) for each in news]
    )
    queues.put(
        QueueName.VERDICT,
        [
            verdict_message(
                each.campaign_id,
                each.fan,
                each.code,
                each.event_ids,
                version=each.version,
                correlation_id=each.correlation_id,
            )
            for each in news
        ],
    )
