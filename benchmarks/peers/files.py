"""What peers are given of a score file: well-formed rows only. Telling these from the others would
cost them code and time.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path

from campaigns.formats.score_bytes import chunks_of

COLUMNS = (
    "id",
    "tmemail",
    "sms",
    "global_user_id",
    "member_id",
    "raw_local_fanscore",
    "country_code",
    "phone_confirmed",
)


def well_formed(path: Path, count: int) -> Path:
    """A file beside `path` of its first so many well-formed rows, in COLUMNS, header first."""
    target = path.with_suffix(".peer.txt")
    with target.open("w", encoding="utf-8", newline="") as out:
        out.writelines(
            "\t".join(row) + "\n" for row in chain([COLUMNS], islice(_rows(path), count))
        )
    return target


def _rows(path: Path) -> Iterator[tuple[str, ...]]:
    with path.open("rb") as source:
        for lines in chunks_of(source):
            yield from lines.rows.select(COLUMNS).iter_rows()
