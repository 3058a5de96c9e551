"""A table of DynamoDB in which sets of strings are kept: the only door to it. [T-4]"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cached_property
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from datalake.aws.errors import translated
from datalake.errors import ItemRefused, TableUnreachable

AT_ONCE: Final = 16  # connections
# Throttled requests are repeated a little later; what is still refused then waits in our rows.
PATIENCE = Config(
    connect_timeout=3,
    read_timeout=10,
    retries={"mode": "standard", "total_max_attempts": 3},
    max_pool_connections=AT_ONCE,
)
_NEVER_TAKEN = {"ValidationException", "ItemCollectionSizeLimitExceededException"}


class SetTable:
    """A table whose items have the string key `key`, a set of strings, and the version that it was
    last written with. Threads may share one.
    """

    def __init__(self, name: str, *, key: str, attribute: str, endpoint: str = "") -> None:
        self.name, self._key, self._attribute, self._endpoint = name, key, attribute, endpoint

    @cached_property
    def client(self) -> Any:
        return boto3.client("dynamodb", endpoint_url=self._endpoint or None, config=PATIENCE)

    def write(
        self, key: str, *, version: int, strings: Collection[str], gone: Collection[str]
    ) -> bool:
        """Add strings to the item's set, then take out those that are gone. Repeats change nothing.
        False where a newer version is there already.

        Raises TableUnreachable, also where it is throttled, and ItemRefused.
        """
        add = "ADD #s :s SET #v = :v" if strings else "SET #v = :v"
        newest = "attribute_not_exists(#v) OR #v <= :v"
        if not self._update(key, add, newest, version, strings):
            return False
        return not gone or self._update(key, "DELETE #s :s", "#v = :v", version, gone)

    def _update(
        self, key: str, update: str, condition: str, version: int, strings: Collection[str]
    ) -> bool:
        names = {"#v": f"{self._attribute}_version"}
        values: dict[str, Mapping[str, Any]] = {":v": {"N": str(version)}}
        if strings:
            names["#s"], values[":s"] = self._attribute, {"SS": sorted(strings)}
        with translated(TableUnreachable, f"The table {self.name}", sort=self._sorted):
            try:
                self.client.update_item(
                    TableName=self.name,
                    Key={self._key: {"S": key}},
                    UpdateExpression=update,
                    ConditionExpression=condition,
                    ExpressionAttributeNames=names,
                    ExpressionAttributeValues=values,
                )
            except ClientError as error:
                if error.response["Error"].get("Code") == "ConditionalCheckFailedException":
                    return False
                raise
        return True

    def _sorted(self, error: ClientError) -> Exception:
        line = str(error).partition("\n")[0]
        if error.response["Error"].get("Code") in _NEVER_TAKEN:
            return ItemRefused(f"The table {self.name} refuses an item: {line}")
        return TableUnreachable(f"The table {self.name} does not answer as it should: {line}")
