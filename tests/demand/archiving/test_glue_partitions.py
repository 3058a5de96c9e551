"""Glue mirrors the archive's partitions, and no batch fails by it. [D-8]"""

from __future__ import annotations

import pytest
from django.core.files.storage import storages

from datalake.models import LakeFile, LakePartition
from demand import tasks
from demand.archiving import archive, glue_partitions
from demand.schemas import SCHEMAS
from operations.models import Alert
from tests.support import cloud, kinesis
from tests.support.demand_streams import changes

pytestmark = pytest.mark.django_db(transaction=True)
DATABASE = "presale"


@pytest.fixture
def aws(settings, monkeypatch):
    """The campaign data bucket is on S3, too; the process has told Glue of nothing yet."""
    with kinesis.running(settings, monkeypatch) as found:
        settings.STORAGES = settings.STORAGES | {"campaign-data": settings.STORAGES["scoring"]}
        storages._storages = {}
        storages.__dict__.pop("backends", None)
        settings.GLUE_DATABASE = DATABASE
        monkeypatch.setattr(glue_partitions, "_known", set())
        yield found


def archive_changes(count: int, first: int = 0) -> None:
    events = changes(count, first)
    archive.archive(
        archive.claim("kinesis:demand/s1", str(first), str(first + count), count), events
    )


def dates(aws: kinesis.Stream, table: str = "demand") -> dict[str, str]:
    """Each registered partition date and the folder it points to."""
    found = aws.glue.get_partitions(DatabaseName=DATABASE, TableName=table)["Partitions"]
    return {each["Values"][0]: each["StorageDescriptor"]["Location"] for each in found}


def test_d8_the_partitions_of_delivered_files_are_registered_where_the_files_lie(aws):
    archive_changes(3)
    registered = dates(aws)
    assert sorted(registered) == ["2026-01-20", "2026-01-21", "2026-01-22"]
    for file in LakeFile.objects.all():
        assert f"s3://{cloud.BUCKET}/{cloud.PREFIX}/{file.key}".startswith(registered[file.period])


def test_d8_glue_is_asked_once_for_what_the_process_knows_to_be_registered(aws, monkeypatch):
    archive_changes(3)
    monkeypatch.setattr(glue_partitions, "_catalogue", lambda: pytest.fail("asked again"))
    archive_changes(3, 3)
    assert LakeFile.objects.count() == 6


def test_d8_an_unreachable_glue_fails_no_batch_raises_an_alert_and_is_updated_later(
    aws, settings, monkeypatch
):
    real, settings.AWS_ENDPOINT_URL = settings.AWS_ENDPOINT_URL, "http://127.0.0.1:1"
    archive_changes(3)
    assert LakePartition.objects.count() == 3
    tasks.repair_glue_partitions()
    assert "Glue database presale" in Alert.objects.get().text
    settings.AWS_ENDPOINT_URL = real
    assert glue_partitions.repair() == 3
    assert sorted(dates(aws)) == ["2026-01-20", "2026-01-21", "2026-01-22"]
    assert glue_partitions.repair() == 0


def test_d8_without_a_database_glue_is_not_asked(aws, settings, monkeypatch):
    settings.GLUE_DATABASE = ""
    monkeypatch.setattr(glue_partitions, "_catalogue", lambda: pytest.fail("asked"))
    archive_changes(3)
    tasks.repair_glue_partitions()
    assert glue_partitions.repair() == 0


@pytest.mark.parametrize("record_type", sorted(SCHEMAS))
def test_d8_every_record_type_has_a_table_with_a_column_for_each_of_its_fields(aws, record_type):
    table = glue_partitions.table_of(record_type)
    fields = [field["name"].lower() for field in SCHEMAS[record_type].avro["fields"]]
    assert [column["Name"] for column in table.columns()] == fields
    assert table.location == f"s3://{cloud.BUCKET}/{cloud.PREFIX}/demand/data/{record_type}/"
    reference = next(column["Type"] for column in table.columns() if column["Name"] == "reference")
    assert reference == "struct<id:string,timestamp:string>"
