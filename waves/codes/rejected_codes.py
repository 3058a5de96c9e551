"""The rejected rows of a code file as a file: its columns, and `line,reason`. [K-1]"""

from __future__ import annotations

import polars as pl

from campaigns.errors import RowsMissing
from campaigns.formats import rejected_rows
from datalake.storage import buckets
from operations.database.copying import frames_of
from operations.plurals import plural
from waves.models import CodeImport

SCHEMA = {"line": pl.Int64, "reason": pl.String, "raw": pl.String}
QUERY = """SELECT line, reason, raw FROM waves_rejectedcode
    WHERE code_import_id = %(import)s ORDER BY line"""


def write(found: CodeImport) -> None:
    """Write the file of a finished import, then its key. Whoever writes it, its bytes are the same:
    the rows do not change any more. Raises RowsMissing.
    """
    key = f"codes/{found.campaign.campaign_id}/{found.pk}.rejected.csv"
    with buckets.scoring().writer(key) as out:
        frames = frames_of(QUERY, SCHEMA, **{"import": found.pk})
        written = rejected_rows.write(out, found.columns, frames)
        if written != found.rejected:
            raise RowsMissing(
                f"Code file {found.pk} has {plural(found.rejected, 'rejected row')}, but"
                f" {written:,} were found."
            )
    CodeImport.objects.filter(pk=found.pk).update(rejected_key=key)
    found.rejected_key = key
