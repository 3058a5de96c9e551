"""What boto3 and botocore raise → our errors: the only place that knows Amazon's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from datalake.errors import (
    ConditionFailed,
    ItemRefused,
    IteratorExpired,
    NoSuchPosition,
    QueryRefused,
    StreamBusy,
    StreamUnreachable,
    TableUnreachable,
    UnknownStream,
)

if TYPE_CHECKING:  # loaded where a service is spoken to: see clients.py
    from botocore.exceptions import ClientError

NOT_FOUND = 404
_TOO_FAST = {
    "ProvisionedThroughputExceededException",
    "LimitExceededException",
    "KMSThrottlingException",
}


@contextmanager
def translated(
    unreachable: type[Exception],
    what: str,
    *,
    sort: Callable[[ClientError], Exception] | None = None,
) -> Iterator[None]:
    """Raise `unreachable` with `what` and the first line of what a service's client raised.

    `sort` makes the error of an answer that the service gave; without it that is `unreachable`,
    too.
    """
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        raise (sort(error) if sort else unreachable(f"{what}: {_first_line(error)}")) from error
    except (BotoCoreError, Boto3Error) as error:
        raise unreachable(f"{what}: {_first_line(error)}") from error


@contextmanager
def passing_over(status: int) -> Iterator[None]:
    """End the block quietly where the service answers with this HTTP status."""
    from botocore.exceptions import ClientError

    try:
        yield
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] != status:
            raise


def object_error(
    missing: Exception, unreachable: type[Exception], what: str, error: ClientError
) -> Exception:
    """What an answer of S3 about one object means: `missing`, or `unreachable` for all else."""
    if error.response["ResponseMetadata"]["HTTPStatusCode"] == NOT_FOUND:
        return missing
    return unreachable(f"{what}: {_first_line(error)}")


def stream_error(stream: str, error: ClientError) -> Exception:
    """What an answer of Kinesis means: IteratorExpired, StreamBusy, UnknownStream, NoSuchPosition,
    or StreamUnreachable for all else. [D-1]
    """
    place, line = error.operation_name == "GetShardIterator", _first_line(error)
    match error.response["Error"].get("Code", ""):
        case "ExpiredIteratorException":
            return IteratorExpired(f"The place in {stream} has expired.")
        case code if code in _TOO_FAST:
            return StreamBusy(f"The stream {stream} is read faster than Kinesis allows: {line}")
        case "ResourceNotFoundException" if not place or "shard " not in str(error).lower():
            return UnknownStream(f"There is no stream {stream} in this region and account: {line}")
        case "ResourceNotFoundException":
            return NoSuchPosition(f"A shard of {stream} is gone: {line}")
        case "InvalidArgumentException" if place and "timestamp" not in str(error).lower():
            return NoSuchPosition(f"The stream {stream} has no such sequence number: {line}")
    return StreamUnreachable(f"The stream {stream} does not answer as it should: {line}")


def query_error(unreachable: type[Exception], what: str, error: ClientError) -> Exception:
    """What an answer of Athena to a query means: QueryRefused for what it cannot read, or
    `unreachable` for all else. [L-8]
    """
    answer = error.response["Error"]
    if answer.get("Code") == "InvalidRequestException":
        return QueryRefused(str(answer.get("Message", "")))
    return unreachable(f"{what}: {_first_line(error)}")


def table_error(table: str, error: ClientError) -> Exception:
    """What an answer of DynamoDB means: ConditionFailed, ItemRefused, or TableUnreachable for all
    else, also where too much is asked of it. [T-4]
    """
    line = _first_line(error)
    match error.response["Error"].get("Code", ""):
        case "ConditionalCheckFailedException":
            return ConditionFailed(f"An item of the table {table} has changed.")
        case "ValidationException" | "ItemCollectionSizeLimitExceededException":
            return ItemRefused(f"The table {table} refuses an item: {line}")
    return TableUnreachable(f"The table {table} does not answer as it should: {line}")


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
