"""The rejected rows of a registration file as a file: its columns, and `line,reason`. [C-4]"""

from __future__ import annotations

import polars as pl

from campaigns.errors import RowsMissing
from campaigns.formats import rejected_rows
from campaigns.models import RegistrationImport
from datalake.storage import buckets
from operations.database.copying import frames_of

SCHEMA = {"line": pl.Int64, "reason": pl.String, "raw": pl.String}
QUERY = """SELECT line, reason, raw FROM campaigns_rejectedregistration
    WHERE registration_import_id = %(import)s ORDER BY line"""


def key_of(found: RegistrationImport) -> str:
    return f"registrations/{found.campaign.campaign_id}/{found.pk}.rejected.csv"


def write(found: RegistrationImport) -> None:
    """Write the file of a finished import. Whoever writes it, its bytes are the same: the rows do
    not change any more. Raises RowsMissing.
    """
    with buckets.scoring().writer(found.rejected_key) as out:
        frames = frames_of(QUERY, SCHEMA, **{"import": found.pk})
        written = rejected_rows.write(out, found.columns, frames)
        if written != found.rejected:
            raise RowsMissing(
                f"Registration file {found.pk} has {found.rejected:,} rejected rows, but"
                f" {written:,} were found."
            )
