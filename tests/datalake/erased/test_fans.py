"""What is older than its fan's erasure does not come back. [X-11]"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from datalake.erased.fans import digest_of, erased_since, mark
from datalake.models import ErasedFan, ErasureKey

pytestmark = pytest.mark.django_db

AT = pl.Datetime("us", "UTC")


def since(fans: list[str], dates: list[datetime | None]) -> list[bool]:
    return erased_since(pl.Series(fans), pl.Series(dates, dtype=AT)).to_list()


def test_x11_up_to_the_erasure_a_fan_is_erased_and_afterwards_new_and_nobody_else_is():
    at = mark("gone").erased_at
    moment = timedelta(microseconds=1)
    fans = ["gone", "gone", "gone", "here", "gone", ""]
    dates = [at - moment, at, at + moment, at - moment, None, at]
    assert since(fans, dates) == [True, True, False, False, False, False]


def test_x11_a_name_of_an_erased_fan_comes_in_from_nowhere_whatever_its_date():
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    assert since([f"erased:{'0' * 64}.1", "fan-1"], [tomorrow] * 2) == [True, False]


def test_x11_who_is_erased_again_is_known_by_the_same_digest_with_the_later_date():
    first = mark("gone")
    ErasedFan.objects.update(erased_at=first.erased_at - timedelta(days=9))
    again = mark("gone")
    assert (again.digest, again.times) == (first.digest, 2)
    assert again.erased_at >= first.erased_at
    assert ErasedFan.objects.count() == 1


def test_x11_the_hash_needs_the_sites_key_and_the_key_is_made_once():
    assert digest_of("gone") == ""
    digest = mark("gone").digest
    kept = ErasureKey.objects.get()
    mark("another")
    assert bytes(ErasureKey.objects.get().key) == bytes(kept.key)
    ErasureKey.objects.update(key=bytes(32))
    assert digest_of("gone") not in ("", digest)
    assert "gone" not in str(ErasedFan.objects.values_list())
