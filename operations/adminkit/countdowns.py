"""How long until something is due, to the second; `static/fairwave/countdown.js` says the same in
the browser, second by second. Pure. [W-11]
"""

from __future__ import annotations

import math
from datetime import datetime
from typing import Final

UNITS: Final = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def until(due: datetime, now: datetime, *, past: str) -> str:
    """`in 2 h 5 min`, `in 9 s`, `due now`, and from the first whole second on `9 s late`, where
    `past` is the last word.
    """
    left = (due - now).total_seconds()
    if left > 0:
        return f"in {length(math.ceil(left))}"
    late = math.floor(-left)
    return f"{length(late)} {past}" if late else "due now"


def length(seconds: int) -> str:
    """`seconds`, at least 1, in the two largest units, the second only where it is not 0; never
    rounded up.
    """
    at = next(n for n, (_, size) in enumerate(UNITS) if seconds >= size)
    unit, size = UNITS[at]
    text, rest = f"{seconds // size} {unit}", seconds % size
    if at + 1 < len(UNITS):
        smaller, size = UNITS[at + 1]
        text += f" {rest // size} {smaller}" if rest >= size else ""
    return text
