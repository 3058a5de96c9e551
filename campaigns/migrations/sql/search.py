"""How rows that were rejected are found by what their lines say. [X-1]"""

from __future__ import annotations

# The fields of a line as it came: ASCII letters lower-cased, without quotes, zero-width characters
# and single spaces beside separators. It depends on no locale, so an index can hold it. The first
# 600 characters alone, because no index holds longer words. `console/fans/terms.py` does the same.
# Without STRICT PostgreSQL puts the expression in the place of the call, which takes a fifth of the
# time.
FIELDS = r"""
CREATE FUNCTION campaigns_fields(line text) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN string_to_array(replace(replace(translate(lower(left(line, 600) COLLATE "C"),
    E'",;\u200b\u200c\u200d\u2060\ufeff', E'\t\t\t'), E'\t ', E'\t'), E' \t', E'\t'), E'\t')
"""
NO_FIELDS = "DROP FUNCTION campaigns_fields(text) CASCADE"
