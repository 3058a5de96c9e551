"""Corrected rejected rows of a registration file come back as a registration file of their own.
[C-4]

    corrected CSV → tab-separated lines with the columns of the file that it corrects →
    an import, as any other

Each line is tied to the rejected line that it corrects; what is repaired is counted from these ties
and the rejected rows of both, whenever somebody asks.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import BinaryIO

import numpy as np
import polars as pl
from django.db import connection

from campaigns.errors import CannotCorrect, UnknownImport
from campaigns.formats.corrected_file import lines_of
from campaigns.formats.corrected_rows import LineNumbers, Original
from campaigns.formats.registration_rows import header_line, own_name
from campaigns.models import Campaign, RegistrationImport, RejectedRegistration
from operations.database.copying import copy_plain

FIRST_LINE = 2  # behind the header


def original_of(campaign: Campaign, number: int) -> RegistrationImport:
    """The campaign's registration file with this number. Raises UnknownImport."""
    found = RegistrationImport.objects.filter(campaign=campaign, pk=number).first()
    if found is None:
        raise UnknownImport(
            f"Campaign {campaign.campaign_id} has no registration file {number}. Its number is in"
            " the result of the import and in the address of its page."
        )
    return found


def require_imported(original: RegistrationImport) -> None:
    """Raises CannotCorrect unless each row of the file has its outcome, and the rejected ones can
    be downloaded.
    """
    if not original.finished:
        raise CannotCorrect(
            f"Registration file {original.pk} is not imported yet. Import it before you upload"
            " corrected rows."
        )
    if not original.rejected_key:
        raise CannotCorrect(
            f"The rejected rows of registration file {original.pk} are not written yet. Upload the"
            " same registration file again to write them."
        )


def compose(
    original: RegistrationImport,
    file: BinaryIO,
    out: BinaryIO,
    report_progress: Callable[[int], object],
) -> LineNumbers:
    """Write the rows of a corrected file as a tab-separated registration file. Returns the rejected
    line that each of its lines comes from. Raises BadCorrection.
    """
    columns = tuple(original.columns)
    needed = frozenset(name for name in columns if own_name(name))
    corrected, done = list[LineNumbers](), 0
    out.write(header_line(columns))
    for numbers, lines in lines_of(
        file,
        Original("registration file", columns, needed),
        partial(_rejected, original),
        most=original.rejected,
    ):
        out.writelines(lines)
        corrected.append(np.array(numbers, dtype=np.int64))
        done += len(numbers)
        report_progress(done)
    return np.concatenate(corrected)


def _rejected(original: RegistrationImport, lines: list[int]) -> dict[int, tuple[str, str]]:
    """Reason and text of those of the lines that were rejected."""
    found = RejectedRegistration.objects.filter(registration_import=original, line__in=lines)
    return {line: (reason, raw) for line, reason, raw in found.values_list("line", "reason", "raw")}


def tie(correction: RegistrationImport, corrected: LineNumbers) -> None:
    """Write down which rejected line each line comes from, in the caller's transaction."""
    lines = pl.DataFrame(
        {
            "line": np.arange(FIRST_LINE, FIRST_LINE + len(corrected)),
            "corrected_line": corrected,
        }
    ).with_columns(registration_import_id=pl.lit(correction.pk, dtype=pl.Int64))
    copy_plain("campaigns_correctedregistration", lines.columns, lines)


def repaired(original: RegistrationImport) -> int:
    """How many of its rejected rows were accepted when they came back, in whichever file: corrected
    twice, a row counts once. Rejected again, it can be corrected in the file that it came back in.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """WITH RECURSIVE came_back AS (
                   SELECT tie.corrected_line AS origin, tie.registration_import_id, tie.line
                   FROM campaigns_correctedregistration AS tie
                   JOIN campaigns_registrationimport AS file ON file.id = tie.registration_import_id
                   WHERE file.corrects_id = %s
                 UNION
                   SELECT came_back.origin, tie.registration_import_id, tie.line
                   FROM came_back
                   JOIN campaigns_registrationimport AS file
                       ON file.corrects_id = came_back.registration_import_id
                   JOIN campaigns_correctedregistration AS tie
                       ON tie.registration_import_id = file.id
                       AND tie.corrected_line = came_back.line
               )
               SELECT count(DISTINCT origin) FROM came_back WHERE NOT EXISTS (
                   SELECT FROM campaigns_rejectedregistration AS again
                   WHERE again.registration_import_id = came_back.registration_import_id
                       AND again.line = came_back.line)""",
            [original.pk],
        )
        (count,) = cursor.fetchone()
    return int(count)
