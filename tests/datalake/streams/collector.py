"""A consumer for tests."""

from __future__ import annotations

from datalake.streams.consumers import take

REGISTRATIONS = {"registration"}


class Collector:
    """A consumer that remembers what took effect."""

    def __init__(self, rejects=()):
        self.got = []
        self.rejects = rejects

    def __call__(self, records):
        rejected = {
            at: "unknown fan"
            for at, record in enumerate(records)
            if record["globalUserId"] in self.rejects
        }
        self.got += [
            record["globalUserId"] for at, record in enumerate(records) if at not in rejected
        ]
        return rejected

    def take(self, stream="input", types=REGISTRATIONS):
        return take("collector", stream, self, types=types)
