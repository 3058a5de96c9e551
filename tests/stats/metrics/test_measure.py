"""The success metrics are measured from the rows of seven days. [O-8]"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from campaigns.models import Campaign
from datalake.models import Claim, Merge
from operations.database.statements import rows, run
from operations.models import Alert, Job, StatusChange
from stats.metrics import measure as measuring
from stats.metrics.goals import GROUPS, LEAST_SMS, WINDOW
from stats.metrics.measure import NOTHING, Measured, assigned, measure, sustained
from stats.models import KeptCount
from tests.support.campaigns import make_campaign
from tests.support.sending import triggered_wave
from tests.support.waves import add_scores
from waves.models import (
    Assignment,
    Code,
    CodeServiceCall,
    FigureBlock,
    Send,
    Wave,
)
from waves.sending import new_messages

pytestmark = pytest.mark.django_db
NOW = timezone.now()
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)
LONG_AGO = NOW - WINDOW - HOUR


def measured(name: str) -> tuple[float | None, int]:
    return measure(now=NOW)[name][:2]


def missed_at(name: str) -> datetime | None:
    return measure(now=NOW)[name].missed_at


def job(kind: str = "sheep", state: str = "done", **values: Any) -> Job:
    given = {"state": state, "finished_at": NOW - HOUR, "error": "x" if state == "failed" else ""}
    given |= {"subject_kind": "sheep", "subject_id": str(Job.objects.count())}
    return Job.objects.create(kind=kind, **given | values)


def wave_with(*, begun=NOW - 2 * HOUR, ended=NOW - HOUR, **parts: int) -> Wave:
    """A completed wave with these kept counts; `sms_failed` for `sms/state/failed/`."""
    wave = triggered_wave(members=1, state="completed")
    Wave.objects.filter(pk=wave.pk).update(triggered_at=begun, completed_at=ended)
    counts = {
        part.replace("_", "/state/", 1) + "/" if part != "email_queued" else "email/queued": number
        for part, number in parts.items()
    }
    FigureBlock.objects.create(wave=wave, block=1, counts=counts)
    return wave


def test_o8_without_rows_there_is_nothing_to_measure():
    found = measure(now=NOW)
    assert list(found) == [goal.name for _, goals in GROUPS for goal in goals]
    assert set(found.values()) == {NOTHING}


def test_o8_a_score_files_time_runs_from_the_start_of_its_work_to_the_stream():
    campaign = make_campaign(entropy_source="the lottery")
    first, second = (add_scores(campaign, [fan], [0.9]) for fan in ("a", "b"))
    for file, seconds in ((first, 100), (second, 400)):
        file.created_at, file.streamed_at = NOW - HOUR, NOW - HOUR + seconds * SECOND
        file.save(update_fields=["created_at", "streamed_at"])
    assert measured("score_file_seconds") == (400, 2)
    # a person started it, then its public value was entered
    begun = job("process_scores", subject_kind="score_file", subject_id=str(second.pk))
    Job.objects.filter(pk=begun.pk).update(created_at=NOW - HOUR + 250 * SECOND)
    assert measured("score_file_seconds") == (150, 2)
    Campaign.objects.filter(pk=campaign.pk).update(
        entropy_entered_at=NOW - HOUR + 380 * SECOND, entropy_value="7"
    )
    assert measured("score_file_seconds") == (20, 2)


def test_o8_records_of_the_dead_letters_count_against_accuracy():
    for first, invalid, done_at in ((1, 0, NOW), (2, 1, NOW), (3, 50, LONG_AGO)):
        counts = {"records_in": 100, "records_out": 100 - invalid, "invalid": invalid}
        Claim.objects.create(
            consumer="lake", source="input", first=first, last=first, state="done",
            done_at=done_at, **counts,
        )  # fmt: skip
    assert measured("data_accuracy") == (99.5, 200)
    assert measured("rows_lost") == (0, 2)


def test_o8_merges_that_were_refused_count_and_those_that_go_on_do_not():
    for number, (state, error) in enumerate(
        [("merged", ""), ("archived", ""), ("archived", ""), ("querying", "too large"),
         ("querying", "")], 1
    ):  # fmt: skip
        Merge.objects.create(
            record_type="scoring", period=f"2026-01-0{number}", generation=1, state=state,
            error=error, merged_at=None if state == "querying" else NOW,
        )  # fmt: skip
    assert measured("merge_success") == (75, 4)


def test_o8_codes_are_compared_when_another_wave_is_triggered_or_after_a_rest():
    def assign(fan: str) -> None:
        held = {"campaign": wave.campaign, "wave": wave, "global_user_id": fan}
        code = Code.objects.create(code=f"CODE{fan}", state="assigned", **held)
        market = wave.wave_markets.get().market
        Assignment.objects.create(code=code, market=market, assigned_at=NOW, **held)

    wave = triggered_wave(members=1)
    assign("a")
    assert measured("code_uniqueness") == (100, 1)
    KeptCount.objects.update(seconds=3.0)
    assign("b")
    assert measured("code_uniqueness") == (100, 1)
    triggered_wave(members=1)
    assert measured("code_uniqueness") == (100, 2)


def test_o8_codes_are_held_against_those_that_are_reserved():
    assert assigned([{"assigned": 150}, {"assigned": 49, "reserved": 1}]) == Measured(99.5, 200)
    wave = triggered_wave(members=1)
    held = {"campaign": wave.campaign, "wave": wave}
    for fan, state in (("a", "published"), ("b", "reserved")):
        Code.objects.create(code=f"CODE{fan}", state=state, global_user_id=fan, **held)
    assert measured("code_assignment") == (50, 2)


def test_o8_codes_of_the_service_are_held_against_what_was_asked_for():
    wave = triggered_wave(members=1)
    market = wave.wave_markets.get().market
    for number, valid, asked_at, answered in (
        (1, 99, NOW - HOUR, True),
        (2, None, NOW - 2 * HOUR, False),  # never answered
        (3, None, NOW, False),  # asked just now
        (4, 0, LONG_AGO, True),
    ):
        CodeServiceCall.objects.create(
            wave=wave, market=market, action="reserve", number=number, quantity=100, valid=valid,
            asked_at=asked_at, answered_at=asked_at if answered else None,
        )  # fmt: skip
    assert measured("code_reservation") == (49.5, 200)


def test_o8_messages_of_finished_waves_are_attempted_and_queued():
    wave_with(sms_sent=90, sms_delivered=5, sms_failed=2, sms_unknown=1, sms_pending=2,
        sms_skipped=50, email_sent=50, email_pending=50, email_queued=99)  # fmt: skip
    going = wave_with(sms_pending=1_000)
    Wave.objects.filter(pk=going.pk).update(state="triggered")
    assert measured("sms_attempts") == (98, 100)
    assert measured("email_queued") == (99, 100)


def test_o8_an_email_that_is_skipped_in_the_queue_hides_none_that_was_lost():
    wave = triggered_wave(members=4, emails=3, state="completed")
    Wave.objects.filter(pk=wave.pk).update(triggered_at=NOW - HOUR, completed_at=NOW)
    new_messages.make_sends(wave)
    skipped, lost, _ = Send.objects.filter(wave=wave, channel="email", state="pending")
    Send.objects.filter(pk=skipped.pk).update(state="skipped", reason="suppressed")
    assert measured("email_queued") == (100, 2)
    Send.objects.filter(pk=lost.pk).update(queued_at=None)
    assert measured("email_queued") == (50, 2)


def test_o8_a_wave_takes_from_its_trigger_to_completion():
    wave_with(ended=NOW - HOUR)
    larger = wave_with(ended=NOW)
    Wave.objects.filter(pk=larger.pk).update(selected=100_001)
    assert measured("wave_seconds") == (3_600, 1)


def test_o8_the_newest_sample_that_misses_is_known_beside_the_worst():
    wave_with(begun=NOW - 9 * HOUR, ended=NOW - 5 * HOUR)
    wave_with(begun=NOW - 4 * HOUR, ended=NOW - 3 * HOUR)
    wave_with(begun=NOW - HOUR, ended=NOW - HOUR + SECOND)
    assert measure(now=NOW)["wave_seconds"] == (4 * 3_600, 3, NOW - 3 * HOUR)
    for rate, ago in ((100, 30), (150, 25), (196, 20)):
        sent(rate, ago * HOUR)
    assert missed_at("sms_per_second") == NOW - 25 * HOUR + 60 * SECOND


def test_o8_the_rate_is_that_from_the_fifth_second_until_the_wave_is_complete():
    done = datetime.fromtimestamp(1_000, UTC)
    ramp = {900 + n: 10 for n in range(4)}
    steady = {904 + n: 200 for n in range(50)}
    assert sustained(ramp | steady | {954: 3}, done) == 200
    assert sustained(ramp | steady | {1_001: 900}, done) == 200
    assert sustained({900: LEAST_SMS - 1}, done) is None
    assert sustained({900: LEAST_SMS}, done) is None


def sent(per_second: int, ago: timedelta, seconds: int = 60) -> Wave:
    """A wave that was sent at this rate, and when."""
    begun = NOW - ago
    wave = wave_with(begun=begun, ended=begun + seconds * SECOND)
    first = int(begun.timestamp())
    counts = {f"sms/second/{first + n}": per_second for n in range(seconds)}
    FigureBlock.objects.filter(wave=wave).update(counts=counts)
    return wave


def changed(kind: str, name: str, to_state: str, ago: timedelta) -> None:
    values = {"subject_kind": kind, "subject_id": name, "to_state": to_state}
    StatusChange.objects.create(**values, at=NOW - ago)


def test_o8_the_rate_is_that_of_waves_that_were_sent_alone():
    sent(196, 2 * HOUR)
    sent(99, 4 * HOUR)  # too few
    changed("wave", sent(100, 6 * HOUR).name, "paused", 6 * HOUR)
    sent(100, 8 * HOUR)
    sent(100, 8 * HOUR)  # beside it
    assert measured("sms_per_second") == (196, 1)


def test_o8_a_wave_beside_one_that_goes_on_or_was_cancelled_later_was_not_sent_alone():
    def begun(ago: timedelta, state: str) -> Wave:
        wave = triggered_wave(members=1, state=state)
        Wave.objects.filter(pk=wave.pk).update(triggered_at=NOW - ago, completed_at=None)
        return wave

    sent(150, 9 * HOUR)
    changed("wave", begun(8 * HOUR, "cancelled").name, "cancelled", 6 * HOUR)
    sent(100, 7 * HOUR)  # beside the cancelled one
    sent(160, 5 * HOUR)  # after it
    begun(4 * HOUR, "triggered")
    sent(100, 3 * HOUR)  # beside one that goes on
    assert measured("sms_per_second") == (150, 2)


def test_o8_a_wave_during_which_the_account_was_paused_says_nothing_about_the_rate():
    sent(100, 9 * HOUR)
    changed("account", "sms_http", "paused", 9 * HOUR - SECOND)
    sent(196, 8 * HOUR)  # through another account
    sent(100, 7 * HOUR)
    changed("account", "sms_http", "sending", 7 * HOUR - SECOND)
    sent(197, 6 * HOUR)
    changed("account", "email_django", "paused", 6 * HOUR - SECOND)
    assert measured("sms_per_second") == (196, 2)


def test_o8_jobs_succeed_in_the_end_or_fail():
    job()
    job(state="failed")
    job(state="failed", retry_at=NOW + HOUR)
    job(state="cancelled")
    job(state="failed", finished_at=LONG_AGO)
    assert measured("job_success") == (50, 2)
    assert measured("retry_success") == (None, 0)
    job("prepare_wave", state="failed")  # not repeated
    job("prepare_wave", retries=1)
    job("upload_wave", state="failed", retries=2)
    assert measured("retry_success") == (50, 2)


def test_o8_alerts_are_timed_and_a_silent_service_was_silent_before():
    def alerted(text: str, seconds: int | None, ago: timedelta = HOUR) -> None:
        row = Alert.objects.create(text=text, state="pending" if seconds is None else "sent")
        created = NOW - ago
        sent_at = None if seconds is None else created + seconds * SECOND
        Alert.objects.filter(pk=row.pk).update(created_at=created, sent_at=sent_at)

    alerted(":red_circle: Import scores failed for sheep", 10)
    alerted(":red_circle: Service workers has been silent for more than 3 minutes (here).", 20)
    alerted(":bar_chart: Spring Tour", 40)
    assert measured("alert_seconds") == (40, 3)
    assert measured("detection_seconds") == ((10 + 200) / 2, 2)
    alerted(":red_circle: waits", None, 50 * SECOND)
    assert measured("alert_seconds") == (50, 4)


@pytest.mark.parametrize(
    ("statement", "indexes"),
    [
        (measuring.ACCURACY, ["claim_done"]),
        (measuring.LEDGERS, ["job_finished", "claim_done"]),
        (measuring.JOBS, ["job_finished"]),
        (measuring.RETRIES, ["job_finished"]),
        (measuring.ALERTS, ["alert_created"]),
        (measuring.DETECTION, ["alert_created"]),
    ],
    ids=["accuracy", "ledgers", "jobs", "retries", "alerts", "detection"],
)
def test_o8_seven_days_are_found_without_reading_what_is_older(statement, indexes):
    run("ANALYZE operations_job, operations_alert, datalake_claim")  # not for rows of other tests
    run("SET LOCAL enable_seqscan = off")
    plan = rows("EXPLAIN " + statement, since=NOW - WINDOW, now=NOW, silent=HOUR)
    assert [name for name in indexes if name not in str(plan)] == []
