"""A record is found in the lake by its identity, before and after merges. [X-10, L-4]"""

from __future__ import annotations

import pytest

from datalake import save, streams
from datalake.layout import Period
from datalake.merging import merge
from datalake.models import LakeFile, SeenRecord
from datalake.records import dedupe_hash
from datalake.streams import Record
from datalake.whereabouts import saved
from operations import instants

pytestmark = pytest.mark.django_db(transaction=True)

CREATED = "2026-01-20T12:00:00.000Z"
RECORD = {
    "type": "codeAssignment",
    "date": {"created": CREATED},
    "campaignId": "12345",
    "globalUserId": "fan-1",
    "code": "AAA1",
}


def found():
    return saved("codeAssignment", dedupe_hash(RECORD), instants.parse(CREATED))


def publish() -> None:
    streams.publish("input", [Record("AAA1", RECORD)], key="assignments")


def test_a_record_that_is_only_on_the_stream_is_in_no_file():
    publish()
    assert found() is None


def test_a_record_is_in_the_file_that_its_claim_wrote_and_then_in_the_merged_ones():
    publish()
    save.save("input")
    assert found().key == LakeFile.objects.get().key
    assert found().at is not None
    for period in (Period(2026, 1, 20), Period(2026, 1)):
        merged = merge.merge_period("codeAssignment", period)
        assert found().key == merged.merged_key


def test_a_record_that_is_claimed_and_not_written_yet_is_in_no_file():
    publish()
    save.save("input")
    LakeFile.objects.all().delete()
    assert found() is None
    SeenRecord.objects.all().delete()
    assert found() is None
