"""The door to Glue, over real connections to moto's server. [D-8]"""

from __future__ import annotations

import json

import pytest

from datalake.aws.glue import GlueCatalogue, Table, hive_type
from datalake.errors import GlueUnreachable
from tests.support import kinesis

AVRO = {
    "type": "record",
    "name": "sale",
    "fields": [
        {"name": "id", "type": "string"},
        {"name": "eventId", "type": ["null", "string"]},
        {
            "name": "date",
            "type": [
                "null",
                {
                    "type": "record",
                    "name": "d",
                    "fields": [{"name": "firstSeen", "type": "string"}],
                },
            ],
        },
        {"name": "isDeleted", "type": ["null", "boolean"]},
    ],
}
SALE = Table("sale", "sale.v1", AVRO, json.dumps(AVRO), "s3://lake/demand/data/sale/")


@pytest.fixture
def aws(settings, monkeypatch):
    with kinesis.running(settings, monkeypatch) as found:
        yield found


@pytest.fixture
def catalogue(aws):
    return GlueCatalogue("presale", endpoint=aws.address)


def test_d8_a_missing_database_and_table_are_made_with_the_schemas_columns(aws, catalogue):
    catalogue.ensure(SALE)
    table = aws.glue.get_table(DatabaseName="presale", Name="sale")["Table"]
    storage = table["StorageDescriptor"]
    assert [(each["Name"], each["Type"]) for each in storage["Columns"]] == [
        ("id", "string"),
        ("eventid", "string"),
        ("date", "struct<firstseen:string>"),
        ("isdeleted", "boolean"),
    ]
    assert [(each["Name"], each["Type"]) for each in table["PartitionKeys"]] == [
        ("partition_date", "string")
    ]
    assert storage["SerdeInfo"]["SerializationLibrary"].endswith(".AvroSerDe")
    assert json.loads(storage["SerdeInfo"]["Parameters"]["avro.schema.literal"]) == AVRO
    assert (storage["Location"], table["TableType"]) == (SALE.location, "EXTERNAL_TABLE")


def test_d8_partitions_are_registered_once_with_their_folder_more_than_fit_into_a_call(
    aws, catalogue
):
    days = [f"2026-{month:02}-{day:02}" for month in range(1, 7) for day in range(1, 26)]
    catalogue.ensure(SALE)
    catalogue.add(SALE, days)
    catalogue.add(SALE, [*days[:3], "2027-01-01"])
    assert catalogue.dates(SALE) == {*days, "2027-01-01"}
    told = aws.glue.get_partition(
        DatabaseName="presale", TableName="sale", PartitionValues=["2026-01-01"]
    )["Partition"]
    assert (
        told["StorageDescriptor"]["Location"]
        == "s3://lake/demand/data/sale/partition_date=2026-01-01/"
    )
    assert told["StorageDescriptor"]["SerdeInfo"]["SerializationLibrary"].endswith(".AvroSerDe")


def test_d8_a_table_that_is_there_stays_and_follows_its_schema_and_its_place(aws, catalogue):
    catalogue.ensure(SALE)
    catalogue.add(SALE, ["2026-01-01"])
    catalogue.ensure(SALE)
    assert (
        len(aws.glue.get_table_versions(DatabaseName="presale", TableName="sale")["TableVersions"])
        == 1
    )
    wider = AVRO | {"fields": [*AVRO["fields"], {"name": "name", "type": ["null", "string"]}]}
    catalogue.ensure(Table("sale", "sale.v2", wider, json.dumps(wider), SALE.location))
    table = aws.glue.get_table(DatabaseName="presale", Name="sale")["Table"]
    assert table["StorageDescriptor"]["Columns"][-1]["Name"] == "name"
    assert catalogue.dates(SALE) == {"2026-01-01"}


def test_d8_who_makes_the_same_table_at_the_same_moment_is_no_error(catalogue, monkeypatch):
    other = GlueCatalogue("presale", endpoint=catalogue.client.meta.endpoint_url)
    found = catalogue._found
    monkeypatch.setattr(catalogue, "_found", lambda name: (found(name), other.ensure(SALE))[0])
    catalogue.ensure(SALE)
    assert catalogue.dates(SALE) == set()


def test_d8_a_partition_that_glue_refuses_is_reported_with_its_reason(catalogue, monkeypatch):
    catalogue.ensure(SALE)
    errors = {
        "Errors": [
            {"PartitionValues": ["x"], "ErrorDetail": {"ErrorCode": "InvalidInputException"}}
        ]
    }
    monkeypatch.setattr(catalogue.client, "batch_create_partition", lambda **asked: errors)
    with pytest.raises(GlueUnreachable, match=r"presale\.sale: InvalidInputException"):
        catalogue.add(SALE, ["x"])


def test_d8_a_glue_that_is_away_says_so(aws):
    with pytest.raises(GlueUnreachable, match="presale"):
        GlueCatalogue("presale", endpoint="http://127.0.0.1:1").ensure(SALE)


def test_d8_an_avro_type_without_counterpart_is_refused():
    assert hive_type({"type": "array", "items": ["null", "long"]}) == "array<bigint>"
    with pytest.raises(ValueError, match="no counterpart"):
        hive_type(["string", "long"])
