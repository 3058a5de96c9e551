"""A table of DynamoDB in which sets of strings are kept: the only door to it. [T-4]"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, Final

from datalake.aws.clients import Patience, client
from datalake.aws.errors import table_error, translated
from datalake.errors import ConditionFailed, TableUnreachable

AT_ONCE: Final = 16  # connections
# Throttled requests are repeated a little later; what is still refused then waits in our rows. One
# request ends within LONGEST_SECONDS, the pause between its tries included.
CONNECT_SECONDS: Final = 2
READ_SECONDS: Final = 5
TRIES: Final = 2
LONGEST_SECONDS: Final = TRIES * (CONNECT_SECONDS + READ_SECONDS) + 2
PATIENCE: Final = Patience(CONNECT_SECONDS, READ_SECONDS, TRIES, connections=AT_ONCE)


class SetTable:
    """A table whose items have the string key `key`, a set of strings, and the version that it was
    last written with. Threads may share one. Raises TableUnreachable without a region.
    """

    def __init__(self, name: str, *, key: str, attribute: str, endpoint: str = "") -> None:
        self.name, self._key, self._attribute = name, key, attribute
        self._version = f"{attribute}_version"
        self._translated = partial(
            translated, TableUnreachable, f"The table {name}", sort=partial(table_error, name)
        )
        with self._translated():
            self.client: Any = client("dynamodb", PATIENCE, endpoint=endpoint)

    def write(
        self, key: str, *, version: int, strings: Collection[str], gone: Collection[str]
    ) -> bool:
        """Add strings to the item's set, then take out those that are gone. Repeats change nothing.
        False where a newer version is there already.

        Raises TableUnreachable, also where it is throttled, and ItemRefused.
        """
        add = "ADD #s :s SET #v = :v" if strings else "SET #v = :v"
        try:
            self._update(
                key, add, "attribute_not_exists(#v) OR #v <= :v", version=version, strings=strings
            )
            if gone:
                self._update(key, "DELETE #s :s", "#v = :v", version=version, strings=gone)
        except ConditionFailed:
            return False
        return True

    def forget(self, key: str) -> None:
        """Take our attributes out of the item, and the item where nothing else is in it. Repeats
        change nothing. Raises as `write` does.
        """
        item = {"TableName": self.name, "Key": {self._key: {"S": key}}}
        ours = {"#s": self._attribute, "#v": self._version}
        with suppress(ConditionFailed), self._translated():
            left = self.client.update_item(
                **item,
                UpdateExpression="REMOVE #s, #v",
                ConditionExpression="attribute_exists(#k)",
                ExpressionAttributeNames=ours | {"#k": self._key},
                ReturnValues="ALL_NEW",
            )["Attributes"]
            if set(left) == {self._key}:
                self.client.delete_item(
                    **item,
                    ConditionExpression="attribute_not_exists(#v)",
                    ExpressionAttributeNames={"#v": self._version},
                )

    def _update(
        self, key: str, update: str, condition: str, *, version: int, strings: Collection[str]
    ) -> None:
        names = {"#v": self._version}
        values: dict[str, Mapping[str, Any]] = {":v": {"N": str(version)}}
        if strings:
            names["#s"], values[":s"] = self._attribute, {"SS": sorted(strings)}
        with self._translated():
            self.client.update_item(
                TableName=self.name,
                Key={self._key: {"S": key}},
                UpdateExpression=update,
                ConditionExpression=condition,
                ExpressionAttributeNames=names,
                ExpressionAttributeValues=values,
            )
