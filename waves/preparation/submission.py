"""Submitting a wave for preparation: everything that can be refused is refused before anything is
written. [W-4, W-9]
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction

from campaigns.locks import lock_campaign
from campaigns.opening import require_open
from datalake.storage import buckets
from operations import job_kinds, jobs
from operations.database.locks import exclusive
from operations.models import Job
from waves.choices import WaveState
from waves.errors import AlreadyRunning
from waves.lifecycle import subject_of
from waves.models import Wave
from waves.naming import market_file_key
from waves.preparation.judgement import (
    MOST_ATTEMPTS,
    PREPARABLE,
    permit_own_rules,
    require_lead_time,
    require_plan,
)
from waves.selection.plan import Plan, plan_of
from waves.selection.request import WaveRequest

JOB_KIND = "prepare_wave"


def submit(
    request: WaveRequest,
    *,
    by: User,
    now: datetime,
    expedite: str = "",
    reason: str = "",
    previewed_digest: str = "",
) -> Job:
    """Check the request, store it as a wave in CONFIGURED (or FAILED), and open the job that
    prepares it. Selects no members. `reason`: of the wave's own rules, where it has any. [S-8]

    `previewed_digest`: of the members of a preview; the preparation selects these or none. [W-7]

    Raises what `plan_of` and `submit_plan` raise, and AlreadyRunning; then nothing is written.
    """
    with exclusive(f"wave {request.name}", wait=False) as alone:
        require_alone(alone, request.name)
        plan = plan_of(request, now=now)
        return submit_plan(
            plan,
            request,
            by=by,
            now=now,
            expedite=expedite,
            reason=reason,
            previewed_digest=previewed_digest,
        )


def submit_plan(
    plan: Plan,
    request: WaveRequest,
    *,
    by: User,
    now: datetime,
    expedite: str = "",
    reason: str = "",
    previewed_digest: str = "",
) -> Job:
    """Store a request whose plan is made; the caller holds the wave's lock.

    Raises what `require_plan` raises, TooLate and NotPermitted [W-4], and LateRefused [S-8]; then
    nothing is written.
    """
    notify_date = require_plan(plan, request, now=now)
    require_lead_time(notify_date, by=by, now=now, reason=expedite, name=request.name)
    permit_own_rules(plan.campaign, plan, by=by, reason=reason)  # before the bucket is written to
    if request.market_file is not None:
        buckets.scoring().put(
            market_file_key(request.campaign_id, request.date_key), request.market_file
        )
    with transaction.atomic():
        campaign = lock_campaign(plan.campaign.pk)
        require_open(campaign)
        person = permit_own_rules(campaign, plan, by=by, reason=reason)
        wave = plan.wave or _new_wave(plan, request, notify_date, by)
        Wave.objects.filter(pk=wave.pk, state__in=PREPARABLE).update(
            notify_date=notify_date,
            order=plan.order,
            single_market=plan.single_market,
            min_score=plan.min_score,
            reassign=plan.reassign,
            tops_up=plan.tops_up,
            expedited=expedite,
            own_rules_reason=reason.strip() if person else "",
            previewed_digest=previewed_digest,
            edited_by=by,
        )
        return jobs.open_job(JOB_KIND, subject_of(wave), by=by)


def pause_before_retry(job: Job, error: Exception) -> timedelta | None:
    """After a fault in the first attempt the second starts without a person; a refusal, and what
    fails twice, is for a person. What failed before an attempt was counted uses none. [W-9]
    """
    if not job_kinds.is_fault(error):
        return None
    wave = Wave.objects.filter(name=job.subject_id).first()
    if wave is None or wave.state != WaveState.FAILED:
        return job_kinds.retry_what_is_transient(job, error)
    first_failed = wave.attempts < MOST_ATTEMPTS
    return timedelta(seconds=settings.PREPARATION_RETRY_SECONDS) if first_failed else None


def require_alone(alone: bool, name: str) -> None:
    """Raises AlreadyRunning unless the wave's lock is ours. [K-7]"""
    if not alone:
        raise AlreadyRunning(
            f"Wave {name} is already being prepared. Wait until the preparation is finished."
        )


def _new_wave(plan: Plan, request: WaveRequest, notify_date: datetime, by: User) -> Wave:
    campaign = plan.campaign
    wave = Wave.objects.create(
        campaign=campaign,
        date_key=request.date_key,
        name=request.name,
        kind=plan.kind,
        notify_date=notify_date,
        category_id=campaign.category_id,
        product_id=campaign.product_id,
        source=campaign.source,
        notify_channels=campaign.notify_channels,
    )
    jobs.record_move(subject_of(wave), "", WaveState.CONFIGURED, by=by)
    return wave
