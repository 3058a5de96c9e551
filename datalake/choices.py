"""The vocabularies of the lake."""

from __future__ import annotations

from django.db.models import TextChoices


class RecordType(TextChoices):
    """The campaign types: what the streams carry and the lake keeps. [L-1]"""

    REGISTRATION = "registration"
    SCORING = "scoring"
    CODE_ASSIGNMENT = "codeAssignment"


class StreamName(TextChoices):
    """The streams. [T-1]"""

    INPUT = "input"
    SAVE_SELECTION = "save-selection"
    SCORED = "scored"
    FANLIST_RANKS = "fanlist-ranks"


# never save-selection [L-2]
LAKE_STREAMS = (StreamName.INPUT, StreamName.SCORED, StreamName.FANLIST_RANKS)


class QueueName(TextChoices):
    """The queues of messages. [L-5, T-4]"""

    VERDICT = "verdict"
    ARCHIVE = "archive"


class MessageState(TextChoices):
    """A message of a queue: it waits until it is acknowledged or handed over to SQS. [T-4]"""

    WAITING = "waiting"
    DONE = "done"
    DEAD = "dead"


class PayloadForm(TextChoices):
    """How a batch is stored: columns of one record type, or JSON that may hold anything."""

    FRAME = "frame"
    JSON = "json"


class ClaimState(TextChoices):
    OPEN = "open"
    DONE = "done"


class FileState(TextChoices):
    """LOOSE and MERGED files are what readers see; SUPERSEDED ones wait to be archived. [L-4]"""

    LOOSE = "loose"
    MERGED = "merged"
    SUPERSEDED = "superseded"
    ARCHIVED = "archived"


READABLE = (FileState.LOOSE, FileState.MERGED)


class QueryState(TextChoices):
    """What became of a query in SQL. [L-8]"""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    REFUSED = "refused"
    STOPPED = "stopped"


class MergeState(TextChoices):
    """The steps of a merge; one that was refused or killed stays where it was, with its error.
    [L-3]
    """

    FRAGMENTED = "fragmented"
    QUERYING = "querying"
    CONSOLIDATING = "consolidating"
    MERGED = "merged"
    ARCHIVED = "archived"
