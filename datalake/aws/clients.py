"""Clients of Amazon's services. boto3 is loaded when the first one is made: a process that speaks
to none does without. [O-6]
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Patience:
    """How long a request waits for a connection and for an answer, how often it is tried in all,
    and over how many connections at once.
    """

    connect_seconds: int
    read_seconds: int
    tries: int | None = None  # as boto3 does
    connections: int | None = None

    def config(self) -> Any:
        from botocore.config import Config

        given: dict[str, Any] = {}
        if self.tries:
            given["retries"] = {"mode": "standard", "total_max_attempts": self.tries}
        if self.connections:
            given["max_pool_connections"] = self.connections
        return Config(connect_timeout=self.connect_seconds, read_timeout=self.read_seconds, **given)


def client(service: str, patience: Patience, *, endpoint: str = "", region: str = "") -> Any:
    """Credentials and, unless it is given, the region come as boto3 finds them; without a region
    there is none, which raises botocore's error.
    """
    import boto3

    make: Any = boto3.client
    return make(
        service,
        region_name=region or None,
        endpoint_url=endpoint or None,
        config=patience.config(),
    )


def default_region() -> str:
    """The region that boto3 finds in the environment and its files; empty where there is none."""
    import boto3

    return boto3.Session().region_name or ""
