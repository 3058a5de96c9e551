from __future__ import annotations

import io
import json
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection, connections

from datalake import archive, catalogue, layout, merge, save
from datalake.avro import container
from datalake.choices import FileState, MergeState
from datalake.errors import (
    CountMismatch,
    MergeBusy,
    NoFiles,
    NotAvro,
    OutdatedSchema,
    TooLarge,
    TypeNotEnabled,
)
from datalake.layout import Period
from datalake.models import LakeFile, LakePartition, Merge
from datalake.parity import check
from datalake.storage import buckets
from operations.choices import JobState
from operations.database.locks import exclusive
from operations.models import Job
from tests.datalake.lake_cases import (
    DAY,
    Killed,
    die,
    ids,
    put_bytes,
    put_foreign,
    readable_ids,
    save_loose,
    second_version,
    valid,
)
from tests.support.lake import NOON, lake_bytes, publish_registrations, publish_scores

pytestmark = pytest.mark.django_db

LATER = datetime(2026, 1, 25, 10, 0, tzinfo=UTC)
LEAP_DAYS = ["2024-02-28", "2024-02-29", "2024-03-01"]
TWO_MONTHS = ["2024-02", "2024-03"]


def test_many_files_become_one_with_the_same_records():
    """[L-3, L-6, L-9]"""
    save_loose(3_000, 10, 1)
    done = merge.merge_period("scoring", DAY)
    [file] = catalogue.readable_files("scoring", DAY)
    assert file.key == "avro/scoring/merged/2026/01/20/scoring_2026_01_20.g1.avro"
    assert readable_ids() == ids(3_011)
    assert (done.state, done.files, done.records_in, done.records_out) == (
        MergeState.MERGED,
        3,
        3_011,
        3_011,
    )
    assert file.content_hash == LakePartition.objects.get().content_hash
    with buckets.campaign_data().open(file.key) as source:
        assert container.read_header(source).summary == container.Summary(
            3_011, int(file.content_hash, 16)
        )


def test_the_statistics_say_what_the_merge_did():
    """[L-7]"""
    save_loose(100, 100)
    before = sum(LakeFile.objects.values_list("bytes", flat=True))
    done = merge.merge_period("scoring", DAY)
    assert (done.bytes_before, done.bytes_after) == (
        before,
        buckets.campaign_data().size(done.merged_key),
    )


def test_a_late_file_opens_a_past_period_again():
    """[L-3]"""
    count = save_loose(5, 5)
    assert [str(each) for each in merge.merge_past(["scoring"], monthly=False, now=LATER)[0]] == [
        "scoring 2026-01-20 g1"
    ]
    assert merge.merge_past(["scoring"], monthly=False, now=LATER) == ([], [])
    save_loose(3, first=count)
    assert readable_ids() == ids(13)
    [again], _ = merge.merge_past(["scoring"], monthly=False, now=LATER)
    assert (again.generation, again.files, again.records_out) == (2, 2, 13)
    assert readable_ids() == ids(13)
    assert LakeFile.objects.get(generation=1).state == FileState.SUPERSEDED


def test_a_day_that_is_not_over_is_left_alone():
    """[L-3]"""
    save_loose(5, created=LATER)
    save_loose(5, created=LATER - timedelta(days=1), first=5)
    merges, _ = merge.merge_past(["scoring"], monthly=False, now=LATER)
    assert [each.period for each in merges] == ["2026-01-24"]


@pytest.mark.parametrize(
    ("now", "days", "months"),
    [
        ("2024-02-28T23:59:59.999999", [], []),
        ("2024-02-29T00:00:00", ["2024-02-28"], []),
        ("2024-02-29T23:59:59.999999", ["2024-02-28"], []),
        ("2024-03-01T00:00:00", ["2024-02-28", "2024-02-29"], ["2024-02"]),
        ("2024-12-31T23:59:59.999999", LEAP_DAYS, TWO_MONTHS),
        ("2025-01-01T00:00:00", [*LEAP_DAYS, "2024-12-31"], [*TWO_MONTHS, "2024-12"]),
    ],
)
def test_a_day_and_a_month_are_over_at_midnight_utc_in_leap_years_too(
    monkeypatch, now, days, months
):
    """[L-3]"""
    monkeypatch.setattr(merge, "merge_period", lambda record_type, period: str(period))
    moments = ("02-28T00:00", "02-29T23:59", "03-01T00:00", "12-31T23:59")
    for number, moment in enumerate(moments):
        save_loose(1, first=number, created=datetime.fromisoformat(f"2024-{moment}:00+00:00"))
    put_foreign("theirs", [valid(1)], folder="avro/registration/2024/02/29")
    given = datetime.fromisoformat(f"{now}+00:00")
    assert merge.merge_past(["scoring"], monthly=False, now=given) == (days, [])
    assert merge.merge_past(["scoring"], monthly=True, now=given) == (months, [])
    leap_day = [day for day in days if day == "2024-02-29"]
    assert merge.merge_past(["registration"], monthly=False, now=given) == (leap_day, [])


