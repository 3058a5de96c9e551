from __future__ import annotations

import pytest

from datalake.streams.engines import kinesis as engine
from tests.support import kinesis


@pytest.fixture
def stream(settings, monkeypatch, bucket_folders):
    """The stream `input` on Kinesis, of two shards; the other streams have one."""
    settings.STREAM_ENGINE = "kinesis"
    monkeypatch.setenv("STREAM_ENGINE", "kinesis")
    with kinesis.running(settings, monkeypatch, shards=2, name="fairwave-input") as found:
        for name in ("save-selection", "scored", "fanlist-ranks"):
            found.client.create_stream(StreamName=f"fairwave-{name}", ShardCount=1)
        engine.reader_of.cache_clear()
        yield found
        engine.reader_of.cache_clear()
