"""The Glue catalogue, by which Athena finds Avro files: the only door to it. [D-8, L-4]"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from datalake.aws.clients import Patience, client
from datalake.aws.errors import translated
from datalake.errors import GlueUnreachable

MOST_AT_ONCE = 100  # partitions that Glue takes in one call
PARTITION_KEY = "partition_date"
# A batch waits for Glue no longer than this; what could not be sent is sent later.
PATIENCE = Patience(connect_seconds=3, read_seconds=10, tries=2)
_HIVE = {
    "string": "string",
    "boolean": "boolean",
    "int": "int",
    "long": "bigint",
    "double": "double",
    "bytes": "binary",
}
_FORMAT = "org.apache.hadoop.hive.ql.io.avro.AvroContainer"
_AVRO_FILES = (f"{_FORMAT}InputFormat", f"{_FORMAT}OutputFormat")
# the folder holds a list of files; what they are is said by the serde
_LISTED_FILES = (
    "org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat",
    "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
)


@dataclass(frozen=True)
class Table:
    """What Glue should know: `version` names the schema, `schema` is its avsc, `location` ends with
    a slash. `by_manifest`: a partition's folder holds a list of files instead of the files.
    """

    name: str
    version: str
    avro: Mapping[str, Any]
    schema: str
    location: str
    partition_key: str = PARTITION_KEY
    by_manifest: bool = False

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
            self.client: Any = client("glue", PATIENCE, endpoint=endpoint)

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
                _partition_input(table, day, f"{table.location}{table.partition_key}={day}/")
                for day in dates[start : start + MOST_AT_ONCE]
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

    def point(self, table: Table, value: str, location: str) -> None:
        """Let a partition read another folder, by one call: readers see what was there or what is
        there now. One that is not there is made.
        """
        asked = {"DatabaseName": self.database, "TableName": table.name}
        given = _partition_input(table, value, location)
        with self._translated():
            try:
                self.client.update_partition(
                    **asked, PartitionValueList=[value], PartitionInput=given
                )
            except self.client.exceptions.EntityNotFoundException:
                self.client.create_partition(**asked, PartitionInput=given)

    def dates(self, table: Table) -> set[str]:
        """The partition dates that are registered."""
        return set(self.places(table))

    def places(self, table: Table) -> dict[str, str]:
        """Value of the partition key → where the partition reads."""
        pages = self.client.get_paginator("get_partitions").paginate(
            DatabaseName=self.database, TableName=table.name, ExcludeColumnSchema=True
        )
        with self._translated():
            return {
                each["Values"][0]: _location(each) for page in pages for each in page["Partitions"]
            }

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
        "PartitionKeys": [{"Name": table.partition_key, "Type": "string"}],
        "StorageDescriptor": _storage(table, table.location),
    }


def _partition_input(table: Table, value: str, location: str) -> dict[str, Any]:
    return {"Values": [value], "StorageDescriptor": _storage(table, location)}


def _storage(table: Table, location: str) -> dict[str, Any]:
    reads, writes = _LISTED_FILES if table.by_manifest else _AVRO_FILES
    return {
        "Columns": table.columns(),
        "Location": location,
        "InputFormat": reads,
        "OutputFormat": writes,
        "SerdeInfo": {
            "SerializationLibrary": "org.apache.hadoop.hive.serde2.avro.AvroSerDe",
            "Parameters": {"avro.schema.literal": table.schema, "serialization.format": "1"},
        },
    }
