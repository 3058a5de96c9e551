"""What the tests of streams share."""

from __future__ import annotations

import pytest

from demand.sources import kinesis_stream
from tests.support import kinesis


@pytest.fixture
def stream(settings, monkeypatch):
    monkeypatch.setattr(kinesis_stream, "FIRST_PAUSE", 0.01)
    with kinesis.running(settings, monkeypatch) as found:
        yield found
