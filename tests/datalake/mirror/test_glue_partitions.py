"""Glue shows exactly what readers of the catalogue see, over real connections. [L-4]"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import polars as pl
import pytest
from django.core.files.storage import storages

from datalake import archive, save, tasks
from datalake.aws.glue import GlueCatalogue
from datalake.choices import RecordType
from datalake.errors import GlueUnreachable
from datalake.merging import merge
from datalake.mirror import glue_partitions
from datalake.models import LakeFile
from datalake.records import schema_of
from datalake.storage import buckets
from tests.datalake.lake_cases import DAY, ids, put_bytes, save_loose
from tests.support import cloud, kinesis
from tests.support.lake import publish_registrations

pytestmark = pytest.mark.django_db
DATABASE = "presale"
SEEN_BY_ATHENA = f"s3://{cloud.BUCKET}/{cloud.PREFIX}/"


@dataclass
class Athena:
    """Reads a table as Athena does: each partition's folder, the files that its list names."""

    glue: Any

    def partitions(self, table: str = "scoring") -> dict[str, str]:
        found = self.glue.get_partitions(DatabaseName=DATABASE, TableName=table)["Partitions"]
        return {each["Values"][0]: each["StorageDescriptor"]["Location"] for each in found}

    def ids(self, table: str = "scoring") -> list[str]:
        found: list[str] = []
        for place in self.partitions(table).values():
            [manifest] = buckets.campaign_data().list(place.removeprefix(SEEN_BY_ATHENA))
            for url in self._read(manifest).decode().splitlines():
                rows = pl.read_avro(BytesIO(self._read(url.removeprefix(SEEN_BY_ATHENA))))
                found += rows["globalUserId"].to_list()
        return sorted(found)

    def _read(self, key: str) -> bytes:
        with buckets.campaign_data().open(key) as source:
            return source.read()


@pytest.fixture
def athena(settings, monkeypatch):
    """The campaign data bucket is on S3, and Glue has nothing yet."""
    with kinesis.running(settings, monkeypatch) as found:
        settings.STORAGES = settings.STORAGES | {"campaign-data": settings.STORAGES["scoring"]}
        storages._storages = {}
        storages.__dict__.pop("backends", None)
        settings.GLUE_DATABASE = DATABASE
        yield Athena(found.glue)


def test_l4_athena_sees_each_record_once_saved_merged_late_archived_and_merged_again(athena):
    count = save_loose(3, 2)
    tasks.mirror_catalogue()
    assert athena.ids() == ids(5)
    first = merge.merge_period("scoring", DAY)
    assert athena.ids() == ids(5)
    tasks.mirror_catalogue()
    assert athena.ids() == ids(5)
    save_loose(4, first=count)
    put_bytes("theirs", b"what others put there", folder="avro/scoring/2026/01/20")
    tasks.mirror_catalogue()
    assert athena.ids() == ids(9)
    buckets.campaign_data().delete("avro/scoring/2026/01/20/theirs.avro")
    archive.archive(first.pk)
    assert athena.ids() == ids(9)
    second = merge.merge_period("scoring", DAY.month_period)
    assert athena.ids() == ids(9)
    archive.archive(second.pk)
    assert athena.ids() == ids(9)
    assert list(athena.partitions()) == ["2026-01"]


def test_l4_an_archive_deletes_nothing_that_athena_is_still_pointed_to(athena, settings):
    save_loose(3, 2)
    glue_partitions.mirror()
    done = merge.merge_period("scoring", DAY)
    real, settings.AWS_ENDPOINT_URL = settings.AWS_ENDPOINT_URL, "http://127.0.0.1:1"
    with pytest.raises(GlueUnreachable):
        archive.archive(done.pk)
    assert athena.ids() == ids(5)
    settings.AWS_ENDPOINT_URL = real
    archive.archive(done.pk)
    assert athena.ids() == ids(5)
    assert LakeFile.objects.filter(state="archived").count() == 2


def test_l4_what_is_mirrored_stays_and_what_was_lost_or_changed_in_glue_is_put_right(athena):
    count = save_loose(3, created=datetime(2025, 12, 31, tzinfo=UTC))
    save_loose(2, first=count)
    assert (glue_partitions.mirror(), glue_partitions.mirror()) == (2, 0)
    was = athena.partitions()
    table = glue_partitions.table_of("scoring")
    GlueCatalogue(DATABASE).client.delete_partition(
        DatabaseName=DATABASE, TableName="scoring", PartitionValues=["2025-12"]
    )
    GlueCatalogue(DATABASE).point(table, "2026-01", was["2025-12"])
    assert glue_partitions.mirror() == 2
    assert athena.partitions() == was
    assert athena.ids() == ids(5)


def test_l4_the_manifest_before_stays_for_a_query_that_has_begun_and_older_ones_go(athena):
    count = 0
    for _ in range(3):
        count = save_loose(2, first=count)
        glue_partitions.mirror()
    kept = list(buckets.campaign_data().list("avro/manifests/"))
    assert len(kept) == 2
    now = athena.partitions()["2026-01"].removeprefix(SEEN_BY_ATHENA)
    assert f"{now}manifest" in kept


def test_l4_each_type_has_its_table_with_its_schema_read_by_a_list_of_files(athena):
    publish_registrations(1, key="a")
    save.save("input")
    save_loose(2)
    glue_partitions.mirror()
    for name in ("registration", "scoring"):
        table = athena.glue.get_table(DatabaseName=DATABASE, Name=name)["Table"]
        assert table["Parameters"]["fairwave.schema"] == f"{name}.v1"
        assert [(each["Name"], each["Type"]) for each in table["PartitionKeys"]] == [
            ("month", "string")
        ]
        storage = table["StorageDescriptor"]
        assert storage["InputFormat"].endswith(".SymlinkTextInputFormat")
        assert storage["SerdeInfo"]["SerializationLibrary"].endswith(".AvroSerDe")
        fields = [field["name"].lower() for field in schema_of(name).avro["fields"]]
        assert [each["Name"] for each in storage["Columns"]] == fields
    assert athena.ids("registration") == ["fan-1"]
    assert glue_partitions.table_of(RecordType.CODE_ASSIGNMENT).name == "codeassignment"


def test_l4_another_version_of_the_schema_reaches_the_partitions_too(athena, monkeypatch):
    save_loose(2)
    glue_partitions.mirror()
    was = athena.partitions()
    newer = schema_of("scoring")
    object.__setattr__(newer, "version", 2)
    try:
        assert glue_partitions.mirror() == 1
    finally:
        object.__setattr__(newer, "version", 1)
    assert athena.partitions() != was


def test_l4_without_a_database_glue_is_not_asked(settings, monkeypatch):
    save_loose(2, 2)
    monkeypatch.setattr(glue_partitions, "GlueCatalogue", lambda *of, **with_: pytest.fail("asked"))
    tasks.mirror_catalogue()
    assert glue_partitions.mirror() == 0
    archive.archive(merge.merge_period("scoring", DAY).pk)


def test_l4_what_fails_for_one_type_holds_up_no_other(monkeypatch):
    asked = []

    def first_fails(record_type):
        asked.append(record_type)
        if len(asked) == 1:
            raise GlueUnreachable("It is away.")
        return 1

    monkeypatch.setattr(glue_partitions, "mirror_type", first_fails)
    with pytest.raises(GlueUnreachable, match="It is away"):
        glue_partitions.mirror()
    assert asked == RecordType.values
