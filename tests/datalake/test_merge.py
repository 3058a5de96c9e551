from __future__ import annotations

import io
import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta

import fastavro
import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, connections

from datalake import adopt, catalogue, layout, merge, records, save
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
from datalake.models import DeadLetter, LakeFile, LakePartition, Merge
from datalake.storage import buckets
from datalake.streams.consumers import Taken
from operations.database.locks import exclusive
from operations.models import Job
from tests.datalake.test_save import Killed, die
from tests.support.lake import (
    NOON,
    lake_bytes,
    publish_scores,
    read_with_polars,
    registration,
    scoring_frame,
)

pytestmark = pytest.mark.django_db

DAY = Period(2026, 1, 20)
LATER = datetime(2026, 1, 25, 10, 0, tzinfo=UTC)


def save_loose(*sizes, created=NOON, first=0):
    """One loose file of so many scores for each size."""
    for size in sizes:
        publish_scores(size, first=first, key=f"{created}:{first}", created=created)
        save.save("scored")
        first += size
    return first


def readable_ids(period=DAY, record_type="scoring"):
    files = catalogue.readable_files(record_type, period)
    return sorted(row for file in files for row in read_with_polars(file.key)["globalUserId"])


def ids(count):
    return sorted(f"fan-{number}" for number in range(count))


def put_foreign(name, rows, *, folder="avro/registration/2026/01/20", codec="deflate", schema=None):
    out = io.BytesIO()
    fields = dict(schema or records.schema_of("registration").avro)
    fastavro.writer(out, fastavro.parse_schema(fields), rows, codec=codec)
    buckets.campaign_data().put(f"{folder}/{name}.avro", out.getvalue())


def valid(number, **changes):
    return records.normalise(registration(number)) | changes


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
    with pytest.raises(NoFiles, match="one merged file already"):
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
    """[L-3, L-4]"""
    count = save_loose(30, 30)
    with monkeypatch.context() as patched:
        patched.setattr(where, die)
        with pytest.raises(Killed):
            merge.merge_period("scoring", DAY)
    assert readable_ids() == ids(60)
    save_loose(5, first=count)
    done = merge.merge_period("scoring", DAY)
    assert (done.generation, done.attempt, done.files) == (1, 2, 3)
    assert readable_ids() == ids(65)


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


def test_the_catalogue_admits_one_merged_file_a_period():
    """[L-4]"""
    save_loose(3)
    merge.merge_period("scoring", DAY)
    twin = LakeFile.objects.get(state=FileState.MERGED)
    twin.pk, twin.key, twin.generation = None, "another", 2
    with pytest.raises(IntegrityError, match="lakefile_one_merged"):
        twin.save()


def test_the_database_refuses_a_merge_that_lost_records():
    """[L-3]"""
    with pytest.raises(IntegrityError, match="merge_ledger"):
        Merge.objects.create(
            record_type="scoring",
            period="2026-01-20",
            generation=1,
            state="merged",
            records_in=2,
            records_out=1,
        )


def test_a_foreign_file_is_normalised_and_merged_with_ours():
    """[L-3]"""
    put_foreign("theirs", [valid(1, email=" a@example.com "), valid(2)])
    assert catalogue.readable_files("registration", DAY) == []
    [done], _ = merge.merge_past(["registration"], monthly=False, now=LATER)
    assert (done.files, done.records_out) == (1, 2)
    [file] = catalogue.readable_files("registration", DAY)
    assert read_with_polars(file.key)["email"].to_list() == ["a@example.com", "fan2@example.com"]
    assert LakeFile.objects.get(key__endswith="theirs.avro").merged_into == done


def test_invalid_records_of_a_foreign_file_go_to_the_dead_letters():
    """[L-1, L-3]"""
    put_foreign(
        "theirs", [valid(1), valid(2, globalUserId=" "), valid(3, date={"created": "yesterday"})]
    )
    assert merge.merge_period("registration", DAY).records_out == 1
    letters = DeadLetter.objects.order_by("index").values_list("index", "error")
    assert [(index, error.partition(":")[0]) for index, error in letters] == [
        (1, "globalUserId"),
        (2, "date.created"),
    ]


