"""One question on standard input, its answer in lines of JSON on standard output. [L-8]

The limits come before the engine is loaded: its allocator takes what it finds, 2 GB of addresses
where there is no limit.
"""

from __future__ import annotations

import json
import sys

from datalake.query.engine import confinement


def main() -> None:
    asked = json.load(sys.stdin)
    confinement.bound(memory_bytes=asked["memory_bytes"], seconds=asked["seconds"])
    from datalake.query.engine import answering

    confinement.confine(asked["folder"], asked["files"])  # before the engine starts its threads
    answering.answer(asked)