def test_a_month_takes_its_days_merged_or_not():
    """[L-3]"""
    save_loose(5, 5)
    merge.merge_period("scoring", DAY)
    save_loose(7, created=NOON + timedelta(days=1), first=10)
    save_loose(2, created=NOON + timedelta(days=20), first=17)
    [done], _ = merge.merge_past(["scoring"], monthly=True, now=datetime(2026, 2, 2, tzinfo=UTC))
    assert (done.merged_key, done.files) == (
        "avro/scoring/merged/2026/01/scoring_2026_01.g1.avro",
        2,
    )
    assert readable_ids(Period(2026, 1)) == ids(17)
    assert [file.period for file in catalogue.readable_files("scoring", DAY)] == ["2026-01"]
    assert merge.merge_past(["scoring"], monthly=True, now=datetime(2026, 2, 3, tzinfo=UTC)) == (
        [],
        [],
    )


def test_a_late_day_is_taken_by_the_next_merge_of_its_month():
    """[L-3]"""
    month = Period(2026, 1)
    count = save_loose(5)
    merge.merge_period("scoring", month)
    save_loose(2, first=count)
    assert merge.merge_period("scoring", DAY).generation == 1
    assert readable_ids(month) == ids(7)
    done = merge.merge_period("scoring", month)
    assert (done.generation, done.files) == (2, 2)
    assert readable_ids(month) == ids(7)


def test_a_period_without_files_is_refused():
    """[L-3]"""
    with pytest.raises(NoFiles, match="avro/scoring/2026/01/20/"):
        merge.merge_period("scoring", DAY)
    save_loose(5)
    merge.merge_period("scoring", DAY)
    with pytest.raises(NoFiles, match="already one merged file"):
        merge.merge_period("scoring", DAY)


def test_a_type_that_is_not_enabled_is_refused(settings):
    """[L-3]"""
    settings.MERGE_RECORD_TYPES = ["registration"]
    save_loose(5, 5)
    with pytest.raises(TypeNotEnabled, match="registration"):
        merge.merge_period("scoring", DAY)
    assert not Merge.objects.exists()


def refused(error, **options):
    """Whoever refuses leaves the sources as they are, visible, and nothing beside them."""
    files, content = list(LakeFile.objects.order_by("key").values()), lake_bytes()
    with pytest.raises(error) as caught:
        merge.merge_period("scoring", DAY, **options)
    assert list(LakeFile.objects.order_by("key").values()) == files
    assert lake_bytes() == content
    row = Merge.objects.get()
    assert (row.state, row.error) == (MergeState.FRAGMENTED, str(caught.value))
    assert not Job.objects.exists()


def test_sources_beyond_the_limit_are_refused():
    """[L-3]"""
    save_loose(50, 50)
    refused(TooLarge, limit_bytes=sum(LakeFile.objects.values_list("bytes", flat=True)) - 1)


def test_a_result_beyond_the_limit_is_refused(monkeypatch):
    """[L-3]"""
    save_loose(50, 50)
    monkeypatch.setattr("datalake.merge.check_sources", lambda *_: container.Summary(100, 0))
    refused(TooLarge, limit_bytes=100)


def test_an_outdated_schema_is_refused(monkeypatch):
    """[L-3]"""
    save_loose(5, 5)
    outdated = LakeFile.objects.order_by("key").first().key
    content = lake_bytes()[outdated].replace(b"scoring.v1", b"scoring.v0")
    buckets.campaign_data().put(outdated, content)
    refused(OutdatedSchema)


