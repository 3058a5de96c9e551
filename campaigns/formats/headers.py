"""The first line of a file of rows, whatever its columns and the sign between them. [S-1, C-4,
S-15]
"""

from __future__ import annotations

import re
from typing import BinaryIO

from campaigns.errors import UnreadableFile

LONGEST_HEADER = 64 * 1024
NOT_TEXT = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")


def first_line_of(file: BinaryIO) -> bytes:
    """The line that names the columns, with its line end. Raises UnreadableFile where lines end
    with CR alone, and where none ends.
    """
    line = file.readline(LONGEST_HEADER)
    bare = line.removesuffix(b"\n").removesuffix(b"\r")
    if b"\r" in bare and not NOT_TEXT.search(bare):
        raise UnreadableFile(
            "The lines of the file end with CR alone, as some Macintosh programs write them. Save"
            " it with LF or CRLF line ends."
        )
    if len(line) == LONGEST_HEADER:
        raise UnreadableFile("The file is not lines of text: its first line is longer than 64 KiB.")
    return line
