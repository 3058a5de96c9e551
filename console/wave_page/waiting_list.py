"""The waiting list of a wave as its page and the list's own page show it. [W-5, O-5]"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from operations.adminkit.masking import mask_text
from waves.errors import NoWaitingList
from waves.models import Wave
from waves.selection.waiting_list import Waiting, member_ids, opened

PAGE: Final = 50
FIRST: Final = 5  # places on the page of the wave


@dataclass(frozen=True)
class FirstPlaces:
    """`fans`: as `with_member_ids` has them; `error`: why they cannot be shown."""

    fans: list[dict[str, Any]]
    error: str = ""


def first_places(wave: Wave, *, hidden: bool) -> FirstPlaces | None:
    """The first places of a wave that was drawn; None where there is no list. The page of the wave
    is shown even if the bucket is away.
    """
    if not wave.waiting_key or not wave.waitlist:
        return None
    try:
        with opened(wave) as found:
            fans = found.after(0, FIRST)
    except NoWaitingList as refusal:
        return FirstPlaces([], str(refusal))
    except OSError:
        return FirstPlaces([], "The scoring bucket does not answer, so no places can be shown.")
    return FirstPlaces(with_member_ids(wave, fans, hidden=hidden))


def with_member_ids(wave: Wave, fans: Sequence[Waiting], *, hidden: bool) -> list[dict[str, Any]]:
    """The fans as rows of a table; `hidden`: member ids are masked, as in the list of members."""
    known = member_ids(wave, fans)
    shown = mask_text if hidden else str
    return [
        {
            "place": fan.place,
            "fan": fan.global_user_id,
            "member_id": shown(known[fan.global_user_id]),
            "markets": fan.markets,
            "band_score": fan.band_score,
        }
        for fan in fans
    ]
