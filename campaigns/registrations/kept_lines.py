"""What is kept of acceptable lines until all of the file is known, for some are rejected then: more
fans share a contact than may, or a newer record of the fan came. [C-4, S-6]

On disk and not in PostgreSQL, for hardly any are asked for.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

import polars as pl

COLUMNS = ("line", "global_user_id", "raw", "email", "phone", "member_id")


@dataclass(frozen=True)
class KeptLines:
    """Frames in a file, which is the caller's to close, one behind the other."""

    file: BinaryIO
    parts: list[tuple[int, int]] = field(default_factory=list)  # last line, size in bytes

    def put(self, frame: pl.DataFrame) -> None:
        """Keep lines (COLUMNS, as they were written), which come behind all others."""
        if frame.height:
            packed = io.BytesIO()
            frame.select(COLUMNS).write_ipc_stream(packed, compat_level=pl.CompatLevel.oldest())
            self.parts.append((frame["line"][-1], self.file.write(packed.getbuffer())))

    def of(self, lines: pl.Series) -> Iterator[pl.DataFrame]:
        """Those with these numbers (ascending), in order, some thousand at a time."""
        self.file.seek(0)
        behind = 0
        for last, size in self.parts:
            found = int(lines.search_sorted(last, side="right"))
            if found == behind:
                self.file.seek(size, io.SEEK_CUR)
                continue
            frame = pl.read_ipc_stream(io.BytesIO(self.file.read(size)))
            yield frame[frame["line"].search_sorted(lines[behind:found])]
            behind = found
