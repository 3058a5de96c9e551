"""Whether a soft start can end without a person. Pure. [X-6, N-9]"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from operations.plurals import plural
from waves.preflight.check import Check, Color

SOFT_START: Final = "Soft start"


def judge_soft_start(fans: int, *, members: int, posting: Sequence[str]) -> list[Check]:
    """No line where the wave has none. `fans`: who is notified first, of all `members`; `posting`:
    the titles of the wave's providers whose receipts are taken. Yellow where there is none.
    """
    if not fans:
        return []
    if members <= fans:
        said = f"The wave has no more than {plural(fans, 'fan')}, so all are notified at once."
        return [Check(SOFT_START, Color.GREEN, said)]
    first = f"{plural(fans, 'fan')} of {members:,} {'is' if fans == 1 else 'are'} notified first."
    if not posting:
        why = "No provider of this wave posts receipts, so someone has to resume it after that."
        return [Check(SOFT_START, Color.YELLOW, f"{first} {why}")]
    said = f"{first} The others follow when receipts of {' and '.join(posting)} allow it."
    return [Check(SOFT_START, Color.GREEN, said)]
