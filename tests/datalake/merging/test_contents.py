"""What a merge reads and writes: sources that it refuses, older versions, the merged file. [L-3]"""

from __future__ import annotations

import io
import tempfile

import pytest

from datalake import archive, catalogue, layout, save
from datalake.avro import container
from datalake.choices import MergeState
from datalake.errors import (
    CountMismatch,
    NotAvro,
    OutdatedSchema,
    TooLarge,
)
from datalake.merging import merge
from datalake.models import LakeFile, LakePartition, Merge
from datalake.parity import check
from datalake.storage import buckets
from operations.models import Job
from tests.datalake.lake_cases import (
    DAY,
    Killed,
    die,
    ids,
    readable_ids,
    save_loose,
    second_version,
)
from tests.support.lake import lake_bytes, publish_registrations, publish_scores

pytestmark = pytest.mark.django_db


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
    monkeypatch.setattr(
        "datalake.merging.contents.check_sources", lambda *_: container.Summary(100, 0)
    )
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
