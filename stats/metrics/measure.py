"""The success metrics, measured from the rows of the last seven days. [O-8]

What is counted already is not counted again: messages of waves are kept by blocks, their codes as
for statistics.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from operations.database.statements import rows
from operations.models import StatusChange
from operations.services.heartbeats import SILENT_AFTER
from stats.metrics.goals import LEAST_SMS, MOST_FANS, WINDOW, Goal, goals_by_name
from stats.snapshots.counting import codes_of, kept
from waves.choices import Channel, CodeCall, SendState, WaveState
from waves.figures import kept as wave_figures
from waves.figures.parts import ChannelFigures
from waves.models import Wave
from waves.providers import registry


class Measured(NamedTuple):
    """A value in its goal's unit, of so many samples; None where there are none. `missed_at`: of
    a metric that is its worst sample, when the newest one was that misses the target.
    """

    value: float | None
    samples: int = 0
    missed_at: datetime | None = None


NOTHING: Final = Measured(None)
PENDING, SENDING = SendState.PENDING, SendState.SENDING
ENDED: Final = (WaveState.COMPLETED, WaveState.CANCELLED)
SCORE_FILES: Final = """
SELECT extract(epoch FROM file.streamed_at - greatest(file.created_at, job.at,
    campaign.entropy_entered_at))::float AS seconds, file.streamed_at AS at
FROM campaigns_scorefile AS file
JOIN campaigns_campaign AS campaign ON campaign.id = file.campaign_id
LEFT JOIN LATERAL (SELECT min(created_at) AS at FROM operations_job
    WHERE kind = 'process_scores' AND subject_kind = 'score_file' AND subject_id = file.id::text)
    AS job ON true
WHERE file.streamed_at > %(since)s
"""
ACCURACY: Final = """
SELECT coalesce(sum(records_in - invalid), 0)::bigint, coalesce(sum(records_in), 0)::bigint
FROM datalake_claim WHERE done_at > %(since)s
"""
MERGES: Final = """
SELECT count(*) FILTER (WHERE state IN ('merged', 'archived')), count(*) FROM datalake_merge
WHERE coalesce(merged_at, started_at) > %(since)s
    AND (state IN ('merged', 'archived') OR error <> '')
"""
LEDGERS: Final = """
SELECT coalesce(sum(abs(rows_in - rows_out - rows_rejected)), 0)::bigint, count(*) FROM (
    SELECT rows_in, rows_out, rows_rejected FROM operations_job
    WHERE state = 'done' AND finished_at > %(since)s
    UNION ALL SELECT rows_in, accepted, rejected FROM campaigns_scorefile
    WHERE state IN ('validated', 'streamed', 'saved') AND created_at > %(since)s
    UNION ALL SELECT rows_in, accepted, rejected FROM campaigns_registrationimport
    WHERE finished AND created_at > %(since)s
    UNION ALL SELECT records_in, records_out + duplicates, invalid FROM datalake_claim
    WHERE done_at > %(since)s
) AS ledgers
"""
# A code has one assignment by a constraint: this is what it holds, asked of the rows.
UNIQUENESS: Final = """
SELECT count(DISTINCT code_id), count(*) FROM waves_assignment WHERE wave_id = ANY(%(waves)s)
"""
RESERVATION: Final = """
SELECT coalesce(sum(coalesce(valid, 0)), 0)::bigint, coalesce(sum(quantity), 0)::bigint
FROM waves_codeservicecall WHERE action = %(action)s AND asked_at > %(since)s
    AND (answered_at IS NOT NULL OR asked_at < %(since)s + interval '7 days' - interval '1 hour')
"""
WAVES: Final = """
SELECT extract(epoch FROM completed_at - triggered_at)::float AS seconds, completed_at AS at
FROM waves_wave
WHERE completed_at > %(since)s AND triggered_at IS NOT NULL AND selected <= %(most)s
"""
JOBS: Final = """
SELECT count(*) FILTER (WHERE state = 'done'), count(*) FROM operations_job
WHERE state IN ('done', 'failed') AND retry_at IS NULL AND finished_at > %(since)s
"""
RETRIES: Final = """
SELECT count(*) FILTER (WHERE state = 'done'), count(*) FROM operations_job
WHERE kind IN ('prepare_wave', 'upload_wave') AND retries > 0 AND retry_at IS NULL
    AND state IN ('done', 'failed') AND finished_at > %(since)s
"""
ALERTS: Final = """
SELECT extract(epoch FROM coalesce(sent_at, %(now)s) - created_at)::float AS seconds,
    coalesce(sent_at, %(now)s) AS at
FROM operations_alert WHERE state IN ('sent', 'pending') AND created_at > %(since)s
"""
DETECTION: Final = """
SELECT avg(extract(epoch FROM sent_at - created_at
    + CASE WHEN text LIKE ':red_circle: Service %%3 minutes%%' THEN %(silent)s
        ELSE interval '0' END)::float), count(*)
FROM operations_alert WHERE state = 'sent' AND created_at > %(since)s
    AND (text LIKE ':red_circle:%%' OR text LIKE ':warning:%%')
