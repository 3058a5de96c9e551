"""The files in `smsWaves/` by which other services follow a wave: its config, at the place of its
step, and its members with their codes. [W-3]

They say what the wave's row says. `Wave.filed_as` is what was written last; a sweep each minute
writes what is behind, and withdraws what does not hold any more: a bucket that is away holds up no
wave. Whoever does so holds the wave's lock, as for the status file (`status_files`).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Final

from django.db.models import Case, CharField, F, QuerySet, Value, When
from django.db.models.functions import Concat

from campaigns.intake import arrivals
from datalake.errors import NoSuchObject
from datalake.storage import buckets
from operations.database.copying import CSV, pieces_of
from operations.database.locks import exclusive
from waves.choices import WaveState
from waves.models import Wave
from waves.naming import code_validity
from waves.preparation.wave_files import COLUMNS, SmsWaveKeys, config_json

logger = logging.getLogger(__name__)

PLACES: Final = {
    WaveState.SCHEDULED: "scheduled",
    WaveState.TRIGGERED: "triggered",
    WaveState.PAUSED: "triggered",
    WaveState.COMPLETED: "completed",
}
# Prepared, and at no place: nobody may send it yet.
WAITING: Final = (WaveState.PREPARED, WaveState.APPROVED, WaveState.HELD)
GENERATING: Final = "generating"
UNCERTAIN: Final = "uncertain"  # what was written last
_MEMBERS = """
SELECT member.global_user_id, NULLIF(member.member_id, ''), market.market_id,
    NULLIF(member.email, ''), NULLIF(member.phone, ''), NULLIF(member.code, '')
FROM waves_member AS member LEFT JOIN campaigns_market AS market ON market.id = member.market_id
WHERE member.wave_id = %(wave)s ORDER BY member.id
"""


def config_of(wave: Wave, *, generating: bool = False) -> bytes:
    """The wave's config as it is written. The wave has its campaign."""
    return config_json(
        campaign_id=wave.campaign.campaign_id,
        category_id=wave.category_id,
        notify_date=wave.notify_date,
        validity=code_validity(wave.notify_date, wave.campaign.time_zone),
        product_id=wave.product_id,
        source=wave.source,
        generate_offer_code=wave.generate_offer_code,
        options=wave.options,
        generating=generating,
    )


def write_generating(wave: Wave) -> None:
    """Say that the wave's codes are being made. The caller holds the wave's lock; who sweeps takes
    it away again. Raises OSError.
    """
    Wave.objects.filter(pk=wave.pk).update(filed_as=GENERATING)
    content = config_of(wave, generating=True)
    buckets.scoring().put(SmsWaveKeys(wave.name).generating, content)


def have_swept(wave: Wave) -> None:
    """An attempt that was taken over may have written after the next one: the sweep writes all of
    the wave's files once more. [O-6]
    """
    Wave.objects.filter(pk=wave.pk).update(filed_as=UNCERTAIN)


def put_right(wave: Wave) -> None:
    """Make the files say what the row says; the caller holds the wave's lock. Raises OSError."""
    wave = Wave.objects.select_related("campaign").get(pk=wave.pk)
    due = _due_of(wave)
    if wave.filed_as == due:
        return
    keys, files = SmsWaveKeys(wave.name), buckets.scoring()
    place, _, digest = due.partition(":")
    if not due:
        for key in (keys.members, keys.rejected, keys.normalized):
            files.delete(key)
    elif wave.filed_as.partition(":")[2] != digest:
        _write_lists(wave, keys)
    files.delete(keys.generating)
    if due:
        config = config_of(wave)
        files.put(keys.normalized, config)
        if place in PLACES.values():
            files.put(keys.at(place), config)
            _note_ours(keys.at(place), place)
    for other in sorted(set(PLACES.values()) - {place}):
        files.delete(keys.at(other))
    Wave.objects.filter(pk=wave.pk, filed_as=wave.filed_as).update(filed_as=due)


def put_right_if_reachable(wave: Wave) -> bool:
    """As `put_right`; False while the bucket is away: the sweep comes again."""
    try:
        put_right(wave)
    except (OSError, NoSuchObject) as error:
        logger.warning(
            "files in smsWaves/ not written yet",
            extra={"wave": wave.name, "error": type(error).__name__},
        )
        return False
    return True


def sweep() -> int:
    """Write the files that are behind their waves; a wave that is being prepared sees to its own.
    Returns how many are right now.
    """
    in_order = 0
    for wave in behind().order_by("id"):
        with exclusive(f"wave {wave.name}", wait=False) as alone:
            if alone:
                in_order += put_right_if_reachable(wave)
    return in_order


def behind() -> QuerySet[Wave]:
    """Waves whose files do not say what their rows say."""
    places = [*PLACES.items(), *((state, "waiting") for state in WAITING)]
    due = Case(
        *(
            When(state=state, then=Concat(Value(f"{place}:"), "content_digest"))
            for state, place in places
        ),
        default=Value(""),
        output_field=CharField(),
    )
    return Wave.objects.annotate(due=due).exclude(filed_as=F("due"))


def _due_of(wave: Wave) -> str:
    state = WaveState(wave.state)
    place = "waiting" if state in WAITING else PLACES.get(state, "")
    return f"{place}:{wave.content_digest}" if place else ""


def _note_ours(key: str, place: str) -> None:
    """What we put among the scheduled ones is not taken up as another service's."""
    found = buckets.scoring().found(key) if place == "scheduled" else None
    if found is not None:
        arrivals.note_ours(found)


def _write_lists(wave: Wave, keys: SmsWaveKeys) -> None:
    files = buckets.scoring()
    with files.writer(keys.members) as out:
        for line in _members(wave):
            out.write(line)
    if wave.rejected_key:
        files.copy(wave.rejected_key, keys.rejected)
    else:
        files.delete(keys.rejected)


def _members(wave: Wave) -> Iterator[bytes]:
    """In the order in which they were written: that of the draw, or of the list."""
    yield f"{','.join(COLUMNS)}\n".encode()
    yield from pieces_of(_MEMBERS, CSV, wave=wave.pk)
