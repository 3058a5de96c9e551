"""The fans of suspicious groups as the score file has them. [X-13]"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from campaigns.models import ScoreFile
from operations.database.statements import rows

EXAMPLES = 5
MEMBERS = """
FROM campaigns_suspiciousfan f
JOIN campaigns_suspiciousgroup g ON g.id = f.group_id
JOIN campaigns_fanscore s ON s.score_file_id = g.score_file_id
    AND s.global_user_id = f.global_user_id
"""
FIRST = f"""
SELECT g.id, s.line, s.email, s.phone {MEMBERS}
WHERE g.score_file_id = %(file)s AND f.place <= {EXAMPLES} ORDER BY g.id, f.place
"""


class Example(NamedTuple):
    """A row of the score file; what is missing is empty."""

    line: int
    email: str
    phone: str


def examples_of(score_file: ScoreFile) -> Mapping[int, list[Example]]:
    """A group's key → its first fans by their lines; nothing once the rows are deleted."""
    found: dict[int, list[Example]] = {}
    for group, *row in rows(FIRST, file=score_file.pk):
        found.setdefault(group, []).append(Example(*row))
    return found
