"""Bars and pictures that pages draw themselves."""

from __future__ import annotations

import pytest

from console.charts.svg import bars

pytestmark = pytest.mark.django_db(transaction=True)


def test_bands_stand_in_their_own_order_whatever_their_sizes():
    drawn = bars({"low": 3, "high": 1, "mid": 2}, 6, "by band", order=["high", "mid", "low"])
    assert drawn.index("High") < drawn.index("Mid") < drawn.index("Low")
