"""An object made of lines is written anew, in the scoring bucket, packed as it was."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from tempfile import TemporaryFile
from typing import BinaryIO, cast

from datalake.storage import buckets
from datalake.storage.unpacking import is_packed, packed, unpacked

# each line with its end, as it is to be, and whether that changed it
ChangeLines = Callable[[Iterable[bytes]], Iterator[tuple[bytes, bool]]]


def rewrite_lines(
    key: str, change: ChangeLines, before_put: Callable[[str], object] = lambda sha256: None
) -> int:
    """Returns how many lines that changed; the object stays as it is where none was. By way of a
    file without a name: an upload has gigabytes. `before_put` is told the SHA-256 of what the
    object is going to hold. Raises NoSuchObject, OSError, UNREADABLE.
    """
    bucket, changed = buckets.scoring(), 0
    with bucket.open(key) as source, TemporaryFile() as new:
        out = packed(new) if is_packed(source) else new
        for line, is_other in change(unpacked(source)):
            out.write(line)
            changed += is_other
        if out is not new:
            out.close()
        if changed:
            before_put(sha256_of(cast("BinaryIO", new)))
            new.seek(0)
            bucket.put(key, new)
    return changed


def sha256_of(file: BinaryIO) -> str:
    """Of a whole file, in hex."""
    file.seek(0)
    return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