"""


def measure(*, now: datetime) -> dict[str, Measured]:
    """Every metric of `goals.GROUPS` by its name."""
    asked = {"since": now - WINDOW, "now": now, "silent": SILENT_AFTER, "most": MOST_FANS}
    triggered = list(Wave.objects.filter(triggered_at__gt=now - WINDOW))
    alone = list(_sent_alone(now))
    goals = goals_by_name(settings.SMS_PER_SECOND)
    figures = wave_figures.figures_of_all(wave.pk for wave in [*triggered, *alone])
    ended = [figures[wave.pk].channels for wave in triggered if wave.state in ENDED]
    return {
        "score_file_seconds": _slowest(SCORE_FILES, asked, goals["score_file_seconds"]),
        "data_accuracy": _share(ACCURACY, asked),
        "merge_success": _share(MERGES, asked),
        "rows_lost": _highest(LEDGERS, asked),
        "code_uniqueness": unique(triggered, now=now),
        "code_assignment": assigned(codes_of(wave, at=now) for wave in triggered),
        "code_reservation": _share(RESERVATION, asked | {"action": CodeCall.RESERVE.value}),
        "sms_attempts": attempted(each[Channel.SMS] for each in ended),
        "email_queued": queued(each[Channel.EMAIL] for each in ended),
        "wave_seconds": _slowest(WAVES, asked, goals["wave_seconds"]),
        "sms_per_second": slowest(
            ((figures[wave.pk].channels[Channel.SMS], wave.completed_at or now) for wave in alone),
            goals["sms_per_second"],
        ),
        "job_success": _share(JOBS, asked),
        "alert_seconds": _slowest(ALERTS, asked, goals["alert_seconds"]),
        "retry_success": _share(RETRIES, asked),
        "detection_seconds": _highest(DETECTION, asked),
    }


def unique(waves: Sequence[Wave], *, now: datetime) -> Measured:
    """Codes of these waves that have one assignment. Hundreds of thousands are not compared every
    five minutes.
    """
    numbers = sorted(wave.pk for wave in waves)

    def count() -> dict[str, int]:
        return dict(zip(("unique", "all"), rows(UNIQUENESS, waves=numbers)[0], strict=True))

    state = f"{len(numbers)} waves to {max(numbers, default=0)}"
    found = kept("assigned codes", state, count, at=now)
    return percent(found["unique"], found["all"])


def assigned(codes: Iterable[Mapping[str, int]]) -> Measured:
    """Codes that are assigned, of those that waves hold."""
    total = Counter[str]()
    for each in codes:
        total.update(each)
    return percent(total["assigned"], total["assigned"] + total["reserved"])


def attempted(channels: Iterable[ChannelFigures]) -> Measured:
    """SMS that were handed to the provider or tried to be, of those that could be."""
    counts = [(each.all, each.states[PENDING] + each.states[SENDING]) for each in channels]
    every = sum(count for count, _ in counts)
    return percent(every - sum(waiting for _, waiting in counts), every)


def queued(channels: Iterable[ChannelFigures]) -> Measured:
    """E-mails that came into the queue, of all that were to be sent. One that was skipped there
    was not to be sent after all, and stands in for none that was lost.
    """
    counts = [(each.queued - each.skipped_later, each.all) for each in channels]
    return percent(sum(count for count, _ in counts), sum(count for _, count in counts))


def slowest(waves: Iterable[tuple[ChannelFigures, datetime]], goal: Goal) -> Measured:
    """The lowest rate of a wave that had enough SMS to send until it was complete."""
    rates = {
        done: rate for sms, done in waves if (rate := sustained(sms.by_second, done)) is not None
    }
    missed = (done for done, rate in rates.items() if not goal.is_met(rate))
    least = min(rates.values(), default=None)
    return Measured(least, len(rates), max(missed, default=None))


def sustained(by_second: Mapping[int, int], done: datetime) -> float | None:
    """Messages a second from the fifth second on, the last one aside; None of a few. What is sent
    again after the wave is complete does not count. [N-2]
    """
    counts = {second: count for second, count in by_second.items() if second <= done.timestamp()}
    if sum(counts.values()) < LEAST_SMS:
        return None
    first, last = min(counts) + 4, max(counts)
    full = sum(count for second, count in counts.items() if first <= second < last)
    return full / (last - first) if last > first else None


def percent(part: int, of: int) -> Measured:
    return Measured(100 * part / of, of) if of else NOTHING


def _sent_alone(now: datetime) -> QuerySet[Wave]:
    """Waves that nobody paused, that no other wave was sent beside, and during which no account of
    an SMS provider was paused or resumed: through one that was paused all the time they did not go.
    """
    history = StatusChange.objects.filter(subject_kind="wave", subject_id=OuterRef("name"))
    paused = history.filter(to_state=WaveState.PAUSED)
    cancelled = history.filter(to_state=WaveState.CANCELLED).order_by("-id").values("at")[:1]
    ended = Coalesce("completed_at", Subquery(cancelled), Value(now))
    beside = (
        Wave.objects.exclude(pk=OuterRef("pk"))
        .annotate(ended=ended)
        .filter(triggered_at__lt=OuterRef("completed_at"), ended__gt=OuterRef("triggered_at"))
    )
    account = StatusChange.objects.filter(
        subject_kind="account",
        subject_id__in=[provider.name for provider in registry.SMS.values()],
        at__gte=OuterRef("triggered_at"),
        at__lte=OuterRef("completed_at"),
    )
    done = Wave.objects.filter(completed_at__gt=now - WINDOW, triggered_at__isnull=False)
    return done.filter(~Exists(paused), ~Exists(beside), ~Exists(account))


def _share(statement: str, values: dict[str, Any]) -> Measured:
    return percent(*rows(statement, **values)[0])


def _slowest(statement: str, values: dict[str, Any], goal: Goal) -> Measured:
    """Of the `seconds` that the statement finds, each with `at`, its time."""
    counted = f"""
        SELECT max(seconds), count(*), max(at) FILTER (WHERE seconds >= %(target)s)
        FROM ({statement}) AS samples
    """  # noqa: S608 the statements are constants
    return Measured(*rows(counted, **values, target=goal.target)[0])


def _highest(statement: str, values: dict[str, Any]) -> Measured:
    value, samples = rows(statement, **values)[0]
    return Measured(float(value), samples) if samples and value is not None else NOTHING