def test_a_foreign_file_whose_adoption_was_killed_goes_on_where_it_stood(monkeypatch):
    """[L-3]"""
    put_foreign("theirs", [valid(number) for number in range(25)])
    key = "avro/registration/2026/01/20/theirs.avro"
    calls = iter([save.save_claim, save.save_claim, die])
    with monkeypatch.context() as patched:
        patched.setattr("datalake.adopt.save_claim", lambda *args: next(calls)(*args))
        with pytest.raises(Killed):
            adopt.adopt(key, slice_records=10)
    assert readable_ids(record_type="registration") == ids(20)
    assert adopt.adopt(key, slice_records=10) == Taken(records_in=25, records_out=25)
    assert readable_ids(record_type="registration") == ids(25)
    assert adopt.foreign_keys("registration") == []


def test_another_file_under_a_name_that_was_taken_before_is_another_file():
    """[L-3]"""
    key = "avro/registration/2026/01/20/theirs.avro"
    put_foreign("theirs", [valid(0)])
    adopt.adopt(key)
    put_foreign("theirs", [valid(0), valid(1)])
    assert adopt.adopt(key) == Taken(records_in=2, records_out=1, duplicates=1)
    assert readable_ids(record_type="registration") == ids(2)


def test_foreign_records_go_to_their_own_day():
    """[L-2]"""
    put_foreign("theirs", [valid(1), valid(2, date={"created": "2026-01-19T10:00:00.000Z"})])
    assert merge.merge_period("registration", DAY).records_out == 1
    assert [
        file.records for file in catalogue.readable_files("registration", Period(2026, 1, 19))
    ] == [1]


def test_a_foreign_file_of_another_version_is_refused_and_left_as_it_is():
    """[L-3]"""
    avro_schema = dict(records.schema_of("registration").avro)
    avro_schema["fields"] = [field for field in avro_schema["fields"] if field["name"] != "tags"]
    put_foreign("theirs", [valid(1)], schema=avro_schema)
    with pytest.raises(OutdatedSchema, match="lacks tags"):
        merge.merge_period("registration", DAY)
    assert not LakeFile.objects.exists()


def test_a_broken_foreign_file_does_not_hold_up_other_periods():
    """[L-3]"""
    buckets.campaign_data().put("avro/scoring/2026/01/19/junk.avro", b"junk")
    save_loose(5, 5)
    merges, refusals = merge.merge_past(["scoring"], monthly=False, now=LATER)
    assert [each.period for each in merges] == ["2026-01-20"]
    assert [type(refusal) for refusal in refusals] == [NotAvro]


def test_a_file_of_an_unfinished_save_is_not_taken_for_foreign(monkeypatch):
    """[L-2, L-3]"""
    publish_scores(10)
    with monkeypatch.context() as patched:
        patched.setattr("datalake.catalogue.enter_saved", die)
        with pytest.raises(Killed):
            save.save("scored")
    assert len(lake_bytes()) == 1
    with pytest.raises(NoFiles):
        merge.merge_period("scoring", DAY)
    save.save("scored")
    merge.merge_period("scoring", DAY)
    assert readable_ids() == ids(10)


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
        (["--prefix", "avro"], "names no day or month"),
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
    key = layout.merged_key("scoring", DAY, 1)
    first = lake_bytes()[key]
    merge.merge_period("scoring", DAY)
    assert lake_bytes()[key] == first


def test_all_frames_of_a_day_are_found_again_after_merging():
    save_loose(40, 2)
    merge.merge_period("scoring", DAY)
    [file] = catalogue.readable_files("scoring", DAY)
    assert (
        read_with_polars(file.key)
        .sort("globalUserId")
        .equals(scoring_frame(42).sort("globalUserId"))
    )
