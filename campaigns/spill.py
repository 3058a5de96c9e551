"""Judged rows of one job kept on this machine's disk between judging and publishing, so that they are not read back twice.

Only a shortcut: PostgreSQL holds the same rows, and what is missing here (another machine judged them) is fetched from there.
"""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
from django.conf import settings

from operations.models import Job


class Spill:
    """Frames by number. A file appears whole or not at all, so a killed writer leaves nothing half."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def of(cls, job_id: int) -> "Spill":
        """The spill of a job. Its name holds when the job was made: another database's job may have the same number."""
        made = Job.objects.values_list("created_at", flat=True).get(pk=job_id)
        return cls(Path(settings.FAIRWAVE_DATA) / "work" / f"job-{job_id}-{made:%Y%m%dT%H%M%S%f}")

    def put(self, number: int, frame: pl.DataFrame) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        half = self.folder / f"{number}.half"
        frame.write_ipc(half, compression="lz4")
        half.rename(self._file(number))

    def holds(self, numbers: set[int]) -> bool:
        """Whether every one of these frames is here."""
        return all(self._file(number).exists() for number in numbers)

    def frames(self, columns: list[str] | None = None) -> Iterator[pl.DataFrame]:
        """All frames in order of their numbers, or only some of their columns."""
        for file in sorted(self.folder.glob("*.arrow"), key=lambda file: int(file.stem)):
            yield pl.read_ipc(file, columns=columns)

    def refill(self, frames: Iterator[pl.DataFrame], prepare: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
        """Replace everything by these frames."""
        self.clear()
        for number, frame in enumerate(frames):
            self.put(number, prepare(frame))

    def clear(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def _file(self, number: int) -> Path:
        return self.folder / f"{number}.arrow"
