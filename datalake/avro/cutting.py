"""A large file of the lake as several smaller ones without compression, cut between blocks: engines
that read a file with one thread read its parts with as many. [L-8]

DataFusion adds up the checksum of a snappy block byte by byte, which takes it more than half of its
time for a file; unpacking and checking it here takes a fifth of that.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO, Final

from datalake.avro import container
from datalake.storage.unpacking import TooManyBytes

BLOCKS_BETWEEN_CHECKS: Final = 4_096


def cut(
    source: BinaryIO, parts: int, *, check: Callable[[], object] = lambda: None
) -> list[tuple[int, int]]:
    """Where the parts' blocks begin and end, each part about as long as the others; fewer parts if
    there are fewer blocks. `check` is called every some thousand blocks and may raise to stop: a
    file may have millions of small ones. Raises NotAvro.
    """
    header = container.read_header(source)
    first = source.tell()
    size = os.fstat(source.fileno()).st_size
    goals = [first + (size - first) * number // parts for number in range(1, parts)]
    borders = [first]
    for number, _ in enumerate(container.passed_blocks(source, header.sync), 1):
        if number % BLOCKS_BETWEEN_CHECKS == 0:
            check()
        if goals and source.tell() >= goals[0]:
            borders.append(source.tell())
            goals = [goal for goal in goals if goal > source.tell()]
    ends = borders if borders[-1] == size else [*borders, size]
    return list(pairwise(ends))


def unpack_part(
    source: BinaryIO,
    out: BinaryIO,
    start: int,
    end: int,
    *,
    most_bytes: int,
    is_over: threading.Event,
) -> None:
    """Write the blocks from `start` to `end` unpacked, as a file of its own. The place of `source`
    stays as it is: several threads may read one file. Ends before the next block once `is_over`.

    Raises NotAvro for a block that is damaged, TooManyBytes if the part would be larger than
    `most_bytes`.
    """
    with Path(f"/proc/self/fd/{source.fileno()}").open("rb") as own:
        header = container.read_header(own)
        own.seek(start)
        out.write(container.bare_header(header))
        for count, data in container.unpacked_blocks(own, header):
            if out.tell() + len(data) > most_bytes:
                raise TooManyBytes
            container.write_block(out, count, data, header.sync)
            if own.tell() >= end or is_over.is_set():
                return
