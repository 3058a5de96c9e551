"""One attempt to prepare a wave: gather, decide, apply, all or nothing. [W-4 … W-9, K-7]

The order of things, so that a process killed anywhere leaves a wave that can be prepared again:

1. the wave is submitted: it is in CONFIGURED, a job is open (`submission.submit_plan`);
2. the attempt is counted, before the work;
3. codes are reserved under (wave, fan) and committed: a later attempt finds the same ones;
4. zip, candidates, waiting list and the facts for the second count are in the bucket, under keys of
   this attempt alone;
5. one transaction writes members, markets, PREPARED, those keys and the end of the job, or nothing.
   What goes wrong until then is written as FAILED first;
6. only then the status file says how it ended, the zip is copied to where others read it, and what
   is left of a failed attempt is deleted. Where the process is killed before that, or the bucket is
   away, a sweep does it (`status_files.py`).

Everything that is written is fenced by the attempt of the job: one that was taken over while it
hung changes neither rows nor codes nor files of the next one. [O-6]

The plan of a preparation (score file, markets, order, minimum) is made once, while the campaign's
lock is held: no other wave can select between the plan and its members. Who prepares at once
submits and selects by that one plan. Who submits for a worker has it checked against a plan of that
moment, so that refusals come at once; but it may wait, and meanwhile scores, markets or fans may
change, so the worker makes its own under the lock. `previewed_digest` goes along: if the selection
is not the one that was previewed, the preparation fails. [W-7]
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from campaigns.choices import LateKind
from campaigns.late_changes import record
from campaigns.locks import selecting
from campaigns.models import Campaign
from campaigns.opening import campaign_of, require_open
from datalake.storage import buckets
from operations import leases
from operations.database.locks import exclusive
from operations.database.retries import retried
from operations.leases import Lease
from operations.models import Job
from operations.threads import helper_thread
from waves.codes import pool, reservations
from waves.codes.pool import ReservedCodes
from waves.errors import WrongState
from waves.lifecycle import require_state, wave_named
from waves.locks import lock_wave
from waves.models import Wave
from waves.naming import attempt_key, attempt_prefix, zip_key
from waves.preparation import attempts, config_files, status_files
from waves.preparation.judgement import PREPARABLE, permit_own_rules, require_seats
from waves.preparation.prepared import mark_prepared
from waves.preparation.sealing import Sealed, select_and_seal
from waves.preparation.submission import require_alone, submit_plan
from waves.preparation.wave_files import NO_MARKET, status_json, wave_zip
from waves.selection.eligibility import write_candidates
from waves.selection.own_rules import own_rules
from waves.selection.plan import Plan, plan_of
from waves.selection.planned_selection import PlannedSelection
from waves.selection.request import WaveRequest
from waves.selection.waiting_list import write_waiting_list

logger = logging.getLogger(__name__)

# selected, facts, codes reserved, zip, all files, members: what the progress of the job counts
STEPS = 6


@dataclass(frozen=True)
class Preparation:
    """A prepared wave, its selection, and how many codes were reserved."""

    wave: Wave
    planned: PlannedSelection
    codes: dict[str, int]

    def as_result(self) -> dict[str, Any]:
        """The result object of `prepare_wave`."""
        return self.planned.as_result() | {
            "wave": self.wave.name,
            "state": self.wave.state,
            "attempt": self.wave.attempts,
            "content_digest": self.wave.content_digest,
            "zip": zip_key(self.wave.campaign.campaign_id, self.wave.date_key),
            "status_file": self.wave.status_key,
            "codes": self.codes,
        }


def prepare(
    request: WaveRequest,
    *,
    by: User,
    now: datetime,
    expedite: str = "",
    reason: str = "",
    previewed_digest: str = "",
) -> Preparation:
    """Submit a wave and prepare it here and now, both from one plan. Raises what `plan_of`,
    `submit_plan` and `run` raise. [W-5]
    """
    with _alone(request.name), selecting(campaign_of(request.campaign_id).pk):
        plan = plan_of(request, now=now)
        job = submit_plan(
            plan,
            request,
            by=by,
            now=now,
            expedite=expedite,
            reason=reason,
            previewed_digest=previewed_digest,
        )
        wave = wave_named(request.name)
        with leases.working(job.pk) as lease:
            return _prepare(wave, replace(plan, wave=wave), lease, by=job.created_by, now=now)


def run(job_id: int, *, now: datetime) -> Wave:
    """Do the preparation a job was opened for, by a plan made now. Raises MembersDiffer,
    WrongState, what `plan_of` and `require_seats` raise, and faults.
    """
    job = Job.objects.select_related("created_by").get(pk=job_id)
    # the claim comes first: it ends what an attempt before holds that hangs
    with leases.working(job_id) as lease, exclusive(_lock(job.subject_id)):
        wave = wave_named(job.subject_id)
        with selecting(wave.campaign_id):
            require_state(wave, *PREPARABLE)
            plan = plan_of(WaveRequest(wave.campaign.campaign_id, wave.date_key), now=now)
            require_seats(plan)
            return _prepare(wave, plan, lease, by=job.created_by, now=now).wave


def _lock(name: str) -> str:
    return f"wave {name}"


@contextmanager
def _alone(name: str) -> Iterator[None]:
    """Hold the wave's lock. Raises AlreadyRunning where another process holds it. [K-7]"""
    with exclusive(_lock(name), wait=False) as alone:
        require_alone(alone, name)
        yield


