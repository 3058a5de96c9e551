"""What cannot be parsed is redacted in time linear in its length: hostile texts of 1 MB and of ten
times as much, in the same run. [D-4]
"""

from __future__ import annotations

import time

from benchmarks.figures import Bound
from demand.events.redaction import redact_bytes, redact_event

LENGTH, TIMES = 1_000_000, 10
RUNS = 3  # of each length; the quickest counts
MOST_TIMES = 13.0  # linear is 10; machines differ by a third between two lengths
# Each made to be looked at again and again by a pattern that gives back what it took.
HOSTILE = (
    "]x", ",\"", "}", "1", "1 ", "1   ", "1\u2011", "\\u2011", "\\uff11\\u2011", "1%20", "+(1",
    "a", "a@", "@", "\uff20", "%41", "\\u0041", "\\\\u0041", "\\", "\\\"", "\"", "\"@a", "a\"@",
    "\\\"@a\\\"", "QUJD", "email:", "email:{", "email\"", "2026-01-20 ", "[{", " ", "\u200b",
)  # fmt: skip


def run(rows: int | None) -> list[Bound]:
    """`rows`: the length of the shorter text in bytes."""
    length = rows or LENGTH
    found = {
        (start, piece): _seconds(start, piece, TIMES * length) / _seconds(start, piece, length)
        for start in ("", "email:a")
        for piece in HOSTILE
    }
    worst = max(found, key=lambda text: found[text])
    return [
        Bound(
            f"redaction of {TIMES} times as long a text, the worst of {len(found)}",
            found[worst],
            "times as long",
            at_most=MOST_TIMES,
            note=f"{worst[0]}{worst[1]}{worst[1]}… of {length:,} and {TIMES * length:,} bytes",
        )
    ]


def _seconds(start: str, piece: str, length: int) -> float:
    """Processor time of the quickest of some runs, as bytes that cannot be parsed and as a string
    of a parsed event.
    """
    text = (start + piece * (length // len(piece.encode()) + 1))[:length]
    raw, event = text.encode(), {"note": text}

    def once() -> float:
        before = time.process_time()
        redact_bytes(raw)
        redact_event(event)
        return time.process_time() - before

    return min(once() for _ in range(RUNS))
