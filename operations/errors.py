from __future__ import annotations


class Refusal(Exception):
    """Something asked for cannot be done as things stand. The message names what, where and what to
    do.
    """


class JobBusy(Refusal):
    """Another worker holds the job, or one of its kind and subject is live already."""


class UnknownJobKind(Refusal):
    """No app has registered a kind of job with this name."""


class LeaseLost(Exception):
    """The job was taken over: this attempt's number is no longer the current one, so it must write
    nothing more.
    """


class JobStopped(Exception):
    """A person asked the job to `pause` or `cancel` (how); the chunks done so far stand."""

    def __init__(self, how: str) -> None:
        self.how = how
        super().__init__(how)
