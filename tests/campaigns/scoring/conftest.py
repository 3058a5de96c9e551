"""What the tests of score files share."""

from __future__ import annotations

import pytest

from campaigns.formats import score_rows


@pytest.fixture
def small_chunks(monkeypatch):
    """Chunks of a few rows, so that a small file has many."""
    monkeypatch.setattr(score_rows.read_chunks, "__defaults__", (500,))
