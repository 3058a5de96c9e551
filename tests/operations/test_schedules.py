"""Scheduled runs are declared by the apps and written after each migrate. [O-6, L-3]"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command
from django.utils.module_loading import import_string
from django_q.models import Schedule

from operations import schedules
from operations.schedules import OURS, ScheduledRun, register, registered, write
from operations.tasks import run_scheduled

DECLARED = {
    "give_back_codes": ("minute", "waves.codes.partner_codes.give_back_codes"),
    "warn_of_deadlines": ("minute", "waves.tasks.warn_of_deadlines"),
    "look_after_waves": ("minute", "waves.tasks.look_after"),
    "look_for_dropped_files": ("minute", "campaigns.tasks.look_for_dropped_files"),
    "look_for_due_rounds": ("minute", "campaigns.tasks.look_for_due_rounds"),
    "look_for_missing_reports": ("minute", "campaigns.tasks.look_for_missing_reports"),
    "look_for_waiting_files": ("minute", "campaigns.tasks.look_for_waiting_files"),
    "check_parity": ("day", "datalake.tasks.check_parity"),
    "count_published": ("hour", "datalake.tasks.count_published"),
    "forget_query_answers": ("hour", "datalake.tasks.forget_query_answers"),
    "mirror_catalogue": ("minute", "datalake.tasks.mirror_catalogue"),
    "merge_daily": ("day", "datalake.tasks.merge_daily"),
    "merge_monthly": ("month", "datalake.tasks.merge_monthly"),
    "prune_daily": ("day", "datalake.tasks.prune_daily"),
    "prune_failed_sign_ins": ("hour", "console.sign_in.attempts.prune_failed_sign_ins"),
    "save_stats": ("5 minutes", "stats.tasks.save_stats"),
    "watch_metrics": ("5 minutes", "stats.tasks.watch_metrics"),
    "slack_stats": ("30 minutes", "stats.tasks.slack_stats"),
    "report_finished": ("minute", "stats.tasks.report_finished"),
    "thin_out_stats": ("day", "stats.tasks.thin_out_stats"),
    "repair_glue_partitions": ("hour", "demand.tasks.repair_glue_partitions"),
}
NOW = datetime(2026, 3, 14, 15, 9, 26, tzinfo=UTC)


def shear() -> None:
    """A run of the tests."""


def count() -> None:
    """Another one."""


@pytest.fixture
def empty(db):
    Schedule.objects.all().delete()


def rows() -> list[dict]:
    return list(Schedule.objects.order_by("name").values())


def test_the_apps_declare_these_runs():
    assert {run.name: (run.every, run.path) for run in registered()} == DECLARED


@pytest.mark.parametrize("run", registered(), ids=lambda run: run.name)
def test_a_worker_finds_the_function_of_a_run(run):
    assert import_string(run.path) is run.run


def test_the_merges_of_the_lake_run_at_their_hours():
    """L-3: daily at 10:00 UTC, monthly on day 2 at 09:00 UTC."""
    runs = {run.name: run for run in registered()}
    assert (runs["merge_daily"].hour, runs["merge_monthly"].day) == (10, 2)
    assert runs["merge_monthly"].hour == 9


@pytest.mark.parametrize(
    ("run", "first"),
    [
        (ScheduledRun("a", shear, "minute"), NOW),
        (ScheduledRun("a", shear, "30 minutes"), NOW),
        (ScheduledRun("a", shear, "hour"), NOW),
        (ScheduledRun("a", shear, "day", hour=16), datetime(2026, 3, 14, 16, tzinfo=UTC)),
        (ScheduledRun("a", shear, "day", hour=15), datetime(2026, 3, 15, 15, tzinfo=UTC)),
        (ScheduledRun("a", shear, "month", day=14, hour=16), datetime(2026, 3, 14, 16, tzinfo=UTC)),
        (ScheduledRun("a", shear, "month", day=2, hour=9), datetime(2026, 4, 2, 9, tzinfo=UTC)),
    ],
)
def test_a_run_first_comes_at_its_next_time(run, first):
    assert run.next_run(NOW) == first
    assert run.is_due_at(first)
    assert all(timedelta(0) <= run.next_run(NOW + n * timedelta(hours=7)) - NOW for n in range(300))


@pytest.mark.django_db
def test_after_migrate_the_declared_runs_are_there(empty):
    call_command("migrate", verbosity=0)
    written = {row["name"]: (row["func"], row["args"], row["repeats"]) for row in rows()}
    assert written == {
        f"{OURS}{name}": ("operations.tasks.run_scheduled", repr((name,)), -1) for name in DECLARED
    }


def test_where_a_worker_begins_is_there():
    assert import_string(schedules.RUNNER) is run_scheduled


@pytest.mark.django_db
def test_a_second_migrate_changes_nothing(empty):
    call_command("migrate", verbosity=0)
    before = rows()
    call_command("migrate", verbosity=0)
    assert rows() == before


@pytest.mark.django_db
@pytest.mark.parametrize(
    "changed",
    [
        ScheduledRun("a", shear, "minute"),
        ScheduledRun("a", shear, "month", day=3, hour=9),
        ScheduledRun("a", shear, "day", hour=11),
    ],
    ids=["interval", "day", "hour"],
)
def test_a_changed_declaration_changes_its_row(empty, changed):
    write([ScheduledRun("a", shear, "day", hour=9)], now=NOW)
    (before,) = rows()
    write([changed], now=NOW)
    (after,) = rows()
    assert after["id"] == before["id"]
    assert (after["schedule_type"], after["next_run"]) == (
        schedules.TYPES[changed.every],
        changed.next_run(NOW),
    )


@pytest.mark.django_db
def test_a_run_of_every_minute_becomes_one_of_every_five_and_thirty(empty):
    for every, minutes in (("minute", 1), ("5 minutes", 5), ("30 minutes", 30)):
        write([ScheduledRun("a", shear, every)], now=NOW)
        (row,) = rows()
        assert (row["schedule_type"], row["minutes"]) == ("I", minutes)


@pytest.mark.django_db
def test_a_run_that_is_no_longer_declared_goes(empty):
    write([ScheduledRun("a", shear, "hour"), ScheduledRun("b", count, "hour")], now=NOW)
    write([ScheduledRun("b", count, "hour")], now=NOW)
    assert [row["name"] for row in rows()] == [f"{OURS}b"]


@pytest.mark.django_db
def test_what_an_operator_paused_or_added_is_left_alone(empty):
    run = ScheduledRun("a", shear, "minute")
    write([run], now=NOW)
    Schedule.objects.update(repeats=0, next_run=NOW + timedelta(days=9))
    Schedule.objects.create(name="a", func="datalake.tasks.merge_daily", schedule_type="H")
    Schedule.objects.create(name=None, func="datalake.tasks.merge_daily", schedule_type="H")
    before = rows()
    write([run], now=NOW + timedelta(days=1))
    assert rows() == before


@pytest.mark.django_db
def test_a_paused_run_stays_paused_when_its_declaration_changes(empty):
    write([ScheduledRun("a", shear, "minute")], now=NOW)
    Schedule.objects.update(repeats=0)
    write([ScheduledRun("a", count, "hour")], now=NOW)
    (row,) = rows()
    assert (row["schedule_type"], row["repeats"]) == ("H", 0)


@pytest.mark.django_db
def test_nothing_is_written_before_the_queue_has_its_tables(empty):
    class Unmigrated:
        def get_model(self, app: str, model: str) -> None:
            raise LookupError(app, model)

    schedules.write_after_migrate(apps=Unmigrated())
    assert rows() == []


def test_a_run_cannot_be_registered_twice(monkeypatch):
    monkeypatch.setattr(schedules, "_RUNS", {})
    with pytest.raises(ValueError, match="'a' is registered twice"):
        register([ScheduledRun("a", shear, "hour"), ScheduledRun("a", count, "hour")])
