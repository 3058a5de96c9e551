"""Who has seen which content of a wave, and what has changed since. [X-5]"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User

from waves.models import Wave, WaveLook
from waves.review.changes import Change, changes


@dataclass(frozen=True)
class SinceLastLook:
    """When a user last saw another content of the wave, and what is said otherwise now."""

    at: datetime
    changes: list[Change]


def snapshot_of(wave: Wave) -> dict[str, Any]:
    """The wave's present content without members: nothing personal is in it."""
    markets = wave.wave_markets.select_related("market")
    return {
        "digest": wave.content_digest,
        "content": wave.content,
        "members": wave.selected,
        "members_digest": wave.members_digest,
        "markets": {
            row.market.market_id: {
                "name": row.name,
                "capacity": row.capacity,
                "given": row.given,
                "room": row.room,
                "code_source": row.code_source,
                "selected": row.selected,
            }
            for row in markets
        },
    }


def look(wave: Wave, user: User, *, digest: str, now: datetime) -> bool:
    """Keep that the user has seen this content; False if the wave says something else by now."""
    if not digest or digest != wave.content_digest:
        return False
    seen = {"at": now, "snapshot": snapshot_of(wave)}
    WaveLook.objects.update_or_create(wave=wave, user=user, digest=digest, defaults=seen)
    return True


def since_last_look(wave: Wave, user: User) -> SinceLastLook | None:
    """None for who has seen no other content of this wave."""
    others = WaveLook.objects.filter(wave=wave, user=user).exclude(digest=wave.content_digest)
    last = others.order_by("-at", "-id").first()
    if last is None:
        return None
    return SinceLastLook(last.at, changes(last.snapshot, snapshot_of(wave)))
