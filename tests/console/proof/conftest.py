"""What the tests of the proof share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.console.proof.bundle_cases import ALL_ORDERS, make_bundle


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("proof") / "bundle.zip"
    make_bundle(target, orders=ALL_ORDERS)
    return target
