"""Files of this machine that a command was given."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from campaigns.errors import UnreadableFile


def opened(path: Path) -> BinaryIO:
    """The file, open for reading. Raises UnreadableFile in plain words."""
    try:
        return path.open("rb")
    except OSError as error:
        raise UnreadableFile(f"{path} cannot be read: {error.strerror}.") from error
