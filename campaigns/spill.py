"""Judged rows of one job kept on this machine's disk between judging and publishing, so that they are not read back twice.

Only a shortcut: PostgreSQL holds the same rows, and what is missing here (another machine judged them) is fetched from there.
"""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

import polars as pl
from django.conf import settings

from campaigns import roster
from operations.models import Job

PUBLISHED = (
    "row_id",
    "global_user_id",
    "member_id",
    "email",
    "phone",
    "raw_text",
    "raw_score",
    "band_score",
    "tags",
    "market_id",
)


@contextmanager
def _whole(file: Path) -> Iterator[BinaryIO]:
    half = file.with_suffix(f"{file.suffix}-half")
    with half.open("wb") as out:
        yield out
    half.rename(file)


class Spill:
    """Frames by number: the rows as they are published, and their part of the roster, apart because it is read apart.

    A file appears whole or not at all, so a killed writer leaves nothing half. They are not compressed: that would cost more
    than all else that is done to them (0.3 µs a row).
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def of(cls, job_id: int) -> "Spill":
        """The spill of a job. Its name holds when the job was made: another database's job may have the same number."""
        made = Job.objects.values_list("created_at", flat=True).get(pk=job_id)
        return cls(Path(settings.FAIRWAVE_DATA) / "work" / f"job-{job_id}-{made:%Y%m%dT%H%M%S%f}")

    def put(self, number: int, accepted: pl.DataFrame) -> None:
        """Keep accepted rows: PUBLISHED and `fan_ref`."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with _whole(self._roster(number)) as out:
            out.write(roster.part(accepted["fan_ref"], accepted["raw_text"]))
        with _whole(self._rows(number)) as out:  # a file that is open is written in half the time of one that polars opens
            accepted.select(PUBLISHED).write_ipc(out)

    def holds(self, numbers: set[int]) -> bool:
        """Whether every one of these frames is here."""
        return all(self._rows(number).exists() and self._roster(number).exists() for number in numbers)

    def rows(self) -> Iterator[pl.DataFrame]:
        """PUBLISHED of all rows, in order of their numbers."""
        return (pl.read_ipc(file) for file in self._in_order("*.rows"))

    def roster_digest(self) -> str:
        """S-10's digest over all rows."""
        with ExitStack() as opened:
            return roster.digest([opened.enter_context(file.open("rb")) for file in self._in_order("*.roster")])

    def refill(self, accepted: Iterator[pl.DataFrame]) -> None:
        """Replace everything by these frames."""
        self.clear()
        for number, frame in enumerate(accepted):
            self.put(number, frame)

    def clear(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def _in_order(self, pattern: str) -> list[Path]:
        return sorted(self.folder.glob(pattern), key=lambda file: int(file.stem))

    def _rows(self, number: int) -> Path:
        return self.folder / f"{number}.rows"

    def _roster(self, number: int) -> Path:
        return self.folder / f"{number}.roster"