def test_a_file_that_is_not_what_the_catalogue_says_is_refused():
    """[L-3]"""
    save_loose(5, 5)
    LakeFile.objects.filter(pk=LakeFile.objects.first().pk).update(records=6)
    refused(CountMismatch)


def test_a_file_with_other_records_than_its_header_says_is_refused():
    """[L-3]"""
    save_loose(2_600, 5)
    large = LakeFile.objects.order_by("-records").first().key
    content = lake_bytes()[large]
    source = io.BytesIO(content)
    sync = container.read_header(source).sync
    # the second block is lost
    buckets.campaign_data().put(large, content[: content.index(sync, source.tell()) + 16])
    refused(CountMismatch)


def test_a_file_cut_off_within_a_block_is_refused():
    """[L-3]"""
    save_loose(50, 5)
    large = LakeFile.objects.order_by("-records").first().key
    buckets.campaign_data().put(large, lake_bytes()[large][:-20])
    refused(NotAvro)


@pytest.mark.parametrize(
    "where",
    [
        "datalake.merge.check_sources",
        "datalake.avro.container.merge",
        "datalake.merge._check_result",
        "datalake.catalogue.switch",
        "datalake.merge.ask_for_archive",
    ],
)
def test_a_merge_killed_anywhere_is_taken_up_and_ends_the_same(monkeypatch, where):
    """[L-3, L-4, O-6] Under a name of its own: what was killed may only seem so."""
    count = save_loose(30, 30)
    with monkeypatch.context() as patched:
        patched.setattr(where, die)
        with pytest.raises(Killed):
            merge.merge_period("scoring", DAY)
    assert readable_ids() == ids(60)
    save_loose(5, first=count)
    done = merge.merge_period("scoring", DAY)
    assert (done.generation, done.attempt, done.files) == (2, 2, 3)
    assert readable_ids() == ids(65)
    assert set(lake_bytes()) == set(LakeFile.objects.values_list("key", flat=True))


def test_a_file_saved_while_a_merge_runs_stays_readable_and_waits_for_the_next(monkeypatch):
    """[L-4]"""
    count = save_loose(30, 30)
    copy_blocks = merge.write_merged

    def meanwhile(*args):
        save_loose(4, first=count)
        return copy_blocks(*args)

    monkeypatch.setattr("datalake.merge.write_merged", meanwhile)
    assert merge.merge_period("scoring", DAY).files == 2
    assert readable_ids() == ids(64)
    assert sorted(file.state for file in catalogue.readable_files("scoring", DAY)) == [
        FileState.LOOSE,
        FileState.MERGED,
    ]


def test_an_attempt_that_was_overtaken_switches_nothing(monkeypatch):
    """[L-4]"""
    save_loose(30, 30)
    copy_blocks = merge.write_merged

    def meanwhile(*args):
        Merge.objects.update(attempt=99)
        return copy_blocks(*args)

    monkeypatch.setattr("datalake.merge.write_merged", meanwhile)
    with pytest.raises(MergeBusy):
        merge.merge_period("scoring", DAY)
    assert set(LakeFile.objects.values_list("state", flat=True)) == {FileState.LOOSE}
    # what it wrote is gone
    assert set(lake_bytes()) == set(LakeFile.objects.values_list("key", flat=True))


@pytest.mark.django_db(transaction=True)
def test_who_lost_the_answer_to_its_commit_deletes_nothing_that_counts(monkeypatch):
    """[L-4, O-6]"""
    save_loose(30, 30)
    commit, last_step = connection.commit, merge.ask_for_archive

    def without_answer() -> None:
        commit()
        raise OperationalError("the connection is lost")

    with monkeypatch.context() as patched:

        def and_then(done: Merge) -> Job:
            patched.setattr(connection, "commit", without_answer)
            return last_step(done)

        patched.setattr(merge, "ask_for_archive", and_then)
        with pytest.raises(OperationalError):
            merge.merge_period("scoring", DAY)
    assert Merge.objects.get().state == MergeState.MERGED
    assert readable_ids() == ids(60)


def test_a_file_whose_writing_broke_off_may_yet_appear_and_the_next_attempt_has_another(
    monkeypatch,
):
    """[L-3] The bucket did not answer: what it was sent may come late, under its own name."""
    save_loose(30, 30)
    with monkeypatch.context() as patched:
        patched.setattr(merge, "_check_result", lambda *_: (_ for _ in ()).throw(OSError("away")))
        with pytest.raises(OSError, match="away"):
            merge.merge_period("scoring", DAY)
    assert merge.merge_period("scoring", DAY).generation == 2
    assert readable_ids() == ids(60)
    assert set(lake_bytes()) == set(LakeFile.objects.values_list("key", flat=True))


