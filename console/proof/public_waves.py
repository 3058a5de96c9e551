"""What the public sees of a campaign's waves: their rules, seats and counts, and how often each was
prepared. It names no fan. [S-10, X-2]
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Count, Max, Min, Prefetch, Q

from campaigns.draw import LOW
from operations.instants import iso
from operations.models import StatusChange
from waves.choices import Order, WaveKind, WaveState
from waves.lifecycle import subject_of
from waves.models import Wave, WaveMarket, WaveUpload

HEAVY_OF_WAVES = ("content", "status_content", "options")
HEAVY_OF_FILES = ("rules", "fairness", "dry_run")  # megabytes each
# Before it is triggered, a wave would give its date away.
SHOWN = (WaveState.TRIGGERED, WaveState.PAUSED, WaveState.COMPLETED)
_PREPARED = Q(
    to_state=WaveState.PREPARED, from_state__in=(WaveState.CONFIGURED, WaveState.CODE_GENERATED)
)
_TAKEN_BACK = Q(to_state=WaveState.CONFIGURED)
_CANCELLED = Q(to_state=WaveState.CANCELLED)


class Preparations(NamedTuple):
    """A wave's history: how often it was prepared, when first and last, in which place among all;
    whether the last one was taken back, and when the wave was cancelled.
    """

    times: int = 0
    first: datetime | None = None
    last: datetime | None = None
    place: int = 0
    taken_back: bool = False
    cancelled: datetime | None = None


def public_waves(campaign_pk: int, *, revealed: bool) -> list[tuple[Wave, dict[str, Any]]]:
    """Each wave with what is public of it, in the order in which they took their members: those
    that were triggered; once the draw is `revealed`, every one that was ever prepared.
    """
    heavy = (
        *HEAVY_OF_WAVES,
        *(f"tops_up__{name}" for name in HEAVY_OF_WAVES),
        *(f"score_file__{name}" for name in HEAVY_OF_FILES),
    )
    seats = WaveMarket.objects.select_related("market").order_by("position", "market__market_id")
    found = list(
        Wave.objects.filter(campaign_id=campaign_pk)
        .select_related("score_file", "tops_up")
        .defer(*heavy)
        .prefetch_related(Prefetch("wave_markets", seats))
        .order_by("id")
    )
    history = _history(found)
    shown = [
        wave
        for wave in found
        if wave.state in SHOWN
        or wave.triggered_at is not None
        or (revealed and history[wave.pk].times)
    ]
    shown.sort(key=lambda wave: (history[wave.pk].place, wave.pk))
    return [(wave, _public(wave, history[wave.pk])) for wave in shown]


def _history(waves: list[Wave]) -> dict[int, Preparations]:
    by_name = {subject_of(wave).id: wave.pk for wave in waves}
    changes = StatusChange.objects.filter(subject_kind="wave", subject_id__in=by_name)
    rows = changes.values_list("subject_id").annotate(
        times=Count("id", filter=_PREPARED),
        first=Min("at", filter=_PREPARED),
        last=Max("at", filter=_PREPARED),
        place=Max("id", filter=_PREPARED),
        back=Max("id", filter=_TAKEN_BACK),
        end=Max("at", filter=_CANCELLED),
    )
    found = {
        by_name[name]: Preparations(times, first, last, place or 0, (back or 0) > (place or 0), end)
        for name, times, first, last, place, back, end in rows
    }
    return dict.fromkeys(by_name.values(), Preparations()) | found


def _public(wave: Wave, history: Preparations) -> dict[str, Any]:
    shared = {
        "date_key": wave.date_key,
        "state": wave.state,
        "kind": _kind(wave, history),
        "preparations": history.times,
        "first_prepared_at": iso(history.first),
        "prepared_at": iso(history.last),
        "triggered_at": iso(wave.triggered_at),
        "cancelled_at": iso(history.cancelled),
        "notify_date": iso(wave.notify_date),
    }
    if shared["kind"] == "withdrawn":
        return shared
    if wave.kind == WaveKind.UPLOADED or wave.score_file is None:
        return shared | {
            "fans": wave.selected,
            **_why_uploaded(wave),
            "markets": _markets(wave),
        }
    markets = _markets(wave)
    if wave.kind == WaveKind.NOT_SELECTED:
        return shared | {
            "attempt": wave.score_file.attempt,
            "min_score": LOW.low if wave.least_score is None else wave.least_score,
            "fans": wave.selected,
            "excluded": dict(sorted(wave.excluded.items())),
            "markets": markets,
        }
    return shared | {
        "attempt": wave.score_file.attempt,
        "order": wave.order,
        "single_market": wave.single_market or None,
        "min_score": LOW.low if wave.least_score is None else wave.least_score,
        "candidates": wave.candidates,
        "selected": wave.selected,
        "returned": wave.selected - sum(market["selected"] for market in markets),
        "waitlist": wave.waitlist,
        "excluded": dict(sorted(wave.excluded.items())),
        "markets": markets,
        "reassign": wave.reassign,
        "tops_up": wave.tops_up.date_key if wave.tops_up else None,
    }


def _why_uploaded(wave: Wave) -> dict[str, str | None]:
    """Of an uploaded wave: the role of who uploaded it, and why it was not drawn. [S-10]"""
    about = WaveUpload.objects.filter(wave=wave).values_list("by_role", "reason").first()
    role, reason = about or ("", "")
    return {"uploaded_by_role": role or None, "reason": reason or None}


def _kind(wave: Wave, history: Preparations) -> str:
    if history.taken_back:
        return "withdrawn"
    return wave.kind


def _markets(wave: Wave) -> list[dict[str, Any]]:
    """The markets it selected for, in position order. [W-5]"""
    return [
        {
            "market_id": seat.market.market_id,
            "name": seat.name,
            "position": seat.position,
            "selection_time": iso(seat.selection_time),
            "capacity": seat.capacity,
            "own_capacity": seat.own_capacity,
            "given": seat.given,
            "room": seat.room,
            "selected": seat.selected,
            "cutoff": seat.cutoff,
        }
        for seat in wave.wave_markets.all()
        if wave.order != Order.SINGLE_MARKET or seat.market.market_id == wave.single_market
    ]
