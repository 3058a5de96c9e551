"""Suspicious groups in order. [X-13]"""

from __future__ import annotations

import numpy as np
import pytest

from campaigns.choices import SuspiciousKind
from campaigns.fairness.suspicious.groups import (
    Group,
    in_order,
    log_limit,
    log_looks,
    without_overlaps,
)


def group(kind: SuspiciousKind, *lines: int) -> Group:
    return Group(kind, np.array(lines), 1.0, -20.0)


def test_x13_groups_are_in_order_of_kind_and_size_whatever_order_they_came_in():
    groups = [
        group(SuspiciousKind.PHONE_RUN, 2, 3, 4),
        group(SuspiciousKind.PHONE_RUN, 5, 6),
        group(SuspiciousKind.PHONE_RUN, 7, 8),
        group(SuspiciousKind.BURST, 2, 3, 4, 5),
    ]
    assert in_order(reversed(groups)) == in_order(groups) == groups


def test_x13_of_groups_that_share_a_fan_the_largest_stays():
    large, small, apart = (
        group(SuspiciousKind.PHONE_RUN, 2, 3, 4),
        group(SuspiciousKind.PHONE_RUN, 4, 5),
        group(SuspiciousKind.PHONE_RUN, 6, 7),
    )
    assert without_overlaps([small, apart, large]) == [large, apart]


def test_x13_a_group_is_named_where_the_corrected_chance_is_at_most_one_in_a_hundred():
    limit = log_limit(1_000)
    assert np.exp(limit + log_looks(1_000)) == pytest.approx(0.01)
    assert np.exp(limit) == pytest.approx(0.01 / 1_000 / len(SuspiciousKind))


def test_x13_a_chance_below_what_a_number_holds_is_shown_as_the_least():
    assert 0 < Group(SuspiciousKind.BURST, np.array([2]), 1.0, -9_999.0).corrected_p < 1e-300
