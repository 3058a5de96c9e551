"""Judged rows kept on this machine's disk between judging and publishing, so that they are not read
back twice.

Only a shortcut: PostgreSQL holds the same rows, and what is missing here (another machine or an
earlier attempt judged them) is fetched from there. The folder is one attempt's alone, so an attempt
that was taken over clears nothing that another one reads. [O-6]
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

import polars as pl
from django.conf import settings

from campaigns.scoring import roster
from campaigns.scoring.roster import Roster
from operations.leases import Lease
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
    "preferences",
)
REJECTED = ("line", "reason", "raw")
KINDS = ("roster", "rows", "rejected")


class LocalCache:
    """Frames by number: accepted rows as they are published, their part of the roster, rejected
    rows; each read apart.

    A file appears whole or not at all, so a killed writer leaves nothing half. They are not
    compressed: that would cost more than all else that is done to them (0.3 µs a row).
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def of(cls, lease: Lease) -> LocalCache:
        """The cache of a job's attempt. Its name says when the job was made: another database's
        job may have the same number.
        """
        made = Job.objects.values_list("created_at", flat=True).get(pk=lease.job_id)
        job = f"job-{lease.job_id}-{made:%Y%m%dT%H%M%S%f}"
        return cls(Path(settings.FAIRWAVE_DATA) / "work" / f"{job}.{lease.attempt}")

    def put(self, number: int, accepted: pl.DataFrame, rejected: pl.DataFrame) -> None:
        """Keep the outcome of a chunk: accepted rows (PUBLISHED and `fan_ref`) and rejected ones
        (REJECTED).
        """
        self._put_accepted(number, accepted)
        self._put_rejected(number, rejected)

    def holds(self, numbers: set[int]) -> bool:
        """Whether every one of these chunks is here, or everything was fetched."""
        return self._fetched.exists() or all(
            self._file(number, kind).exists() for number in numbers for kind in KINDS
        )

    def rows(self) -> Iterator[pl.DataFrame]:
        """PUBLISHED of all accepted rows, in order of their numbers."""
        return (pl.read_ipc(file) for file in self._in_order("rows"))

    def rejected_rows(self) -> Iterator[pl.DataFrame]:
        """REJECTED of all rejected rows, in order of their numbers."""
        return (pl.read_ipc(file) for file in self._in_order("rejected"))

    def write_roster(self, out: BinaryIO) -> Roster:
        """Write S-10's roster of all accepted rows."""
        with ExitStack() as opened:
            parts = [opened.enter_context(file.open("rb")) for file in self._in_order("roster")]
            return roster.write(parts, out)

    def refill(self, accepted: Iterator[pl.DataFrame], rejected: Iterator[pl.DataFrame]) -> None:
        """Replace everything by these frames; they may be cut otherwise than the chunks were."""
        self.clear()
        for number, frame in enumerate(accepted):
            self._put_accepted(number, frame)
        for number, frame in enumerate(rejected):
            self._put_rejected(number, frame)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._fetched.touch()

    def clear(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def clear_earlier(self) -> None:
        """Remove what attempts left here that were killed. The caller has the lease: one that still
        lives has lost its own, and what it finds missing is its last error.
        """
        job, _, attempt = self.folder.name.rpartition(".")
        for folder in self.folder.parent.glob(f"{job}.*"):
            if int(folder.suffix[1:]) < int(attempt):
                shutil.rmtree(folder, ignore_errors=True)

    def _put_accepted(self, number: int, accepted: pl.DataFrame) -> None:
        with self._whole(number, "roster") as out:
            out.write(roster.part(accepted))
        # a file that is open is written in half the time of one that polars opens
        with self._whole(number, "rows") as out:
            accepted.select(PUBLISHED).write_ipc(out)

    def _put_rejected(self, number: int, rejected: pl.DataFrame) -> None:
        with self._whole(number, "rejected") as out:
            rejected.select(REJECTED).write_ipc(out)

    @contextmanager
    def _whole(self, number: int, kind: str) -> Iterator[BinaryIO]:
        self.folder.mkdir(parents=True, exist_ok=True)
        half = self._file(number, f"{kind}-half")
        with half.open("wb") as out:
            yield out
        half.rename(self._file(number, kind))

    @property
    def _fetched(self) -> Path:
        return self.folder / "fetched"

    def _in_order(self, kind: str) -> list[Path]:
        return sorted(self.folder.glob(f"*.{kind}"), key=lambda file: int(file.stem))

    def _file(self, number: int, kind: str) -> Path:
        return self.folder / f"{number}.{kind}"
