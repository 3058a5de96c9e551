from __future__ import annotations

from typing import ClassVar

LONGEST_ERROR = 2_000


class Refusal(Exception):
    """A request cannot be carried out now. The message names what, where and what to
    do. `is_transient`: the same request may be granted later, though nobody changes anything.
    `is_fault`: not the request is wrong, but what another system made of it. `is_wait`: nothing is
    wrong, but other work comes first; the message says which.
    """

    is_transient: ClassVar[bool] = False
    is_fault: ClassVar[bool] = False
    is_wait: ClassVar[bool] = False


class BadValue(Refusal):
    """A value that may not enter: `key` names it, `problem` says what is wrong, in one line."""

    def __init__(self, key: str, problem: str) -> None:
        self.key, self.problem = key, problem
        super().__init__(f"{key}: {problem}")


class CommandRefused(Refusal):
    """Who runs a command is no active user of the site, or lacks its right. [O-5]"""


class JobBusy(Refusal):
    """Another worker holds the job, or one of its kind and subject is live already."""


class CannotStop(Refusal):
    """A job of this kind is neither paused nor cancelled."""


class ClocksDiffer(Refusal):
    """The database's clock and this machine's are too far apart to judge a time."""


class HeldElsewhere(Refusal):
    """A row is locked by another process that does not let go of it soon."""


class UnknownJobKind(Refusal):
    """No app has registered a kind of job with this name."""


class LeaseLost(Exception):
    """The job was taken over: this attempt's number is no longer the current one, so it must write
    nothing more.
    """


class JobStopped(Exception):
    """A person asked the job to `pause` or `cancel` (how); the chunks done so far are kept."""

    def __init__(self, how: str) -> None:
        self.how = how
        super().__init__(how)


def error_text(error: Exception) -> str:
    """An error as people may read it, and the database can keep it: a refusal may quote what a file
    holds. A fault's first line only: the database quotes whole rows in the others.
    """
    said = str(error).encode(errors="backslashreplace").decode().replace("\x00", "\\x00")
    if isinstance(error, Refusal):
        return said[:LONGEST_ERROR] or type(error).__name__
    first_line = said.partition("\n")[0]
    return f"{type(error).__name__}: {first_line}"[:LONGEST_ERROR].removesuffix(": ")
