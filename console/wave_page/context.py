"""All that the page of one wave shows, but for the job that works on it. [W-2, W-10, X-5]

No member is counted for it, however many there are: counts are kept when the wave is prepared or
cancelled, and those of a wave that is being sent are counted for all who look.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils import timezone

from console import wave_progress
from console.access import StaffRequest
from console.message_samples import samples_of
from console.wave_forms import NotifyDateForm, SoftStartForm
from console.wave_page.next_step import Facts, NextStep, next_step
from console.wave_page.steps import steps_of
from console.wave_page.waiting_list import first_places
from operations.adminkit import unmasking
from operations.models import Job, StatusChange
from waves import rights
from waves.actions import RESETTABLE, may_reset
from waves.alarms import lost_approvals
from waves.approval import CHANGEABLE
from waves.choices import WaveState
from waves.codes import partner_assignments
from waves.deadlines.steps import LEFT, deadlines, sending_seconds
from waves.digest import require_unchanged
from waves.errors import BadTemplate, ContentChanged
from waves.holds import freed_by
from waves.lifecycle import subject_of
from waves.models import Wave, WaveUpload
from waves.naming import GRACE
from waves.preflight.clearance import current_run
from waves.preparation.judgement import PREPARABLE
from waves.preparation.submission import JOB_KIND
from waves.review.looks import since_last_look
from waves.second_count import count
from waves.second_count.verdict import WHAT_TO_DO, standing
from waves.sending import results, settling
from waves.soft_start import progress
from waves.soft_start.rules import why
from waves.uploads import submission as uploads

SENDING = (WaveState.TRIGGERED, WaveState.PAUSED)
BEFORE_SENDING = (*PREPARABLE, *CHANGEABLE)


def context_of(request: StaffRequest, wave: Wave) -> dict[str, Any]:
    """What `console/waves/wave.html` shows."""
    now, prepared = timezone.now(), bool(wave.content_digest)
    # some fans may have been notified
    cut_off = wave.state == WaveState.CANCELLED and wave.triggered_at is not None
    is_sent = wave.state in (*SENDING, WaveState.COMPLETED) or cut_off
    is_slow = is_sent and wave_progress.is_slow(wave)
    may_approve = request.user.has_perms(rights.APPROVE)
    changes = StatusChange.objects.about(subject_of(wave)).select_related("by")
    return {
        "wave": wave,
        "campaign": wave.campaign,
        "steps": steps_of(wave),
        "next_step": _next_step(request, wave, now),
        "is_to_be_sent": wave.state in BEFORE_SENDING,
        "may_approve": may_approve,
        "since_last_look": since_last_look(wave, request.user)
        if may_approve and wave.state == WaveState.PREPARED
        else None,
        "deadlines": deadlines(wave.state, wave.notify_date)
        if wave.state in LEFT or wave.state == WaveState.SCHEDULED
        else [],
        "sending_seconds": sending_seconds(
            wave.selected, min(settings.SMS_PER_SECOND, settings.EMAIL_PER_SECOND)
        ),
        "sms_per_second": settings.SMS_PER_SECOND,
        "emails_per_second": settings.EMAIL_PER_SECOND,
        "upload": WaveUpload.objects.filter(wave=wave).first(),
        "markets": wave.wave_markets.select_related("market"),
        "first_places": first_places(wave, hidden=not unmasking.shown(request)),
        "partner_codes": partner_assignments.counts_of(wave),
        "excluded_total": sum(wave.excluded.values()),
        "samples": samples_of(wave, hidden=not unmasking.shown(request)) if prepared else [],
        "author": _is_author(request, wave),
        "four_eyes": settings.WAVES_FOUR_EYES,
        "due": wave.notify_date <= now,
        "grace": GRACE,
        "can_reset": wave.state in RESETTABLE and may_reset(wave, request.user),
        "notify_date_form": _notify_date_form(wave) if wave.state in CHANGEABLE else None,
        "soft_start_form": SoftStartForm(initial={"fans": wave.soft_start})
        if wave.state in CHANGEABLE
        else None,
        "freed": freed_by(wave) if wave.state == WaveState.CANCELLED and prepared else None,
        "count_job": count.last_job(wave),
        "second_count": standing(wave),
        "what_to_do": WHAT_TO_DO,
        "approval_lost": lost_approvals([wave]).get(wave.name),
        "can_cancel": wave.state not in (WaveState.COMPLETED, WaveState.CANCELLED),
        "queue": wave.queue if wave.state == WaveState.COMPLETED and results.has_left(wave) else "",
        "unknown_messages": settling.unknown_messages(wave) if is_sent else 0,
        "sending": wave_progress.counters(wave) if is_sent and not is_slow else None,
        "sending_is_counted": is_slow,
        "history": changes.order_by("-id")[:30],
        "may_show_personal_data": unmasking.may_show(request),
        "personal_data_shown": unmasking.shown(request),
    }


def _is_author(request: StaffRequest, wave: Wave) -> bool:
    return request.user.pk in {wave.prepared_by_id, wave.edited_by_id}


def _next_step(request: StaffRequest, wave: Wave, now: datetime) -> NextStep | None:
    last = None
    run = current_run(wave) if wave.state == WaveState.PREPARED else None
    if wave.state in PREPARABLE:
        jobs = Job.objects.about(subject_of(wave)).filter(kind__in=(JOB_KIND, uploads.JOB_KIND))
        last = jobs.order_by("-id").first()
    return next_step(
        Facts(
            state=wave.state,
            kind=wave.kind,
            attempts=wave.attempts,
            notify_date=wave.notify_date,
            now=now,
            grace=GRACE,
            job_state=last.state if last else "",
            retry_at=last.retry_at if last else None,
            failing=_unusable_messages(wave),
            second_count=standing(wave),
            author=_is_author(request, wave),
            four_eyes=settings.WAVES_FOUR_EYES,
            may_approve=request.user.has_perms(rights.APPROVE),
            has_preflight=run is not None,
            red_lines=run.reds if run else 0,
            soft_start=_soft_start(wave),
        )
    )


def _soft_start(wave: Wave) -> str:
    """How far it is, while nobody has to decide. [N-9]"""
    found = progress.standing(wave) if wave.state == WaveState.PAUSED else None
    return found.row.state if found and not why(found.verdict, found.found) else ""


def _notify_date_form(wave: Wave) -> NotifyDateForm:
    return NotifyDateForm(initial={"notify_date": wave.notify_date}, campaign=wave.campaign)


def _unusable_messages(wave: Wave) -> str:
    """Why a prepared wave cannot be approved: a template that cannot be used for it. [K-3]"""
    if wave.state != WaveState.PREPARED:
        return ""
    try:
        require_unchanged(wave)
    except BadTemplate as refusal:
        return str(refusal)
    except ContentChanged:
        pass  # taken over when it is approved, or within a minute
    return ""
