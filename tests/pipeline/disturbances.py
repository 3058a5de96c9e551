"""What cuts an attempt to prepare or to upload a wave short: a fault, or the end of its worker."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock

from hypothesis import strategies as st

from tests.support.child import place_of

# Where an attempt is disturbed; some belong to one kind of wave or one source of codes only.
POINTS = (
    "waves.preparation.prepare:select_and_seal",
    "waves.uploads.upload:facts_of",
    "waves.preparation.attempts:_count",
    "waves.preparation.status_files:put",
    "waves.codes.reservations:release_codes",
    "waves.codes.own_codes:_reserve_batch",
    "waves.codes.imported_codes:_reserve_for_market",
    "waves.codes.partner_codes:_Batches.noted",
    "waves.codes.partner_codes:_Batches._asked",
    "waves.codes.partner_codes:_Batches._bound",
    "waves.uploads.codes:_reserve_given",
    "waves.uploads.codes:_keep_made",
    "waves.uploads.upload:_codes_made",
    "waves.preparation.prepare:wave_zip",
    "waves.uploads.upload:wave_zip",
    "waves.preparation.prepare:_apply",
    "waves.uploads.upload:_apply",
    "waves.preparation.prepared:write_members",
    "waves.preparation.prepared:write_wave_markets",
    "waves.preparation.status_files:put_right",
    "operations.leases:finish",
)


class Broken(Exception):
    """A fault of ours."""


class Died(BaseException):
    """The end of a worker, who catches and writes down nothing any more."""


@dataclass(frozen=True)
class Disturbance:
    """At the nth call of a point, before it or after it, a fault or the worker's end."""

    point: str
    nth: int
    after: bool
    deadly: bool

    @contextmanager
    def at_work(self) -> Iterator[None]:
        place, name = place_of(self.point)
        real, calls = getattr(place, name), [0]

        def called(*arguments: Any, **options: Any) -> Any:
            calls[0] += 1
            if calls[0] != self.nth:
                return real(*arguments, **options)
            if self.after:
                real(*arguments, **options)
            raise (Died if self.deadly else Broken)(self.point)

        with mock.patch.object(place, name, called):
            yield


disturbances = st.none() | st.builds(
    Disturbance,
    point=st.sampled_from(POINTS),
    nth=st.sampled_from([1, 1, 1, 2]),
    after=st.booleans(),
    deadly=st.booleans(),
)
