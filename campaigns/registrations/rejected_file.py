"""The rejected rows of a registration file as a file: its columns, and `line,reason`. [C-4]"""

from __future__ import annotations

import tempfile
from typing import BinaryIO, cast

import polars as pl

from campaigns.errors import RowsMissing
from campaigns.formats import rejected_rows
from campaigns.formats.registration_rows import columns_of_rejected
from campaigns.models import RegistrationImport
from datalake.storage import buckets
from operations.database.copying import frames_of

SCHEMA = {"line": pl.Int64, "reason": pl.String, "raw": pl.String}
QUERY = """SELECT line, reason, raw FROM campaigns_rejectedregistration
    WHERE registration_import_id = %(import)s ORDER BY line"""


def key_of(found: RegistrationImport) -> str:
    return f"registrations/{found.campaign.campaign_id}/{found.pk}.rejected.csv"


def write(found: RegistrationImport) -> None:
    """Write the file of a finished import, then its key: what has a key can be downloaded and
    corrected. Whoever writes it, its bytes are the same: the rows do not change any more. Raises
    RowsMissing.
    """
    columns, key = found.columns or _read_columns(found), key_of(found)
    with buckets.scoring().writer(key) as out:
        _write_rows(found, columns, out)
    found.columns, found.rejected_key = columns, key
    found.save(update_fields=["columns", "rejected_key"])


def opened(found: RegistrationImport) -> BinaryIO:
    """The file of a finished import, to be read; one that was never kept is made of the rows, and
    nothing is changed: its campaign may be closed. Raises RowsMissing.
    """
    if found.rejected_key:
        return buckets.scoring().open(found.rejected_key)
    made = cast("BinaryIO", tempfile.TemporaryFile())  # noqa: SIM115 the reader closes it
    _write_rows(found, found.columns or _read_columns(found), made)
    made.seek(0)
    return made


def _write_rows(found: RegistrationImport, columns: list[str], out: BinaryIO) -> None:
    frames = frames_of(QUERY, SCHEMA, **{"import": found.pk})
    written = rejected_rows.write(out, columns, frames)
    if written != found.rejected:
        raise RowsMissing(
            f"Registration file {found.pk} has {found.rejected:,} rejected rows, but"
            f" {written:,} were found."
        )


def _read_columns(found: RegistrationImport) -> list[str]:
    """Of a file that was imported before its columns were kept."""
    with buckets.scoring().open(found.key) as file:
        return list(columns_of_rejected(file))
