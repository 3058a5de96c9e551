"""Waves from capacity to their notify date; each part in a module of its own."""

from __future__ import annotations

from benchmarks import due, uploads
from benchmarks.figures import Bound, Figure


def run(rows: int | None) -> list[Figure | Bound]:
    return [*due.run(rows), *uploads.run(rows)]
