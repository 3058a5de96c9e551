"""The Glue catalogue, by which Athena finds Avro files: the only door to it. [D-8]"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import boto3
from botocore.config import Config

from datalake.aws.errors import translated
from datalake.errors import GlueUnreachable

MOST_AT_ONCE = 100  # partitions that Glue takes in one call
PARTITION_KEY = "partition_date"
# A batch waits for Glue no longer than this; what could not be sent is sent later.
PATIENCE = Config(
    connect_timeout=3, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 2}
)
_HIVE = {
    "string": "string",
    "boolean": "boolean",
    "int": "int",
    "long": "bigint",
    "double": "double",
    "bytes": "binary",
}
_FORMAT = "org.apache.hadoop.hive.ql.io.avro.AvroContainer"


@dataclass(frozen=True)
class Table:
    """What Glue should know: `version` names the schema, `schema` is its avsc, `location` ends with
    a slash.
    """

    name: str
    version: str
    avro: Mapping[str, Any]
    schema: str
    location: str

    def columns(self) -> list[dict[str, str]]:
        return [
            {"Name": each["name"].lower(), "Type": hive_type(each["type"])}
            for each in self.avro["fields"]
        ]


def hive_type(avro: Any) -> str:
    """An Avro type as Hive writes it: `struct<id:string>`. Raises ValueError for one that no table
    of ours has.
    """
    match avro:
        case str() if avro in _HIVE:
            return _HIVE[avro]
        case ["null", inner]:
            return hive_type(inner)
        case {"type": "record", "fields": fields}:
            inside = ",".join(
                f"{each['name'].lower()}:{hive_type(each['type'])}" for each in fields
            )
            return f"struct<{inside}>"
        case {"type": "array", "items": items}:
            return f"array<{hive_type(items)}>"
    raise ValueError(f"The Avro type {avro!r} has no counterpart in a table of Glue.")


class GlueCatalogue:
    """A database of Glue. Credentials and region come as boto3 finds them. Every call raises
    GlueUnreachable.
    """

    def __init__(self, database: str, *, endpoint: str = "") -> None:
        self.database = database
        self._translated = partial(
            translated,
            GlueUnreachable,
            f"The Glue database {database} does not answer as it should",
        )
        with self._translated():
            self.client: Any = boto3.client("glue", endpoint_url=endpoint or None, config=PATIENCE)

    def ensure(self, table: Table) -> None:
        """Make the table, and the database, if they are missing; bring the table up to its schema's
        version and its place.
        """
        with self._translated():
            found = self._found(table.name)
            if found is None:
                self._create(table)
            elif (
                found["Parameters"].get("fairwave.schema") != table.version
                or _location(found) != table.location
            ):
                self.client.update_table(DatabaseName=self.database, TableInput=_table_input(table))

    def add(self, table: Table, dates: list[str]) -> None:
        """Register partitions; those that are there already stay as they are."""
        for start in range(0, len(dates), MOST_AT_ONCE):
            partitions = [
                _partition_input(table, day) for day in dates[start : start + MOST_AT_ONCE]
            ]
            with self._translated():
                answer = self.client.batch_create_partition(
                    DatabaseName=self.database, TableName=table.name, PartitionInputList=partitions
                )
            codes = {each["ErrorDetail"].get("ErrorCode", "") for each in answer.get("Errors", [])}
            if refused := sorted(codes - {"AlreadyExistsException"}):
                raise GlueUnreachable(
                    f"Glue did not accept partitions of {self.database}.{table.name}:"
                    f" {', '.join(refused)}"
                )

    def dates(self, table: Table) -> set[str]:
        """The partition dates that are registered."""
        pages = self.client.get_paginator("get_partitions").paginate(
            DatabaseName=self.database, TableName=table.name
        )
        with self._translated():
            return {each["Values"][0] for page in pages for each in page["Partitions"]}

    def _found(self, name: str) -> dict[str, Any] | None:
        try:
            return dict(self.client.get_table(DatabaseName=self.database, Name=name)["Table"])
        except self.client.exceptions.EntityNotFoundException:
            return None

    def _create(self, table: Table) -> None:
        """Another process may do the same at this moment."""
        there = self.client.exceptions.AlreadyExistsException
        try:
            try:
                self.client.create_table(DatabaseName=self.database, TableInput=_table_input(table))
            except self.client.exceptions.EntityNotFoundException:
                self._create_database()
                self.client.create_table(DatabaseName=self.database, TableInput=_table_input(table))
        except there:
            return

    def _create_database(self) -> None:
        try:
            self.client.create_database(DatabaseInput={"Name": self.database})
        except self.client.exceptions.AlreadyExistsException:
            return


def _location(found: dict[str, Any]) -> str:
    return str(found.get("StorageDescriptor", {}).get("Location", ""))


def _table_input(table: Table) -> dict[str, Any]:
    return {
        "Name": table.name,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {
            "EXTERNAL": "TRUE",
            "classification": "avro",
            "fairwave.schema": table.version,
        },
        "PartitionKeys": [{"Name": PARTITION_KEY, "Type": "string"}],
        "StorageDescriptor": _storage(table, table.location),
    }


def _partition_input(table: Table, day: str) -> dict[str, Any]:
    return {
        "Values": [day],
        "StorageDescriptor": _storage(table, f"{table.location}{PARTITION_KEY}={day}/"),
    }


def _storage(table: Table, location: str) -> dict[str, Any]:
    return {
        "Columns": table.columns(),
        "Location": location,
        "InputFormat": f"{_FORMAT}InputFormat",
        "OutputFormat": f"{_FORMAT}OutputFormat",
        "SerdeInfo": {
            "SerializationLibrary": "org.apache.hadoop.hive.serde2.avro.AvroSerDe",
            "Parameters": {"avro.schema.literal": table.schema, "serialization.format": "1"},
        },
    }
