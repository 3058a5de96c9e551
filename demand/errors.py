"""What the demand archive refuses. One class per refusal; the message says what, where and what to
do.
"""

from __future__ import annotations

from demand.choices import ErrorType
from operations.errors import Refusal


class DemandError(Refusal):
    """A step of the demand archive was refused; nothing was written."""


class BatchTaken(DemandError):
    """Another worker archives this batch, or did while this one was at it; nothing of this attempt
    counts. [D-5]
    """


class UnreadableEvents(DemandError):
    """A whole file of change events cannot be taken: not there, too large, broken, or not what was
    uploaded. [D-1]
    """


class NotKept(DemandError):
    """The bucket did not keep a file of change events as it was given. [D-1]"""


class UnknownUpload(DemandError):
    """No file of change events has this number."""


class StoppedByHand(DemandError):
    """A person paused or cancelled the archiving of a file."""


class CannotReplay(DemandError):
    """An error file cannot be replayed as asked: it is not there, or holds what only a repair can
    bring back. [BR-014]
    """


class CannotErase(DemandError):
    """A fan cannot be erased as asked, or not everywhere; what was erased stays erased. [X-11]"""


class StreamStuck(DemandError):
    """A run that should end automatically has waited for the stream, the bucket or the database for
    too long. [D-1]
    """


class BadEvent(Exception):
    """This event cannot be archived. The message names the field and what is wrong, never a
    value.
    """

    def __init__(self, error_type: ErrorType, message: str) -> None:
        super().__init__(message)
        self.error_type = error_type
