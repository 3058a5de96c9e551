"""Files that another service puts into the scoring bucket."""

from __future__ import annotations

import os
import time

from datalake.storage import buckets
from tests.support.campaigns import score_file_bytes, score_row

CONTENT = score_file_bytes([score_row(1), score_row(2)])


def drop(key: str, content: bytes = CONTENT, *, seconds_ago: float = 60) -> str:
    bucket = buckets.scoring()
    bucket.put(key, content)
    written = time.time() - seconds_ago
    os.utime(bucket.url_or_path(key), (written, written))
    return key
