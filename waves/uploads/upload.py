"""One attempt to take an uploaded list in as a wave: gather, judge, apply, all or nothing. [W-3,
W-9]

As a preparation (`waves.preparation.prepare`), so that a process killed anywhere leaves a wave that
can be taken in again:

1. the list is submitted: the wave is in CONFIGURED, a job is open (`submission.submit`);
2. the attempt is counted, before the work;
3. the rows are judged; codes are reserved under (wave, fan) and committed: a later attempt finds
   the same ones;
4. CODE_GENERATED, where codes are made;
5. zip, rejected rows and the facts for the second count are in the bucket, under keys of this
   attempt alone;
6. one transaction writes members, markets, ledger, PREPARED and the end of the job, or nothing;
7. only then the files that others read follow.
"""

from __future__ import annotations

import logging
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import polars as pl
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from campaigns.formats import rejected_rows
from campaigns.locks import selecting
from campaigns.opening import require_open
from campaigns.scoring import rules
from campaigns.scoring.outcomes import tally
from datalake.storage import buckets
from operations import leases
from operations.database.locks import exclusive
from operations.database.retries import retried
from operations.leases import Lease
from operations.models import Job
from waves.choices import RowReason, WaveState
from waves.codes import reservations
from waves.errors import NoMembers
from waves.holds import seats_given
from waves.lifecycle import move, require_state, wave_named
from waves.locks import lock_wave
from waves.markets import MarketSeat, seats_of_campaign
from waves.models import Wave, WaveUpload
from waves.naming import attempt_key, attempt_prefix, zip_key
from waves.preparation import attempts, config_files, status_files
from waves.preparation.judgement import PREPARABLE
from waves.preparation.members import with_languages
from waves.preparation.prepared import mark_prepared
from waves.preparation.wave_files import status_json, wave_zip
from waves.second_count.uploaded_record import write_upload_facts
from waves.selection.allocation import MarketResult, members_digest
from waves.uploads import codes, submission
from waves.uploads.facts import facts_of
from waves.uploads.forgetting import forget_erased, without_erased
from waves.uploads.reading import WaveList, raws_of, read_list
from waves.uploads.rows import judge_rows, rules_for

logger = logging.getLogger(__name__)

STEPS: Final = 5  # judged, codes, files, facts, members: what the progress of the job counts
NOT_DRAWN: Final = 0.0  # the band score of who was in no draw


@dataclass(frozen=True)
class JudgedList:
    """A list with its outcomes: `rows` of every readable line, with code and `reason`; the wave's
    `members` as they are written; what became of its codes.
    """

    source: WaveList
    rows: pl.DataFrame
    members: pl.DataFrame
    seats: tuple[MarketSeat, ...]
    generated: int
    unused: list[str]

    @property
    def rejected(self) -> pl.DataFrame:
        """`line` and `reason` of each rejected line, in their order."""
        malformed = pl.DataFrame(
            {"line": self.source.malformed}, schema={"line": pl.Int64}
        ).with_columns(pl.lit(RowReason.MALFORMED_ROW.value).alias("reason"))
        judged = self.rows.filter(pl.col("reason").is_not_null()).select("line", "reason")
        return pl.concat([malformed, judged]).sort("line")

    def results(self) -> list[MarketResult]:
        """Of each market; `wanted`: the rows that named it."""
        selected, wanted = tally(self.members["market_id"]), tally(self.rows["market_id"])
        return [
            MarketResult(
                *(seat.market_id, seat.capacity, seat.given, seat.room),
                selected=selected.get(seat.market_id, 0),
                cutoff=None,
                wanted=wanted[seat.market_id],
            )
            for seat in self.seats
        ]

    def ledger(self) -> dict[str, Any]:
        """The counts of the upload's row. [W-3]"""
        by_reason = tally(self.rejected["reason"])
        return {
            "rows_in": self.rows.height + len(self.source.malformed),
            "accepted": self.members.height,
            "rejected": sum(by_reason.values()),
            "rejected_by": by_reason,
            "ignored_columns": list(self.source.ignored),
            "generated": self.generated,
            "failed": by_reason.get(RowReason.CODE_FAILED, 0),
        }


