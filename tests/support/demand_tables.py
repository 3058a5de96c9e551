"""The DynamoDB table of fans' selected events, on the server that plays Amazon."""

from __future__ import annotations

from typing import Any

import boto3
from pytest_django.fixtures import Settings

from tests.support.cloud import Cloud

NAME = "demand"


def make_table(aws: Cloud) -> Any:
    """A client of the table, which is empty."""
    client = boto3.client("dynamodb", endpoint_url=aws.address)
    client.create_table(
        TableName=NAME,
        KeySchema=[{"AttributeName": "globalUserId", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "globalUserId", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return client


def use_table(aws: Cloud, settings: Settings) -> Any:
    """The same, named by DEMAND_TABLE."""
    settings.DEMAND_TABLE = NAME
    return make_table(aws)


def events_in(client: Any) -> dict[str, list[str]]:
    """Fan → selected events."""
    items = client.scan(TableName=NAME)["Items"]
    return {
        item["globalUserId"]["S"]: sorted(item.get("selected_events", {}).get("SS", []))
        for item in items
    }
