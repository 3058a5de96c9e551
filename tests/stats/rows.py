"""Campaigns with figures, and messages of waves in given states."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from campaigns.models import Campaign
from stats.models import Snapshot
from stats.snapshots.figures import Figures
from stats.snapshots.save import store
from waves.models import Member, Send, Wave

_keys = itertools.count(1)


def saved(campaign: Campaign, at: datetime, **figures: Any) -> Snapshot:
    """A row of statistics, as saving makes it."""
    store(campaign, Figures(**figures), at=at)
    return Snapshot.objects.filter(campaign=campaign).latest("at")


def messages(wave: Wave, channel: str, *states: str, sent_at: datetime | None = None) -> None:
    """A message in each of these states, one second apart."""
    members = Member.objects.filter(wave=wave).order_by("id")[: len(states)]
    Send.objects.bulk_create(
        Send(
            wave=wave,
            member=member,
            channel=channel,
            key=UUID(int=next(_keys)),
            state=state,
            reason="http_400" if state == "failed" else "",
            queued_at=sent_at if channel == "email" else None,
            sent_at=sent_at + timedelta(seconds=number) if sent_at else None,
        )
        for number, (member, state) in enumerate(zip(members, states, strict=True))
    )
