from __future__ import annotations

import pytest

from tests.support import kinesis


@pytest.fixture
def stream(settings, monkeypatch, bucket_folders):
    """The stream `input` on Kinesis, of two shards; the other streams have one."""
    with kinesis.engine_running(settings, monkeypatch) as found:
        yield found