def test_an_attempt_that_ended_while_it_was_taken_up_is_not_begun_again(monkeypatch):
    """[L-4] The row says MERGED by the time that it is locked."""
    save_loose(30, 30)
    with monkeypatch.context() as patched:
        patched.setattr("datalake.catalogue.switch", die)
        with pytest.raises(Killed):
            merge.merge_period("scoring", DAY)
    killed = Merge.objects.get()
    Merge.objects.filter(pk=killed.pk).update(state=MergeState.MERGED, records_out=60)
    assert merge._begin("scoring", DAY).generation == killed.generation + 1
    killed.refresh_from_db()
    assert (killed.state, killed.attempt) == (MergeState.MERGED, 1)


@pytest.mark.django_db(transaction=True)
def test_of_two_merges_at_once_one_wins():
    """[L-3]"""
    save_loose(30, 30)

    def attempt(_):
        try:
            return merge.merge_period("scoring", DAY).generation
        except (MergeBusy, NoFiles) as refusal:
            return type(refusal)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(attempt, range(2)))
    assert results.count(1) == 1
    assert readable_ids() == ids(60)


def test_a_busy_period_is_refused_at_once():
    """[L-3]"""
    save_loose(3)
    other = connection.copy()
    with (
        closing(other),
        exclusive("merge:scoring:2026-01", using=other),
        pytest.raises(MergeBusy),
    ):
        merge.merge_period("scoring", DAY)


def run(capsys, *arguments):
    call_command("merge_avro", *arguments, "--json")
    return json.loads(capsys.readouterr().out.splitlines()[-1])


def test_the_command_merges_and_archives_what_is_past(capsys):
    """[L-3, L-5, L-7]"""
    save_loose(30, 30)
    [done] = run(capsys, "daily")["merges"]
    assert done["file_prefix"] == "avro/scoring/2026/01/20/"
    assert (done["records"], done["files"], done["state"]) == (60, 2, "archived")
    assert readable_ids() == ids(60)
    assert run(capsys, "daily")["merges"] == []


def test_the_command_archives_what_earlier_runs_left(capsys, monkeypatch):
    """[L-5] No worker is needed."""
    save_loose(10, 10)
    with monkeypatch.context() as patched:
        away = OSError("the bucket is away")
        patched.setattr(archive, "_copy", lambda file: (_ for _ in ()).throw(away))
        with pytest.raises(SystemExit):
            call_command("merge_avro", "daily", "--json")
    assert "the bucket is away" in json.loads(capsys.readouterr().out)["error"]
    assert Job.objects.get(kind="archive_merge").state == JobState.FAILED
    call_command("merge_avro", "daily", "--json")
    assert json.loads(capsys.readouterr().out)["merges"] == []
    assert Merge.objects.get().state == MergeState.ARCHIVED
    assert sorted(LakeFile.objects.values_list("state", flat=True)) == ["archived"] * 2 + ["merged"]


def test_the_command_names_each_period_that_it_could_not_merge(capsys):
    """[L-3]"""
    for day in (18, 19):
        put_bytes("junk", b"junk", folder=f"avro/registration/2026/01/{day}")
    put_foreign("theirs", [valid(1)])
    with pytest.raises(SystemExit):
        call_command("merge_avro", "daily", "--json")
    error = json.loads(capsys.readouterr().out)["error"]
    assert error.count("junk.avro cannot be read") == 2
    assert [each.period for each in Merge.objects.filter(state="archived")] == ["2026-01-20"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["daily", "--date", "2026-01-20T15:00:00Z"],
        ["--prefix", "avro/scoring/2026/01/20/"],
        ["--prefix", "scoring/2026/01"],
    ],
)
def test_the_command_merges_one_period_by_hand(capsys, arguments):
    save_loose(5, 5)
    [done] = run(capsys, *arguments)["merges"]
    assert done["records"] == 10


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["daily", "--date", "2026-01-20T15:00:00"], "offset"),
        (["daily", "--date", "2026-01-20T15:00:00Z"], "nothing to merge"),
        (["--prefix", "avro/nonsense/2026/01"], "not enabled"),
        (["daily", "--type", "nonsense"], "not enabled"),
        (["--prefix", "avro"], "is not a day or month"),
    ],
)
def test_the_command_refuses_with_one_clear_error(capsys, arguments, error):
    with pytest.raises(SystemExit) as left:
        call_command("merge_avro", *arguments, "--json")
    assert left.value.code == 1
    assert error in json.loads(capsys.readouterr().out.splitlines()[-1])["error"]


