"""A column for positions of streams: whole numbers of up to 129 digits, as Kinesis counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

if TYPE_CHECKING:
    _Field = models.Field[int, int]
else:
    _Field = models.Field


class PositionField(_Field):
    """A whole number that `bigint` is too small for; in Python it is an int."""

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        return "numeric(129)"

    def from_db_value(self, value: Any, *_: object) -> int | None:
        return None if value is None else int(value)

    def to_python(self, value: Any) -> Any:
        return None if value is None else int(value)

    def get_prep_value(self, value: Any) -> Any:
        return self.to_python(super().get_prep_value(value))
