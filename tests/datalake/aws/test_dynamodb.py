"""A table of sets, over real connections. [T-4]"""

from __future__ import annotations

import boto3
import pytest

from datalake.aws.dynamodb import SetTable
from datalake.errors import ItemRefused, TableUnreachable
from tests.support.cloud import DEMAND_TABLE, events_in, make_table


@pytest.fixture
def client(aws):
    return make_table(aws)


@pytest.fixture
def table(aws, client) -> SetTable:
    return SetTable(
        DEMAND_TABLE, key="globalUserId", attribute="selected_events", endpoint=aws.address
    )


def write(table: SetTable, version: int, *strings: str, gone: tuple[str, ...] = ()) -> bool:
    return table.write("fan", version=version, strings=strings, gone=gone)


def test_t4_strings_are_added_and_taken_out_and_a_repeat_changes_nothing(client, table):
    for _ in range(2):
        assert write(table, 1, "a", "b")
        assert events_in(client) == {"fan": ["a", "b"]}
    for _ in range(2):
        assert write(table, 2, "b", "c", gone=("a",))
        assert events_in(client) == {"fan": ["b", "c"]}
    assert write(table, 3, gone=("b", "c"))
    assert events_in(client) == {"fan": []}


def test_t4_what_others_keep_in_the_item_stays(client, table):
    client.put_item(
        TableName=DEMAND_TABLE,
        Item={
            "globalUserId": {"S": "fan"},
            "name": {"S": "x"},
            "selected_events": {"SS": ["theirs"]},
        },
    )
    assert write(table, 1, "a")
    assert events_in(client) == {"fan": ["a", "theirs"]}
    item = client.get_item(TableName=DEMAND_TABLE, Key={"globalUserId": {"S": "fan"}})["Item"]
    assert item["name"] == {"S": "x"}


def test_t4_an_older_version_undoes_nothing(client, table):
    write(table, 2, "b")
    assert not write(table, 1, "a")
    assert not write(table, 1, "a", gone=("b",))
    assert events_in(client) == {"fan": ["b"]}


def test_x11_an_item_is_forgotten_and_what_others_keep_in_theirs_stays(client, table):
    client.put_item(TableName=DEMAND_TABLE, Item={"globalUserId": {"S": "b"}, "x": {"S": "y"}})
    for fan in ("fan", "b"):
        table.write(fan, version=1, strings=["a"], gone=())
        for _ in range(2):
            table.forget(fan)
    items = client.scan(TableName=DEMAND_TABLE)["Items"]
    assert items == [{"globalUserId": {"S": "b"}, "x": {"S": "y"}}]


def test_t4_what_is_refused_for_good_is_told_from_a_table_that_is_away(aws, client, table):
    text = {"globalUserId": {"S": "fan"}, "selected_events": {"S": "no set"}}
    client.put_item(TableName=DEMAND_TABLE, Item=text)
    with pytest.raises(ItemRefused, match="refuses an item"):
        write(table, 1, "a")
    for absent in (
        SetTable("nothing", key="k", attribute="a", endpoint=aws.address),
        SetTable(DEMAND_TABLE, key="k", attribute="a", endpoint="http://127.0.0.1:9"),
    ):
        with pytest.raises(TableUnreachable, match=absent.name):
            absent.write("fan", version=1, strings=["a"], gone=())


def test_t4_a_table_without_a_region_cannot_be_reached_and_no_thread_finds_that_out(
    monkeypatch, tmp_path
):
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "absent"))
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    with pytest.raises(TableUnreachable, match="You must specify a region"):
        SetTable("demand", key="k", attribute="a")
