"""What the engine answers → rows of plain JSON values. Pure. [L-8]"""

from __future__ import annotations

import json
import math
from typing import Any, Final

import pyarrow as pa

_AS_TEXT: Final = (
    pa.types.is_timestamp,
    pa.types.is_date,
    pa.types.is_time,
    pa.types.is_decimal,
)


def lines(batch: pa.RecordBatch) -> list[str]:
    """Each row as one line of JSON, an array of its values in the order of the columns.

    Dates, times and decimals are texts, bytes hexadecimal, a number that is not finite its name.
    Raises ValueError for one that Python does not have.
    """
    columns = [_values(column) for column in batch.columns]
    return [json.dumps(row, ensure_ascii=False) for row in zip(*columns, strict=True)]


def _values(column: pa.Array) -> list[Any]:
    if any(test(column.type) for test in _AS_TEXT):
        column = column.cast(pa.string())
    return [_plain(value) for value in column.to_pylist()]


def _plain(value: Any) -> Any:
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else str(value)
        case bytes():
            return value.hex()
        case dict():
            return {str(name): _plain(each) for name, each in value.items()}
        case list() | tuple():
            return [_plain(each) for each in value]
    return str(value)
