"""What the demand archive tells apart. Values stand in the database and in files."""

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

    NOT_UTF8 = "not_utf8", "not UTF-8"
    NOT_JSON = "not_json", "not JSON"
    TOO_LARGE = "too_large", "too large"
    WRONG_ENVELOPE = "wrong_envelope", "no change event"
    MISSING_IMAGE = "missing_image", "without image"
    UNKNOWN_TYPE = "unknown_type", "unknown type"
    INVALID_FIELD = "invalid_field", "a field is missing or of the wrong type"
    INVALID_DATE = "invalid_date", "a date is missing or cannot be read"


class BatchState(models.TextChoices):
    """A batch is claimed before any work, and done or lost after it."""

    OPEN = "open", "open"
    DONE = "done", "done"
    LOST = "lost", "gone from the stream"