def test_the_command_needs_a_period_or_a_prefix():
    with pytest.raises(CommandError) as wrong:
        call_command("merge_avro", "--json")
    assert wrong.value.returncode == 2


def test_a_merged_file_holds_the_same_bytes_wherever_it_is_made(monkeypatch):
    """[L-3]"""
    save_loose(30, 30)
    with monkeypatch.context() as patched:
        patched.setattr("datalake.catalogue.switch", die)
        with pytest.raises(Killed):
            merge.merge_period("scoring", DAY)
    first = lake_bytes()[layout.merged_key("scoring", DAY, 1)]
    done = merge.merge_period("scoring", DAY)
    assert lake_bytes()[done.merged_key] == first


def test_merging_is_enabled_for_the_three_campaign_types():
    """[L-3]"""
    assert set(merge.enabled_types()) == {"registration", "scoring", "codeAssignment"}


def save_registrations(*numbers, **changes):
    publish_registrations(*numbers, key=f"records {numbers}", **changes)
    save.save("input")


def sources_of(period=DAY):
    """Fan → the value of the field that version 2 adds, of every record that readers find."""
    found = {}
    for file in catalogue.readable_files("registration", period):
        with buckets.campaign_data().open(file.key) as source:
            for record in container.read_records(source):
                assert record["globalUserId"] not in found
                found[record["globalUserId"]] = record.get("source", "version 1")
    return found


@pytest.mark.parametrize("counted", [True, False])
def test_l1_a_day_of_two_versions_is_readable_and_merged_under_the_newer_one(monkeypatch, counted):
    """[L-3, L-4, L-9, X-9] Parity holds before and after, whenever what was published is counted;
    what was saved as version 1 is archived as it was.
    """
    save_registrations(1, 2)
    merge.merge_period("registration", DAY)
    save_registrations(3)
    if counted:
        assert check.check().ok
    second_version(monkeypatch)
    publish_registrations(4, 5, key="v2", source="web")
    save.save("input")
    assert sources_of() == dict.fromkeys(("fan-1", "fan-2", "fan-3"), "version 1") | {
        "fan-4": "web",
        "fan-5": "web",
    }
    if counted:
        assert check.check(read_files=True).ok
    done = merge.merge_period("registration", DAY)
    assert (done.files, done.records_in, done.records_out) == (3, 5, 5)
    [file] = catalogue.readable_files("registration", DAY)
    assert file.schema == "registration.v2"
    assert sources_of() == dict.fromkeys(("fan-1", "fan-2", "fan-3")) | {
        "fan-4": "web",
        "fan-5": "web",
    }
    assert file.content_hash == LakePartition.objects.get().content_hash
    assert check.check(read_files=True).ok
    archive.archive(done.pk)
    kept = LakeFile.objects.filter(state="archived").order_by("schema")
    assert [each.schema for each in kept] == ["registration.v1"] * 2 + ["registration.v2"]
    with buckets.campaign_data().open(kept[0].key) as source:
        assert container.read_header(source).schema_name == "registration.v1"


def test_l1_frames_published_under_version_1_are_saved_under_version_2(monkeypatch):
    """Scores are frames: one of another version is read record by record."""
    publish_scores(3)
    second_version(monkeypatch, "scoring")
    save.save("scored")
    assert LakeFile.objects.get().schema == "scoring.v2"
    assert readable_ids() == ids(3)
    assert check.check(read_files=True).ok


def test_l3_files_of_an_older_version_are_all_upgraded_into_one_open_file(monkeypatch):
    for number in range(3):
        save_registrations(number)
    second_version(monkeypatch)
    made, real = [], tempfile.TemporaryFile
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda: made.append(1) or real())
    assert merge.merge_period("registration", DAY).files == 3
    assert len(sources_of()) == 3
    assert made == [1]
