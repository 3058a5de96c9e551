"""Python's search for garbage."""

from __future__ import annotations

import gc


def look_among_new_objects_only() -> None:
    """Modules and collected tests are a million objects that stay until the process ends."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
