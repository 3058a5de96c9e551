"""The door to Athena, over real connections to moto's server, which plays results that it is given.
[L-8]
"""

from __future__ import annotations

import pytest
import requests
from botocore.exceptions import ClientError

from datalake.aws.athena import Athena, AthenaUnreachable
from datalake.errors import QueryRefused
from datalake.query import remote
from datalake.query.process import Limits
from tests.support import cloud

RESULT = {
    "rows": [
        {"Data": [{"VarCharValue": "email"}, {"VarCharValue": "n"}]},
        {"Data": [{"VarCharValue": "a@b.example"}, {}]},
    ],
    "column_info": [
        {"Name": "email", "Type": "varchar", "CatalogName": "", "SchemaName": "", "TableName": ""},
        {"Name": "n", "Type": "bigint", "CatalogName": "", "SchemaName": "", "TableName": ""},
    ],
}


@pytest.fixture
def athena(settings, monkeypatch):
    with cloud.running(settings, monkeypatch) as aws:
        settings.ATHENA_WORKGROUP, settings.GLUE_DATABASE = "analysts", "fairwave"
        settings.ATHENA_OUTPUT = "s3://results/a/"
        found = Athena("analysts", "fairwave", output="s3://results/a/", endpoint=aws.address)
        found.client.create_work_group(Name="analysts", Configuration={})
        given = {"account_id": "123456789012", "region": "us-east-1", "results": [RESULT]}
        requests.post(f"{aws.address}/moto-api/static/athena/query-results", json=given)
        yield found


def test_a_query_is_started_in_its_work_group_and_database_and_its_rows_are_read(athena):
    answer = remote.run("SELECT email FROM scoring", within=Limits(60, 10, 1), check=dict)
    assert answer.columns == [("email", "varchar"), ("n", "bigint")]
    assert answer.rows == [["a@b.example", None]]
    [execution] = athena.client.list_query_executions(WorkGroup="analysts")["QueryExecutionIds"]
    asked = athena.client.get_query_execution(QueryExecutionId=execution)["QueryExecution"]
    assert asked["Query"] == "SELECT email FROM scoring"
    assert asked["QueryExecutionContext"] == {"Database": "fairwave"}
    assert asked["ResultConfiguration"]["OutputLocation"].startswith("s3://results/a/")


def test_a_query_is_stopped(athena):
    execution = athena.start("SELECT 1")
    athena.stop(execution)
    assert athena.look(execution).state == "CANCELLED"


def test_an_athena_that_does_not_answer_is_said_in_a_sentence(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    athena = Athena("analysts", "fairwave", endpoint="http://127.0.0.1:9")
    with pytest.raises(AthenaUnreachable, match="work group analysts does not answer"):
        athena.look("e1")


@pytest.mark.parametrize(
    ("code", "expected"),
    [("InvalidRequestException", QueryRefused), ("AccessDeniedException", AthenaUnreachable)],
)
def test_what_athena_cannot_read_is_a_refusal_and_what_it_may_not_is_a_fault(code, expected):
    class Refusing:
        def start_query_execution(self, **asked):
            raise ClientError({"Error": {"Code": code, "Message": "line 1:1: no"}}, "Start")

    athena = Athena("analysts", "fairwave")
    athena.client = Refusing()
    with pytest.raises(expected, match="line 1:1"):
        athena.start("SELECT 1")
