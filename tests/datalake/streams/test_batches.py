"""What is packed into batches comes back as it was."""

from __future__ import annotations

import pytest

from datalake import streams
from datalake.choices import RecordType, StreamName
from datalake.models import StreamBatch
from datalake.streams import batches
from tests.support.lake import publish_registrations, registration, scoring_frame

pytestmark = pytest.mark.django_db


def on_stream(stream):
    return [
        record
        for batch in streams.read(stream, 1, 1_000)
        for record in batches.unpack_records(batch.payload)
    ]


def test_records_come_back_in_order_and_batches_of_2500():
    published = publish_registrations(*range(6_000), key="a")
    assert published == streams.Published(position=3, batches=3, repeated=0)
    assert on_stream("input") == [registration(n) for n in range(6_000)]
    assert list(
        StreamBatch.objects.order_by("position").values_list("position", "batch_key", "records")
    ) == [
        (1, "a:0", 2_500),
        (2, "a:1", 2_500),
        (3, "a:2", 1_000),
    ]


def test_a_frame_comes_back_as_it_was():
    frame = scoring_frame(2_600)
    streams.publish_frame(StreamName.SCORED, RecordType.SCORING, frame, key="a")
    assert on_stream("scored") == frame.to_dicts()


@pytest.mark.parametrize("given", ["x" * 65, "nul-\0-12345", "short", 7, None])
def test_o4_a_correlation_id_that_is_none_of_ours_is_passed_over(given):
    """[O-4]"""
    assert batches.correlation_of({"correlationId": given}) == ""
    assert batches.correlation_of({"correlationId": "abc-12345"}) == "abc-12345"
