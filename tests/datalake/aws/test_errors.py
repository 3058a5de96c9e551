from __future__ import annotations

import pytest
from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import ClientError, EndpointConnectionError

from datalake.aws.errors import passing_over, stream_error, translated
from datalake.errors import (
    GlueUnreachable,
    IteratorExpired,
    NoSuchPosition,
    StreamBusy,
    StreamUnreachable,
    UnknownStream,
)
from tests.support.doors import around


def answer(code="InternalError", message="Oh no\nline two", operation="GetRecords", status=400):
    said = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(said, operation)


@pytest.mark.parametrize(
    "theirs",
    [answer(), EndpointConnectionError(endpoint_url="http://x"), S3UploadFailedError("Oh no")],
    ids=["answer", "no answer", "transfer"],
)
def test_whatever_they_raise_becomes_ours_with_its_first_line_and_its_cause(theirs):
    with pytest.raises(GlueUnreachable) as raised, translated(GlueUnreachable, "Glue is away"):
        raise theirs
    assert str(raised.value).startswith(f"Glue is away: {str(theirs).splitlines()[0]}")
    assert "line two" not in str(raised.value)
    assert raised.value.__cause__ is theirs


def test_what_is_not_theirs_passes_as_it_is():
    with pytest.raises(KeyError), translated(GlueUnreachable, "Glue is away"):
        raise KeyError("x")


def test_an_answer_is_sorted_where_somebody_knows_what_it_means():
    def sort(error):
        return IteratorExpired(error.response["Error"]["Code"])

    with (
        pytest.raises(IteratorExpired, match="InternalError"),
        translated(StreamUnreachable, "x", sort=sort),
    ):
        raise answer()
    with pytest.raises(StreamUnreachable), translated(StreamUnreachable, "x", sort=sort):
        raise EndpointConnectionError(endpoint_url="http://x")


def test_one_status_is_passed_over_and_no_other():
    with passing_over(404):
        raise answer(status=404)
    with pytest.raises(ClientError), passing_over(404):
        raise answer(status=403)


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (answer("ExpiredIteratorException"), IteratorExpired),
        (answer("ProvisionedThroughputExceededException"), StreamBusy),
        (answer("LimitExceededException"), StreamBusy),
        (answer("KMSThrottlingException"), StreamBusy),
        (answer("ResourceNotFoundException", "Shard shard-1 is gone"), UnknownStream),
        (answer("ResourceNotFoundException", "Stream s", "GetShardIterator"), UnknownStream),
        (
            answer("ResourceNotFoundException", "Shard shard-1 in s", "GetShardIterator"),
            NoSuchPosition,
        ),
        (answer("InvalidArgumentException", "sequence", "GetShardIterator"), NoSuchPosition),
        (answer("InvalidArgumentException", "Timestamp", "GetShardIterator"), StreamUnreachable),
        (answer("InvalidArgumentException", "sequence"), StreamUnreachable),
        (answer("AccessDeniedException"), StreamUnreachable),
    ],
)
def test_d1_each_answer_of_a_stream_has_one_meaning(theirs, ours):
    error = stream_error("demand", theirs)
    assert type(error) is ours
    assert "demand" in str(error)


def test_one_module_knows_what_boto_raises():
    assert around("datalake/aws/errors.py", r"boto(core|3)\.exceptions") == []
