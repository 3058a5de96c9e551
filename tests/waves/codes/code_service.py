"""A sandbox's code service, quick and honest, and told to misbehave for a while."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import sandbox
from sandbox import RunningSandbox
from waves.codes.partner_service import CodeService

HONEST: dict[str, Any] = {"code_faults": {}, "code_stock": 0, "latency_ms": 0.0, "code_token": ""}


@contextmanager
def faults(box: RunningSandbox, **options: Any) -> Iterator[None]:
    """The sandbox behaves like this within the block."""
    box.control(**options)
    try:
        yield
    finally:
        box.control(**{name: HONEST[name] for name in options if name in HONEST})


def service_of(box: RunningSandbox, **values: Any) -> CodeService:
    """Its client; a dead one is noticed soon."""
    return replace(CodeService(box.url, seconds=5.0, concurrency=20), **values)


@contextmanager
def running(**options: Any) -> Iterator[RunningSandbox]:
    with sandbox.running(**(HONEST | options)) as box:
        yield box
