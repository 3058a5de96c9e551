"""What a provider answered to one request, or that nothing came which is an answer. [N-3]"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from operations.entry import values
from operations.errors import BadValue
from waves.providers.outcomes import patience_seconds

BACK_OFF_SECONDS: Final = 1.0  # where a 429 comes without Retry-After


class Answer(NamedTuple):
    """A provider's answer to one request."""

    status: int
    retry_after: str
    body: bytes

    @property
    def patience(self) -> float:
        """Seconds until the next request that the provider asks for."""
        return patience_seconds(self.retry_after, BACK_OFF_SECONDS)

    def document(self) -> dict[str, Any]:
        """The JSON object in it; empty where there is none that can be read: an accepted message
        stays accepted.
        """
        try:
            found = values.json_of("the answer", self.body)
        except BadValue:
            return {}
        return found if isinstance(found, dict) else {}


class NoAnswer(Exception):
    """None came. Where it is no more than that, the connection was cut, or what came is no HTTP:
    the request may have had its effect.
    """


class TimedOut(NoAnswer):
    """None came in time; the request may have had its effect."""


class NoConnection(NoAnswer):
    """No connection came about: nothing was asked."""


class BadAddress(NoAnswer, ValueError):
    """That is no address that can be asked: a setting is wrong."""
