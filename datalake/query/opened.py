"""The files of a query, open, and the folder in which its process finds them as tables. [L-8]

The folder holds links to open files, `/proc/self/fd/N`: the process that inherits them reads the
lake's files, or copies of objects of S3, without knowing where they lie; and a file that a merge
replaces and an archive deletes meanwhile is read to its end.
"""

from __future__ import annotations

import resource
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final

from datalake.avro import cutting
from datalake.errors import QueryRefused
from datalake.query.tables import DAY, Part
from datalake.storage import buckets
from datalake.storage.unpacking import TooManyBytes

SPARE_FILES: Final = 64
LARGE_BYTES: Final = 8 << 20
PARTS: Final = 2  # as many as the engine has threads
CHECK_SECONDS: Final = 1.0
SHARE_OF_DISK: Final = 2  # what is free of it is enough for two queries


@dataclass(frozen=True)
class Opened:
    """Where the tables' folders are, and the numbers of the open files."""

    folder: str
    numbers: tuple[int, ...]


@contextmanager
def opened(
    parts: Sequence[Part], record_types: Sequence[str], on_file: Callable[[int, int], object]
) -> Iterator[Opened]:
    """Open the files of a query. `on_file` is called with how many are open, of how many, also each
    second, or some thousand blocks, while one is cut, and may raise to stop.

    Raises QueryRefused for more files than a process can have open, NoSuchObject for one that was
    deleted since the catalogue named it, NotAvro for one that is cut and is damaged, OSError where
    disk or bucket do not do their part.
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
            found = [source]
            if part == cut_one:
                found = _cut(source, stack, partial(on_file, done, len(parts)))
            # each thread takes half of the files in the order of their names
            for place, each in zip("ac" if len(found) > 1 else "b", found, strict=True):
                _link(folder, part, each.fileno(), place)
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


def _cut(source: BinaryIO, stack: ExitStack, check: Callable[[], object]) -> list[BinaryIO]:
    """The file as PARTS files in the temporary folder, which are not packed; the file itself where
    they would take too much of the disk. Raises NotAvro for one that is damaged, and what `check`
    raises.
    """
    spans = cutting.cut(source, PARTS, check=check)
    most_bytes = shutil.disk_usage(tempfile.gettempdir()).free // SHARE_OF_DISK // PARTS
    with ExitStack() as unfinished:
        found: list[BinaryIO] = [unfinished.enter_context(tempfile.TemporaryFile()) for _ in spans]
        unpack = partial(cutting.unpack_part, source, most_bytes=most_bytes)
        try:
            _unpack(unpack, found, spans, check)
        except TooManyBytes:
            return [source]
        stack.push(unfinished.pop_all())
    return found


def _unpack(
    unpack: Callable[..., None],
    parts: Sequence[BinaryIO],
    spans: Sequence[tuple[int, int]],
    check: Callable[[], object],
) -> None:
    """All parts, each by a thread; when one fails, or `check` raises, the others end, too."""
    is_over = threading.Event()
    with ThreadPoolExecutor(PARTS) as threads:
        try:
            left = {
                threads.submit(unpack, part, *span, is_over=is_over)
                for part, span in zip(parts, spans, strict=True)
            }
            while left:
                check()
                done, left = wait(left, CHECK_SECONDS, FIRST_EXCEPTION)
                for each in done:
                    each.result()
        finally:
            is_over.set()
    for part in parts:
        part.flush()


def _link(folder: Path, part: Part, number: int, place: str) -> None:
    is_day = len(part.period) > len("2026-01")
    there = folder / part.record_type / ("days" if is_day else "months")
    if is_day:
        there /= f"{DAY}={part.period}"
    there.mkdir(parents=True, exist_ok=True)
    (there / f"{place}-{number}.avro").symlink_to(f"/proc/self/fd/{number}")
