"""The files of a query, open, and the folder in which its process finds them as tables. [L-8]

The folder holds links to open files, `/proc/self/fd/N`: the process that inherits them reads the
lake's files, or copies of objects of S3, without knowing where they lie; and a file that a merge
replaces and an archive deletes meanwhile is read to its end.
"""

from __future__ import annotations

import resource
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, cast

from datalake.avro import cutting
from datalake.errors import QueryRefused
from datalake.query.tables import DAY, Part
from datalake.storage import buckets

SPARE_FILES: Final = 64
LARGE_BYTES: Final = 8 << 20
PARTS: Final = 2  # as many as the engine has threads


@dataclass(frozen=True)
class Opened:
    """Where the tables' folders are, and the numbers of the open files."""

    folder: str
    numbers: tuple[int, ...]


@contextmanager
def opened(
    parts: Sequence[Part], record_types: Sequence[str], on_file: Callable[[int, int], object]
) -> Iterator[Opened]:
    """Open the files of a query. `on_file` is called with how many are open, of how many.

    Raises QueryRefused for more files than a process can have open, NoSuchObject for one that was
    deleted since the catalogue named it, OSError where disk or bucket do not do their part.
    """
    _require_room(len(parts) + PARTS)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lake-query-")))
        for record_type in record_types:  # a table without a file is a folder without one
            (folder / record_type / "days").mkdir(parents=True)
        numbers: list[int] = []
        cut_one = _largest_by_far(parts)
        for done, part in enumerate(parts):
            on_file(done, len(parts))
            source = stack.enter_context(buckets.campaign_data().open(part.key))
            found = _cut(source, stack) if part == cut_one else [source]
            for each in found:
                _link(folder, part, each.fileno())
                numbers.append(each.fileno())
        on_file(len(parts), len(parts))
        yield Opened(str(folder), tuple(numbers))


def _require_room(count: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count + SPARE_FILES
    if wanted > hard:
        raise QueryRefused(
            f"The query reads {count:,} files, and at most {hard - SPARE_FILES:,} can be read at"
            f" once. Merge the days first, or add a condition on {DAY}."
        )
    if wanted > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _largest_by_far(parts: Sequence[Part]) -> Part | None:
    """The file that holds more than half of all, if it is worth two threads."""
    largest = max(parts, key=lambda part: part.bytes, default=None)
    if largest is None or largest.bytes < LARGE_BYTES:
        return None
    return largest if 2 * largest.bytes > sum(part.bytes for part in parts) else None


def _cut(source: BinaryIO, stack: ExitStack) -> list[BinaryIO]:
    """The file as PARTS files in the temporary folder. The copy is read from memory, where the
    system still has it.
    """
    found: list[BinaryIO] = []
    for start, end in cutting.cut(source, PARTS):
        part = cast("BinaryIO", stack.enter_context(tempfile.TemporaryFile()))  # noqa: SIM115
        source.seek(0)
        cutting.copy_part(source, part, start, end)
        part.flush()
        found.append(part)
    return found


def _link(folder: Path, part: Part, number: int) -> None:
    is_day = len(part.period) > len("2026-01")
    place = folder / part.record_type / ("days" if is_day else "months")
    if is_day:
        place /= f"{DAY}={part.period}"
    place.mkdir(parents=True, exist_ok=True)
    (place / f"{number}.avro").symlink_to(f"/proc/self/fd/{number}")
