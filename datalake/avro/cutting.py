"""A large file of the lake as several smaller ones, cut between blocks: engines that read a file
with one thread read its parts with as many. [L-8]
"""

from __future__ import annotations

import os
from itertools import pairwise
from typing import BinaryIO

from datalake.avro import container

PIECE = 1 << 20


def cut(source: BinaryIO, parts: int) -> list[tuple[int, int]]:
    """Where the parts' blocks begin and end, each part about as long as the others; fewer parts if
    there are fewer blocks. Raises NotAvro.
    """
    header = container.read_header(source)
    first = source.tell()
    size = os.fstat(source.fileno()).st_size
    goals = [first + (size - first) * number // parts for number in range(1, parts)]
    borders = [first]
    for _ in container.passed_blocks(source, header.sync):
        if goals and source.tell() >= goals[0]:
            borders.append(source.tell())
            goals = [goal for goal in goals if goal > source.tell()]
    ends = borders if borders[-1] == size else [*borders, size]
    return list(pairwise(ends))


def copy_part(source: BinaryIO, out: BinaryIO, start: int, end: int) -> None:
    """Write the header and the blocks from `start` to `end`: a file of its own."""
    container.read_header(source)
    header_bytes = source.tell()
    for place, length in ((0, header_bytes), (start, end - start)):
        source.seek(place)
        _copy(source, out, length)


def _copy(source: BinaryIO, out: BinaryIO, length: int) -> None:
    while length:
        piece = source.read(min(PIECE, length))
        if not piece:
            return
        out.write(piece)
        length -= len(piece)
