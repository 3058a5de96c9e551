"""Where a fan stands on the waiting lists of a campaign's waves, and whether a list still holds.
[W-5, X-1]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from campaigns.models import Campaign
from waves.choices import WaveKind, WaveState
from waves.errors import NoWaitingList
from waves.models import Wave
from waves.selection.waiting_list import place_of

PREPARED: Final = (
    *(WaveState.PREPARED, WaveState.APPROVED, WaveState.SCHEDULED, WaveState.HELD),
    *(WaveState.TRIGGERED, WaveState.PAUSED, WaveState.COMPLETED),
)
LARGE: Final = ("content", "status_content", "options")


@dataclass(frozen=True)
class KeptList:
    """The waiting list of a wave; `outdated`: why the next wave does not go by it, empty where it
    does.
    """

    wave: Wave
    outdated: str = ""


@dataclass(frozen=True)
class OnList:
    """A fan's place of all on a list; None where the list could not be read."""

    kept: KeptList
    place: int | None


def lists_of(campaign: Campaign) -> tuple[KeptList, ...]:
    """The lists of the campaign's drawn waves, the newest first; of cancelled ones too."""
    drawn = campaign.waves.filter(kind=WaveKind.DRAWN, prepared_at__isnull=False)
    waves = list(drawn.exclude(waiting_key="").defer(*LARGE).order_by("-prepared_at", "-id"))
    last = next((wave for wave in waves if wave.state in PREPARED), None)
    active = campaign.active_score_file_id
    return tuple(KeptList(wave, outdated(wave, last=last, active=active)) for wave in waves)


def outdated(wave: Any, *, last: Any, active: int | None) -> str:
    """Why the list of `wave` is not the one that the next wave goes by. `last`: the wave that
    selected last; `active`: the key of the active score file. [X-7]
    """
    if wave.state == WaveState.CANCELLED:
        return "the wave was cancelled"
    if last is not None and last.pk != wave.pk:
        return f"wave {last.name} was selected later"
    return "" if wave.score_file_id == active else "another score file is active now"


def places(lists: Sequence[KeptList], fan: str) -> list[OnList]:
    """The fan's place on each list that they are on, and each list that could not be read."""
    found = []
    for kept in lists:
        try:
            on_list = place_of(kept.wave, fan)
        except (NoWaitingList, OSError):
            found.append(OnList(kept, None))
            continue
        if on_list is not None:
            found.append(OnList(kept, on_list.place))
    return found
