from __future__ import annotations

import pytest

from datalake import streams
from datalake.errors import InvalidFrame, UnknownStream
from tests.support.lake import scoring_frame

pytestmark = pytest.mark.django_db


def test_nothing_to_publish_is_no_error():
    assert streams.publish("input", [], key="none") == streams.Published(0, 0, 0)
    assert streams.publish_frame(
        "scored", "scoring", scoring_frame(0), key="none"
    ) == streams.Published(0, 0, 0)


def test_an_unknown_stream_is_refused_by_name():
    with pytest.raises(UnknownStream, match="fanlist-ranks"):
        streams.publish("nonsense", [], key="a")


def test_an_invalid_frame_is_not_published():
    spoilt = scoring_frame(2).with_columns(globalUserId=None)
    with pytest.raises(InvalidFrame):
        streams.publish_frame("scored", "scoring", spoilt, key="a")
    assert streams.records_after("scored", 0) == 0