def _prepare(
    wave: Wave, plan: Plan, lease: Lease, *, by: User | None, now: datetime
) -> Preparation:
    lease.report_progress(0, STEPS)
    with tempfile.TemporaryDirectory() as folder:
        facts, selected = Path(folder) / "facts.zip", partial(lease.report_progress, 1, STEPS)
        sealed = select_and_seal(wave, plan, facts, now=now, selected=selected)
        return _attempt(wave, sealed, lease, by=by, now=now)


def _attempt(
    wave: Wave, sealed: Sealed, lease: Lease, *, by: User | None, now: datetime
) -> Preparation:
    planned, campaign_id, files = sealed.planned, wave.campaign.campaign_id, buckets.scoring()
    prefix, attempt = attempt_prefix(campaign_id, wave.date_key), attempts.attempt_at(lease)
    kept = {
        "zip_key": attempt_key(prefix, attempt, "zip"),
        "candidates_key": attempt_key(prefix, attempt, "parquet"),
        "waiting_key": attempt_key(prefix, attempt, "waiting"),
        "facts_key": attempt_key(prefix, attempt, "facts"),
    }
    # PostgreSQL makes the codes while the large files are written
    with (
        attempts.counted(wave, lease, by=by, started=now),
        helper_thread("files of a wave") as helper,
    ):
        evidence = helper.submit(_keep_evidence, sealed, kept)
        lease.report_progress(2, STEPS)
        reservations.release_others(wave, sealed.members, lease.hold)
        reserved = (
            pool.reserve(wave, sealed.members, now=now, fence=lease.hold)
            if planned.plan.selects
            else pool.no_codes(sealed.members)
        )
        lease.report_progress(3, STEPS)
        markets = [seat.market_id for seat in planned.plan.seats]
        market_ids = markets if planned.plan.selects else [NO_MARKET]
        content, count = wave_zip(reserved.members, market_ids)
        files.put(kept["zip_key"], content)
        lease.report_progress(4, STEPS)
        evidence.result()
        lease.report_progress(5, STEPS)
        status = status_json(
            status="FINISHED",
            attempts=wave.attempts,
            started=now,
            finished=timezone.now(),
            path=files.url_or_path(zip_key(campaign_id, wave.date_key)),
            count=count,
        )
        written = kept | {"facts_digest": sealed.digest, "status_content": status}
        _apply(wave, planned, reserved, lease, by=by, now=now, **written)
    logger.info(
        "wave prepared",
        extra={"wave": wave.name, "members": sealed.members.height, "attempt": wave.attempts},
    )
    status_files.put_right_if_reachable(wave, attempt)
    config_files.put_right_if_reachable(wave)
    return Preparation(wave, planned, reserved.counts())


def _keep_evidence(sealed: Sealed, keys: Mapping[str, str]) -> None:
    """The facts for the second count, who could be selected where, and who waits at which place:
    the draw stays provable when registrations change. [X-14, S-10, W-5]
    """
    planned, folder = sealed.planned, sealed.facts.parent
    candidates, seats = planned.candidates, planned.plan.seats
    markets = {market.pk: market_id for market_id, market in planned.plan.markets.items()}
    record, waiting = folder / "candidates.parquet", folder / "waiting.zip"
    write_candidates(record, candidates, seats, markets)
    write_waiting_list(waiting, candidates.frame, planned.selection.waiting, seats)
    written = {"facts_key": sealed.facts, "candidates_key": record, "waiting_key": waiting}
    for key, path in written.items():
        with path.open("rb") as file:
            buckets.scoring().put(keys[key], file)


@retried
@transaction.atomic
def _apply(
    wave: Wave,
    planned: PlannedSelection,
    reserved: ReservedCodes,
    lease: Lease,
    *,
    by: User | None,
    now: datetime,
    **files: str,
) -> None:
    """Members, markets, digest, state, the `files` that count and the end of the job in one
    transaction, as this attempt. Raises LeaseLost, WrongState. [W-9, O-6]

    A job that ended later could be taken up again after a person had reset its wave. What
    PostgreSQL ends for another transaction's sake is repeated here: it uses up no attempt.
    """
    campaign = lock_wave(wave.pk).campaign
    wave.refresh_from_db()
    require_open(campaign)
    lease.hold()
    if campaign.active_score_file_id != planned.plan.score_file.pk:
        raise WrongState(
            f"Wave {wave.name}: another score file became active during the preparation."
            " Preview the wave and prepare it again."
        )
    _record_own_rules(wave, planned, campaign)
    plan, selection = planned.plan, planned.selection
    mark_prepared(
        wave,
        reserved.members,
        plan.seats,
        plan.markets,
        selection.markets,
        campaign=campaign,
        by=by,
        now=now,
        score_file=plan.score_file,
        least_score=planned.least_score,
        members_digest=selection.members_digest,
        candidates=selection.candidates,
        waitlist=len(selection.waiting),
        returned=planned.returned,
        excluded={str(reason): count for reason, count in planned.excluded.items()},
        **files,
    )
    fans, selected = planned.fans, selection.members.height
    leases.finish(lease, rows_in=fans, rows_out=selected, rows_rejected=fans - selected)


def _record_own_rules(wave: Wave, planned: PlannedSelection, campaign: Campaign) -> None:
    """The wave is not named: its date is nobody's business before it is sent. Raises LateRefused.
    [S-8]
    """
    by, reason = wave.edited_by, wave.own_rules_reason
    person = permit_own_rules(campaign, planned.plan, by=by, reason=reason)
    if person is not None:
        subject = f"a wave's own rules: {', '.join(own_rules(planned.plan))}"
        record(
            campaign,
            LateKind.WAVE_RULES,
            subject,
            by=person,
            reason=reason,
            moved=planned.moved,
            wave=wave.date_key,
        )
