"""Texts and objections that were acted on: whoever changed their mind since, or was allowed by a
person, is not suppressed or allowed again by the same one. Several providers sign no time, so that
it may come again at any time. [N-8]
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Final

from operations.database.statements import rows, run

_ADD = """
INSERT INTO waves_takenreport (provider, reference)
SELECT %(provider)s, v.reference FROM unnest(%(references)s::text[]) AS v (reference)
ORDER BY v.reference
ON CONFLICT (provider, reference) DO NOTHING
RETURNING reference
"""


REPORTS_AT_A_TIME: Final = 1_000
_FORGET = """
DELETE FROM waves_takenreport WHERE id IN (
    SELECT id FROM waves_takenreport WHERE at < %(before)s ORDER BY id LIMIT %(most)s)
"""


def old_reports(before: datetime) -> Iterator[int]:
    """Delete what came so long ago that nobody sends it again. [O-10]"""
    while deleted := run(_FORGET, before=before, most=REPORTS_AT_A_TIME):
        yield deleted


def remember(provider: str, references: Collection[str]) -> set[str]:
    """Those of them that never came before. Called in the transaction that acts on them: two that
    take the same one at once wait for each other here.
    """
    if not references:
        return set()
    return {name for (name,) in rows(_ADD, provider=provider, references=list(set(references)))}
