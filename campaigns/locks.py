"""One order of locks: campaign → wave → rows by primary key.

Who moves a campaign, one of its waves, or what either of them holds, locks the campaign first
(here), then the wave (`waves.locks`), then rows in the order of their keys. Nobody waits for a
campaign while holding a wave or a row of one, so no two transactions wait for each other.

The locks are FOR NO KEY UPDATE: inserting a row that refers to the campaign does not wait for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from campaigns.models import Campaign
from operations.database.locks import (
    exclusive,
    lock_in_key_order,
    try_lock_in_transaction,
)


def lock_campaign(campaign_pk: int) -> Campaign:
    """The campaign as it is now, locked until the transaction ends. Take it before any other
    lock.
    """
    return Campaign.objects.select_for_update(no_key=True).get(pk=campaign_pk)


def lock_campaigns(campaign_pks: Iterable[int]) -> None:
    """Several campaigns, in the order of their keys; a key of none is left out."""
    lock_in_key_order(Campaign.objects.filter(pk__in=set(campaign_pks)))


@contextmanager
def selecting(campaign_pk: int) -> Iterator[None]:
    """Hold the campaign's selection, over as many transactions as a preparation takes: its waves
    select one after the other, so that the second one sees the members of the first. Take it before
    the campaign's row. [K-7]
    """
    with exclusive(_selection(campaign_pk)):
        yield


def no_wave_selects(campaign_pk: int) -> bool:
    """Whether no wave of the campaign is being prepared; if so, none begins until the transaction
    ends. Never waits. [S-13, S-16, C-2]
    """
    return try_lock_in_transaction(_selection(campaign_pk))


def _selection(campaign_pk: int) -> str:
    return f"campaign {campaign_pk} selects"
