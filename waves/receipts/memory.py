"""Texts and objections that were acted on: whoever changed their mind since, or was allowed by a
person, is not suppressed or allowed again by the same one. Several providers sign no time, so that
it may come again at any time. [N-8]
"""

from __future__ import annotations

from collections.abc import Collection

from operations.database.statements import rows

_ADD = """
INSERT INTO waves_takenreport (provider, reference)
SELECT %(provider)s, v.reference FROM unnest(%(references)s::text[]) AS v (reference)
ORDER BY v.reference
ON CONFLICT (provider, reference) DO NOTHING
RETURNING reference
"""


def remember(provider: str, references: Collection[str]) -> set[str]:
    """Those of them that never came before. Called in the transaction that acts on them: two that
    take the same one at once wait for each other here.
    """
    if not references:
        return set()
    return {name for (name,) in rows(_ADD, provider=provider, references=list(set(references)))}
