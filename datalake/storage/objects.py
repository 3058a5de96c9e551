"""What both kinds of bucket say about objects: usable keys, what a listing shows, the form of a
browser's upload.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from datalake.errors import BadKey

LONGEST_KEY = 1024  # S3's limit, in bytes
_PART = re.compile(r"[^\x00-\x1f\x7f\\]{1,255}")


@dataclass(frozen=True)
class Found:
    """An object as it is now. `version` distinguishes it from earlier objects with the same key;
    `modified` in Unix seconds.
    """

    key: str
    size: int
    version: str
    modified: float


@dataclass(frozen=True)
class UploadForm:
    """Where a browser posts one file to, and the signed fields it sends before the file."""

    url: str
    fields: dict[str, str]


class BucketUnreachable(OSError):
    """The bucket's service does not answer, or not as it should; as with a disk, trying again may
    help.
    """


def checked_key(key: str) -> str:
    """The key itself. Raises BadKey if it is absolute, leaves the bucket, or holds what a bucket
    cannot name.
    """
    parts = key.split("/")
    named = all(_PART.fullmatch(part) and part not in {".", ".."} for part in parts)
    if not named or len(key.encode("utf-8", "replace")) > LONGEST_KEY:
        raise BadKey(
            f"{key[:80]!r} is not a valid object key. Use names separated by slashes,"
            " without `.` and `..`."
        )
    return key
