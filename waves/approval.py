"""Approval is for one content: given by a second person, for the digest they name, and void when
the content changes. [W-10, X-5]
"""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction

from operations.alerts import alert
from waves.choices import WaveState
from waves.digest import content_changed, content_digest
from waves.errors import BadTemplate, ContentChanged, SamePerson
from waves.lifecycle import drop_members, move, require_state
from waves.models import Wave


@transaction.atomic
def approve(wave: Wave, *, by: User, digest: str, now: datetime, waiver: str = "") -> Wave:
    """PREPARED → APPROVED for the content the digest names. [W-10]

    Raises WrongState, ContentChanged where the digest is not that of the present content,
    and SamePerson where `by` prepared or last edited the wave, unless WAVES_FOUR_EYES is off and a
    waiver says why.
    """
    require_state(wave, WaveState.PREPARED)
    found = content_digest(wave)
    if digest != wave.content_digest or digest != found:
        raise ContentChanged(
            (
                f"Wave {wave.name}: the digest does not match its content, which is {found}."
                " Check the content again before you approve it."
            )
            if found == wave.content_digest
            else (
                f"Wave {wave.name}: its messages have changed since it was prepared. Reset it"
                " and prepare it again."
            )
        )
    alone = by.pk in {wave.prepared_by_id, wave.edited_by_id}
    if alone:
        _require_waiver(wave, by, waiver)
    approved = {
        "approved_by": by,
        "approved_at": now,
        "approved_digest": digest,
        "waiver": waiver if alone else "",
    }
    move(wave, WaveState.APPROVED, by=by, reason=waiver, **approved)
    return wave


@transaction.atomic
def void(wave: Wave, *, by: User | None, reason: str) -> Wave:
    """An approved or scheduled wave whose content changed goes back to CONFIGURED, to be prepared
    again. [W-2, X-5]
    """
    if wave.state == WaveState.SCHEDULED:
        move(wave, WaveState.APPROVED, by=by, reason=reason, scheduled_at=None)
    return back_to_configured(wave, by=by, reason=reason)


def void_changed() -> list[Wave]:
    """Void every approval whose content has changed, with an alert; cheap enough for every check
    of the scheduler. [X-5]
    """
    waiting = Wave.objects.filter(
        state__in=[WaveState.APPROVED, WaveState.SCHEDULED]
    ).select_related("campaign")
    changed = [wave for wave in waiting if _changed(wave)]
    for wave in changed:
        with transaction.atomic():
            void(wave, by=None, reason="content changed")
            alert(
                f":warning: Wave {wave.name}: its content changed, so its approval is void."
                " Prepare and approve it again."
            )
    return changed


@transaction.atomic
def back_to_configured(wave: Wave, *, by: User | None, reason: str) -> Wave:
    """PREPARED, APPROVED or FAILED → CONFIGURED with two new attempts; no members, codes still
    reserved for them. [W-9]
    """
    drop_members(wave)
    files = ("zip_key", "candidates_key")
    cleared = dict.fromkeys(
        ("error", *files, "members_digest", "content_digest", "approved_digest", "waiver"), ""
    )
    unapproved = {"approved_by": None, "approved_at": None}
    move(
        wave,
        WaveState.CONFIGURED,
        by=by,
        reason=reason,
        attempts=0,
        selected=0,
        **cleared,
        **unapproved,
    )
    return wave


def _require_waiver(wave: Wave, by: User, waiver: str) -> None:
    if settings.WAVES_FOUR_EYES:
        raise SamePerson(
            f"User {by.get_username()} prepared or last edited wave {wave.name}, so another"
            " person must approve it."
        )
    if not waiver.strip():
        raise SamePerson(
            f"User {by.get_username()} prepared or last edited wave {wave.name}. Another"
            " person must approve it, or enter a reason to waive this."
        )


def _changed(wave: Wave) -> bool:
    try:
        return content_changed(wave)
    except BadTemplate:
        return True
