"""Counts of large tables do not take more the more people look."""

from __future__ import annotations

from console import slow_counts
from console.slow_counts import kept


def test_a_quick_count_is_made_anew_and_a_slow_one_is_kept(monkeypatch):
    counts = iter([{1: 2}, {1: 3}, {1: 4}])
    assert kept("quick", lambda: next(counts)) == {1: 2}
    assert kept("quick", lambda: next(counts)) == {1: 3}
    monkeypatch.setattr(slow_counts, "SLOW_SECONDS", -1.0)
    monkeypatch.setattr(slow_counts, "TIMES", 10**9)
    assert kept("slow", lambda: next(counts)) == kept("slow", dict) == {1: 4}