def upload(submitted: submission.Submitted, *, by: User, now: datetime) -> Wave:
    """Submit a list and take it in here and now. Raises what `submission.submit` and `run`
    raise.
    """
    return run(submission.submit(submitted, by=by, now=now).pk, now=now)


def run(job_id: int, *, now: datetime) -> Wave:
    """Take in the list that a job was opened for. Raises BadWaveList, NoMembers, WrongState, what
    the codes raise, and faults.
    """
    job = Job.objects.select_related("created_by").get(pk=job_id)
    # the claim comes first: it ends what an attempt before holds that hangs
    with leases.working(job_id) as lease, exclusive(f"wave {job.subject_id}"):
        wave = wave_named(job.subject_id)
        with selecting(wave.campaign_id):
            require_state(wave, *PREPARABLE)
            lease.report_progress(0, STEPS)
            return _attempt(wave, lease, by=job.created_by, now=now)


def as_result(wave: Wave) -> dict[str, Any]:
    """The result object of `upload_wave`."""
    about = WaveUpload.objects.get(wave=wave)
    return {
        "wave": wave.name,
        "state": wave.state,
        "content_digest": wave.content_digest,
        "rows_in": about.rows_in,
        "accepted": about.accepted,
        "rejected": about.rejected_by,
        "codes": {"generated": about.generated, "failed": about.failed},
        "ignored_columns": about.ignored_columns,
    }


def _attempt(wave: Wave, lease: Lease, *, by: User | None, now: datetime) -> Wave:
    files, attempt = buckets.scoring(), attempts.attempt_at(lease)
    prefix = attempt_prefix(wave.campaign.campaign_id, wave.date_key)
    kept = {
        "zip_key": attempt_key(prefix, attempt, "zip"),
        "rejected_key": attempt_key(prefix, attempt, "rejected"),
        "facts_key": attempt_key(prefix, attempt, "facts"),
    }
    with attempts.counted(wave, lease, by=by, started=now):
        about = WaveUpload.objects.get(wave=wave)
        judged = _judge(wave, about, lease, now=now)
        _codes_made(wave, lease, by=by)
        lease.report_progress(2, STEPS)
        market_ids = [seat.market_id for seat in judged.seats]
        content, count = wave_zip(judged.members, market_ids)
        files.put(kept["zip_key"], content)
        with files.open(about.key) as source, files.writer(kept["rejected_key"]) as out:
            raws = raws_of(source, judged.rejected)
            kept_raws = (without_erased(each, judged.rows) for each in raws)
            rejected_rows.write(out, judged.source.columns, kept_raws)
        forget_erased(about.key, wave.campaign.campaign_id, judged.rows)
        lease.report_progress(3, STEPS)
        with tempfile.TemporaryDirectory() as folder:
            facts = Path(folder) / "facts.zip"
            digest = write_upload_facts(wave, judged.members, facts)
            with facts.open("rb") as sealed:
                files.put(kept["facts_key"], sealed)
        lease.report_progress(4, STEPS)
        status = status_json(
            status="FINISHED",
            attempts=wave.attempts,
            started=now,
            finished=timezone.now(),
            path=files.url_or_path(zip_key(wave.campaign.campaign_id, wave.date_key)),
            count=count,
        )
        written = kept | {"facts_digest": digest, "status_content": status}
        _apply(wave, judged, lease, by=by, now=now, **written)
    logger.info(
        "wave uploaded",
        extra={"wave": wave.name, "members": judged.members.height, "attempt": wave.attempts},
    )
    status_files.put_right_if_reachable(wave, attempt)
    config_files.put_right_if_reachable(wave)
    return wave


