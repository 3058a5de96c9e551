"""The vocabularies of the demand archive. Values are in the database and in files."""

from __future__ import annotations

from django.db import models


class DemandType(models.TextChoices):
    """The record types of the second pipeline. [BR-002]"""

    DEMAND = "demand", "demand"
    NOTIFICATION = "notification", "notification"
    EVENT = "event", "event"
    SALE = "sale", "sale"


class ErrorType(models.TextChoices):
    """Why an event is not archived; one error file for each of them and batch. [BR-017, D-5]"""

    NOT_UTF8 = "not_utf8", "Not UTF-8"
    NOT_JSON = "not_json", "Not JSON"
    TOO_LARGE = "too_large", "Too large"
    WRONG_ENVELOPE = "wrong_envelope", "Not a change event"
    MISSING_IMAGE = "missing_image", "Missing image"
    UNKNOWN_TYPE = "unknown_type", "Unknown type"
    INVALID_FIELD = "invalid_field", "Missing or invalid field"
    INVALID_DATE = "invalid_date", "Missing or invalid date"
    ERASED = "erased", "Fan was erased"


class BatchState(models.TextChoices):
    """A batch is claimed before any work, and done or lost after it."""

    OPEN = "open", "open"
    DONE = "done", "done"
    LOST = "lost", "gone from the stream"
