"""Athena, which runs SQL over the tables of Glue: the only door to it. [L-8]"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, Final

from datalake.aws.clients import Patience, client
from datalake.aws.errors import query_error, translated

PAGE_ROWS: Final = 1_000  # Athena gives no more
PATIENCE: Final = Patience(connect_seconds=3, read_seconds=15, tries=3)


class AthenaUnreachable(OSError):
    """Athena does not answer, or not as it should; as with a bucket, trying again may help."""


@dataclass(frozen=True)
class Execution:
    """How far a query is: Athena's state, why it failed, and the bytes that it has read."""

    state: str
    reason: str = ""
    bytes: int = 0


@dataclass(frozen=True)
class Page:
    """Columns as (name, type), rows of texts with None for null, and what the next page is asked
    by.
    """

    columns: list[tuple[str, str]]
    rows: list[list[str | None]]
    next: str = ""


class Athena:
    """A work group, and the Glue database that it asks. Credentials and region come as boto3 finds
    them. Every call raises AthenaUnreachable.
    """

    def __init__(self, workgroup: str, database: str, *, output: str = "", endpoint: str = ""):
        self.workgroup, self.database, self.output = workgroup, database, output
        self._endpoint = endpoint
        about = (AthenaUnreachable, f"Athena's work group {workgroup} does not answer")
        self._translated = partial(translated, *about)
        self._sorted = partial(query_error, *about)

    @cached_property
    def client(self) -> Any:
        """Made when it is first asked: without a region, there is none."""
        return client("athena", PATIENCE, endpoint=self._endpoint)

    def start(self, sql: str) -> str:
        """The number of the execution. Raises QueryRefused for what Athena cannot read."""
        output = {"ResultConfiguration": {"OutputLocation": self.output}} if self.output else {}
        with self._translated(sort=self._sorted):
            answer = self.client.start_query_execution(
                QueryString=sql,
                QueryExecutionContext={"Database": self.database},
                WorkGroup=self.workgroup,
                **output,
            )
        return str(answer["QueryExecutionId"])

    def look(self, execution: str) -> Execution:
        with self._translated():
            answer = self.client.get_query_execution(QueryExecutionId=execution)["QueryExecution"]
        status = answer["Status"]
        return Execution(
            str(status["State"]),
            str(status.get("StateChangeReason", "")),
            int(answer.get("Statistics", {}).get("DataScannedInBytes", 0)),
        )

    def page(self, execution: str, *, after: str = "", most: int = PAGE_ROWS) -> Page:
        """A page of the result; the first begins with the columns' names as a row."""
        following = {"NextToken": after} if after else {}
        with self._translated():
            answer = self.client.get_query_results(
                QueryExecutionId=execution, MaxResults=min(most, PAGE_ROWS), **following
            )
        described = answer["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]
        return Page(
            [(str(each["Name"]), str(each["Type"])) for each in described],
            [
                [each.get("VarCharValue") for each in row.get("Data", [])]
                for row in answer["ResultSet"]["Rows"]
            ],
            str(answer.get("NextToken", "")),
        )

    def stop(self, execution: str) -> None:
        with self._translated():
            self.client.stop_query_execution(QueryExecutionId=execution)