def _judge(wave: Wave, about: WaveUpload, lease: Lease, *, now: datetime) -> JudgedList:
    """Every row's outcome, codes included, and the members that are left. Raises
    BadWaveList, NoMembers.
    """
    campaign = wave.campaign
    with buckets.scoring().open(about.key) as file:
        source = read_list(file)
    in_force = rules_for(rules.gather(campaign), wave.options)
    markets = {market.market_id: market for market in campaign.markets.all()}
    seats = seats_of_campaign(markets.values(), campaign.code_source, seats_given(campaign.pk))
    rooms = {seat.market_id: seat.room for seat in seats}
    rows = judge_rows(source.rows, facts_of(wave, source.rows), in_force, rooms)
    lease.report_progress(1, STEPS)
    accepted = rows.filter(pl.col("reason").is_null())
    if wave.generate_offer_code:
        config_files.write_generating(wave)
    coded = codes.give_codes(
        wave,
        _with_markets(accepted, seats, {key: market.pk for key, market in markets.items()}),
        generate=wave.generate_offer_code,
        now=now,
        fence=lease.hold,
    )
    members = coded.rows.filter(pl.col("reason").is_null()).with_columns(
        pl.int_range(1, pl.len() + 1).alias("place"),
        pl.lit(NOT_DRAWN).alias("band_score"),
        pl.lit(None, pl.Int64).alias("reassigned"),
    )
    outcomes = pl.concat(
        [rows.filter(pl.col("reason").is_not_null()), coded.rows.select(rows.columns)]
    )
    members = with_languages(campaign.pk, members)
    named = set(rows["market_id"])
    filled = tuple(seat for seat in seats if seat.market_id in named)
    judged = JudgedList(
        source, outcomes.sort("line"), members, filled, coded.generated, coded.unused
    )
    if members.is_empty():
        raise NoMembers(
            f"No row of the list of wave {wave.name} can be in the wave, so there is no wave to"
            f" approve. Rejected: {_in_words(judged.rejected)}."
        )
    return judged


def _with_markets(
    rows: pl.DataFrame, seats: list[MarketSeat], markets: dict[str, int]
) -> pl.DataFrame:
    """Adds `market` (its key) and `code_source`."""
    of_market = pl.DataFrame(
        [(seat.market_id, markets[seat.market_id], seat.code_source) for seat in seats],
        schema={"market_id": pl.String, "market": pl.Int64, "code_source": pl.String},
        orient="row",
    )
    return rows.join(of_market, on="market_id", how="left", maintain_order="left")


@retried
@transaction.atomic
def _codes_made(wave: Wave, lease: Lease, *, by: User | None) -> None:
    """CONFIGURED → CODE_GENERATED where the wave makes codes; an earlier attempt may have been
    there. Raises LeaseLost, WrongState. [W-2]
    """
    lock_wave(wave.pk)
    lease.hold()
    wave.refresh_from_db()
    if wave.generate_offer_code and wave.state == WaveState.CONFIGURED:
        move(wave, WaveState.CODE_GENERATED, by=by)


@retried
@transaction.atomic
def _apply(
    wave: Wave,
    judged: JudgedList,
    lease: Lease,
    *,
    by: User | None,
    now: datetime,
    **files: str,
) -> None:
    """Members, markets, ledger, digest, state, the `files` that count and the end of the job in one
    transaction, as this attempt. Raises LeaseLost, WrongState. [W-9, O-6]
    """
    campaign = lock_wave(wave.pk).campaign
    wave.refresh_from_db()
    require_open(campaign)
    lease.hold()
    reservations.release_codes(wave, judged.unused)
    ledger = judged.ledger()
    WaveUpload.objects.filter(wave=wave).update(**ledger)
    mark_prepared(
        wave,
        judged.members,
        judged.seats,
        {market.market_id: market for market in campaign.markets.all()},
        judged.results(),
        campaign=campaign,
        by=by,
        now=now,
        members_digest=members_digest(judged.members),
        **files,
    )
    leases.finish(
        lease,
        rows_in=ledger["rows_in"],
        rows_out=ledger["accepted"],
        rows_rejected=ledger["rejected"],
    )


def _in_words(rejected: pl.DataFrame) -> str:
    words = dict(RowReason.choices)
    counts = tally(rejected["reason"])
    return ", ".join(f"{count:,} × {words[reason]}" for reason, count in counts.items())
