"""What the tests of erasures share."""

from __future__ import annotations

import pytest

from demand.erasure import erasing


@pytest.fixture(autouse=True)
def no_patience(monkeypatch):
    monkeypatch.setattr(erasing, "PATIENCE_SECONDS", 0)
