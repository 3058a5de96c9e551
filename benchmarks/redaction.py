"""What cannot be parsed is redacted in time linear in its length: hostile texts of 1 MB and of ten
times as much, in the same run. [D-4]
"""

from __future__ import annotations

import time

from benchmarks.figures import Bound
from demand.events.redaction import redact_bytes, redact_event

LENGTH, TIMES = 1_000_000, 10
MOST_TIMES = 13.0  # linear is 10; the rest is the machine's
# Start and what follows it without end: each made to be looked at again and again.
HOSTILE = (
    ("email:a", "]x"),
    ("email:a", '"'),
    ("", 'a"@'),
    ("", "\\u2011"),
    ("", "1\u2011"),
)


def run(rows: int | None) -> list[Bound]:
    """`rows`: the length of the shorter text in bytes."""
    length = rows or LENGTH
    found = {text: _seconds(*text, TIMES * length) / _seconds(*text, length) for text in HOSTILE}
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
    """Processor time, as bytes that cannot be parsed and as a string of a parsed event."""
    text = (start + piece * (length // len(piece.encode()) + 1))[:length]
    raw, event = text.encode()[:length], {"note": text}
    before = time.process_time()
    redact_bytes(raw)
    redact_event(event)
    return time.process_time() - before
