"""What the lake refuses. Every message names what, where and what to do."""

from __future__ import annotations

from operations.errors import Refusal


class BadKey(Refusal):
    """An object key that could leave its bucket or that no bucket can hold."""


class NoSuchObject(Refusal):
    """There is no file under this key."""


class UnknownRecordType(Refusal):
    """No schema has this name."""


class InvalidFrame(Refusal):
    """A frame offered to a stream or the lake is not of the shape its type demands."""


class UnknownStream(Refusal):
    """No stream has this name."""


class UnknownConsumer(Refusal):
    """No consumer is registered under this name."""


class ConsumerFailed(Refusal):
    """Some consumers could not take what is on their streams; the others did. [T-1]"""


class TakenOver(Refusal):
    """Another process took the same records meanwhile: nothing is done with them here. [T-1]"""

    is_transient = True


class NotAvro(Refusal):
    """The file is no Avro container file, or it ends too early."""


class BadPeriod(Refusal):
    """The text names no day or month of a record type."""


class NoFiles(Refusal):
    """The period has nothing that could be merged. [L-3]"""


class TypeNotEnabled(Refusal):
    """Merging is not switched on for this record type. [L-3]"""


class OutdatedSchema(Refusal):
    """A source was written with another version of the schema than the one in force. [L-3]"""


class TooLarge(Refusal):
    """The sources or the result are larger than a merge may be. [L-3]"""


class CountMismatch(Refusal):
    """Records in and records out, or a file and its catalogue entry, differ. [L-3]"""


class MergeBusy(Refusal):
    """Another process merges this period now, or has just switched its files. [L-3]"""


class NotMerged(Refusal):
    """An archive was asked for before its merge was done. [L-5]"""


class ArchiveCorrupt(Refusal):
    """A copy is not its original: nothing was deleted. [L-5]"""


class UnknownDeadLetter(Refusal):
    """No dead letter has this number. [T-1]"""


class MessageGone(Refusal):
    """The message of a dead letter was deleted, so it cannot wait in its queue again. [T-1]"""


class ParityBusy(Refusal):
    """Files moved again and again while they were read to be compared. [X-9]"""

    is_transient = True


class QueueUnreachable(Refusal):
    """A queue of messages does not answer, or not as it should."""

    is_transient = True


class StreamUnreachable(Refusal):
    """A Kinesis stream does not answer, or not as it should; a moment later it may."""

    is_transient = True


class StreamBusy(StreamUnreachable):
    """More is read from a shard than Kinesis gives in a second."""


class IteratorExpired(Refusal):
    """A place in a shard is good for five minutes; ask for a new one."""


class NoSuchPosition(Refusal):
    """A shard is gone, or has no such sequence number: it was kept for longer than the stream keeps
    records, or made anew.
    """


class GlueUnreachable(Refusal):
    """The Glue catalogue does not answer, or not as it should; a moment later it may."""

    is_transient = True


class QueryRefused(Refusal):
    """A query is not allowed, cannot be read, or is larger than a query may be. [L-8]"""


class TableUnreachable(Refusal):
    """A DynamoDB table does not answer, or takes no more now; a moment later it may."""

    is_transient = True


class ConditionFailed(Refusal):
    """An item of a DynamoDB table is not as it had to be for a change: nothing was changed."""


class ItemRefused(Refusal):
    """A DynamoDB table will never take what was to be written."""


class EraseLater(Refusal):
    """Somebody is at work with rows or files of a fan who is erased; later they are not. [X-11]"""

    is_transient = True
    is_wait = True


class CannotErase(Refusal):
    """Some objects of the lake could not be rewritten without a fan; the others are. [X-11]"""
