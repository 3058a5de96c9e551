"""Approval is for one content: given by a second person, for the digest they name, and void when
the content changes before the trigger. [W-10, X-5]
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet

from operations.alerts import alert
from operations.database.retries import retried
from waves.choices import WaveState
from waves.codes import reservations
from waves.digest import content_changed, content_digest, require_unchanged
from waves.errors import BadTemplate, ContentChanged, SamePerson
from waves.lifecycle import UNAPPROVED, drop_members, move, require_state
from waves.locks import lock_wave
from waves.messages.templates import live_content, texts_in
from waves.models import Wave
from waves.preflight import clearance
from waves.second_count.count import open_job
from waves.second_count.verdict import NO_VERDICT, require_counted

APPROVED: Final = (WaveState.APPROVED, WaveState.SCHEDULED, WaveState.HELD)
MEMBERS_CHANGED: Final = "members changed"  # the cause for which it has to be prepared again
# From the trigger on what was approved is sent, so nothing can change any more.
CHANGEABLE: Final = (WaveState.PREPARED, *APPROVED)
# What the files that others read of a wave say does not hold any more: they are to go. [W-8]
WITHDRAWN: Final[Mapping[str, Any]] = {"status_content": "", "status_stored": False}


def approve(
    wave: Wave,
    *,
    by: User,
    digest: str,
    now: datetime,
    waiver: str = "",
    seen_preflight: int | None = None,
) -> Wave:
    """PREPARED → APPROVED for the content the digest names. [W-10]

    Raises WrongState, ContentChanged where the digest is not that of the present content (which is
    the wave's from then on), BadTemplate where a template cannot be used for it, SamePerson where
    `by` prepared or last edited it, unless WAVES_FOUR_EYES is off and a waiver says why, and
    NotCounted unless the second count agrees with this content [X-14], and NotCleared where it has
    no recent pre-flight, or one with red lines and no waiver says why [X-6]; `seen_preflight`: see
    require_cleared.
    """
    renew(wave.pk, by=None, reason="messages changed")
    _approve(wave.pk, by=by, digest=digest, now=now, waiver=waiver, seen=seen_preflight)
    wave.refresh_from_db()
    return wave


@retried
@transaction.atomic
def _approve(
    wave_pk: int, *, by: User, digest: str, now: datetime, waiver: str, seen: int | None
) -> None:
    wave = lock_wave(wave_pk)
    require_state(wave, WaveState.PREPARED)
    require_unchanged(wave)
    found = content_digest(wave)
    if found != wave.content_digest:
        raise ContentChanged(
            f"Wave {wave.name}: its members have changed since it was prepared. Reset it and"
            " prepare it again."
        )
    if digest != found:
        raise ContentChanged(
            f"Wave {wave.name}: the digest does not match its content, which is {found}."
            " Check the content again before you approve it."
        )
    alone = by.pk in {wave.prepared_by_id, wave.edited_by_id}
    if alone:
        _require_waiver(wave, by, waiver)
    require_counted(wave)
    run = clearance.require_cleared(wave, waiver=waiver, seen=seen)
    approved: dict[str, Any] = {
        "approved_by": by,
        "approved_at": now,
        "approved_digest": digest,
        "waiver": waiver if alone else "",
    }
    needed = waiver if alone or run.reds else ""
    move(wave, WaveState.APPROVED, by=by, reason=needed, **approved)
    clearance.record_approval(run, by=by, now=now, waiver=waiver)


def changeable_waves() -> QuerySet[Wave]:
    """Waves that may say something else by now than what was prepared. [X-5]"""
    waiting = Wave.objects.filter(state__in=CHANGEABLE).select_related("campaign")
    return waiting.order_by("campaign_id", "id")


@retried
@transaction.atomic
def renew(wave_pk: int, *, by: User | None, reason: str) -> bool:
    """Take over what the wave would say now, with a new digest: an approval is void, with an alert,
    and the wave is PREPARED again with its members and codes. True if an approval was lost.
    [W-2, X-5]

    Does nothing where nothing changed, and from the trigger on. Where a template cannot be used for
    the wave, its content stays as prepared; it cannot be approved until the template is fixed.
    """
    wave = lock_wave(wave_pk)
    if wave.state not in CHANGEABLE or not content_changed(wave):
        return False
    try:
        content = live_content(wave, texts_in(wave.content))
    except BadTemplate as error:
        if wave.state == WaveState.PREPARED:
            return False
        content, reason = wave.content, f"{reason}: {error}"
    if content_digest(wave) != wave.content_digest:
        return void_members(wave_pk, by=by)
    wave.content = content
    values = {
        "content": content,
        "content_digest": content_digest(wave),
        "notify_channels": content["notify_channels"],
    }
    if by is not None:
        values["edited_by"] = by
    reservations.redate(wave)  # the campaign's time zone may have changed
    if wave.state == WaveState.PREPARED:
        Wave.objects.filter(pk=wave_pk, state=WaveState.PREPARED).update(**values)
        open_job(wave)
        return False
    move(wave, WaveState.PREPARED, by=by, reason=reason, **values, **UNAPPROVED)
    open_job(wave)
    _alert_lost(wave, by, reason, "Approve it again.")
    return True


@retried
@transaction.atomic
def void_members(wave_pk: int, *, by: User | None) -> bool:
    """A wave whose members are not those of its digest has to be prepared again, with an alert
    where it was approved. True if an approval was lost. A held one is left to a person. [W-2, X-5]
    """
    wave = lock_wave(wave_pk)
    if wave.state not in CHANGEABLE or wave.state == WaveState.HELD:
        return False
    if content_digest(wave) == wave.content_digest:
        return False
    was_approved = wave.state in APPROVED
    back_to_configured(wave, by=by, reason=MEMBERS_CHANGED, cause=MEMBERS_CHANGED)
    if was_approved:
        _alert_lost(wave, by, MEMBERS_CHANGED, "Prepare and approve it again.")
    return was_approved


@transaction.atomic
def back_to_configured(wave: Wave, *, by: User | None, reason: str, cause: str = "") -> Wave:
    """→ CONFIGURED with two new attempts; no members, codes still reserved for them. [W-9]"""
    lock_wave(wave.pk)
    drop_members(wave)
    cleared = dict.fromkeys(
        (
            *("error", "zip_key", "candidates_key", "waiting_key", "rejected_key"),
            *("facts_key", "facts_digest", "members_digest", "content_digest"),
        ),
        "",
    )
    move(
        wave,
        WaveState.CONFIGURED,
        by=by,
        reason=reason,
        cause=cause,
        attempts=0,
        selected=0,
        waitlist=0,
        **cleared,
        **NO_VERDICT,
        **UNAPPROVED,
        **WITHDRAWN,
    )
    return wave


def _alert_lost(wave: Wave, by: User | None, reason: str, advice: str) -> None:
    who = f", by {by.get_username()}" if by else ""
    alert(
        f":warning: Wave {wave.name}, due at {wave.notify_date:%Y-%m-%d %H:%M} UTC, has lost its"
        f" approval ({reason}{who}). {advice}"
    )


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
