"""How many fans stand otherwise in one score file than in another. [S-8]"""

from __future__ import annotations

from psycopg import sql

from campaigns.models import ScoreFile
from campaigns.scoring import tables
from operations.database.statements import first_row

# In one file alone, or with another score, band score or preferences.
MOVED = """
SELECT count(*) FROM {before} AS before FULL JOIN {after} AS after USING (global_user_id)
WHERE (before.raw_score, before.band_score, before.preferences)
    IS DISTINCT FROM (after.raw_score, after.band_score, after.preferences)
    OR before.line IS NULL OR after.line IS NULL"""
ALL = "SELECT count(*) FROM {}"


def moved_between(before: ScoreFile | None, after: ScoreFile | None) -> int:
    """Fans whose entry, score, band score or preferences differ; without one of the files, all of
    the other. Both are judged.
    """
    names = [tables.name_of(each.pk) for each in (before, after) if each is not None]
    if len(names) == 2:
        query = sql.SQL(MOVED).format(before=names[0], after=names[1])
    elif names:
        query = sql.SQL(ALL).format(names[0])
    else:
        return 0
    (count,) = first_row(query) or (0,)
    return int(count)
