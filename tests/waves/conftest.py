"""What tests of waves share: one sandbox with an SMS gateway, and people."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User

import sandbox
from tests.support.waves import person


@pytest.fixture(scope="session")
def gateway_process() -> Iterator[sandbox.RunningSandbox]:
    with sandbox.running(latency_ms=1) as running:
        yield running


@pytest.fixture
def box(gateway_process, monkeypatch) -> sandbox.RunningSandbox:
    """An honest gateway that has received nothing, and retries without a wait."""
    gateway_process.control(
        latency_ms=1,
        fail_rates={},
        drop_rate=0,
        rate_limit_per_second=0,
        retry_after_seconds=0.05,
        honour_keys=True,
    )
    gateway_process.forget()
    monkeypatch.setattr("waves.sending.pacing.FIRST_BACK_OFF_SECONDS", 0.01)
    return gateway_process


@pytest.fixture
def ann(db) -> User:
    return person("ann")


@pytest.fixture
def root(db) -> User:
    return person("root", superuser=True)
