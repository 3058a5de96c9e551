"""Streams, what was taken from them, the catalogue of the lake's files, and queues."""

from __future__ import annotations

from datalake.models.erasures import ErasedFan, ErasureKey, LakeRewrite
from datalake.models.lake import (
    LakeFile,
    LakePartition,
    Merge,
    ParityResult,
    PublishedDay,
)
from datalake.models.queues import QueueMessage
from datalake.models.streams import (
    Checkpoint,
    Claim,
    DeadLetter,
    DeadLetterQuerySet,
    SeenRecord,
    Stream,
    StreamBatch,
)

__all__ = [
    "Checkpoint",
    "Claim",
    "DeadLetter",
    "DeadLetterQuerySet",
    "ErasedFan",
    "ErasureKey",
    "LakeFile",
    "LakePartition",
    "LakeRewrite",
    "Merge",
    "ParityResult",
    "PublishedDay",
    "QueueMessage",
    "SeenRecord",
    "Stream",
    "StreamBatch",
]
