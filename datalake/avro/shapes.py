"""The types of Avro as values are read: how, in how many bytes at least, and what they may hold.
Pure. [L-3]
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

DEEPEST = 32  # types inside each other; a registration has 3
MOST_FIELDS = 1_000  # of a record, those of its records included
MOST_ITEMS = 100_000  # values in all arrays and maps of a record
LARGEST_VALUE = 16 << 20  # bytes of a text

# (bytes, place) → value, place after it
Read = Callable[[bytes, int], tuple[Any, int]]

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 local timestamps have no zone
_PER_SECOND = {"millis": 1_000, "micros": 1_000_000, "nanos": 1_000_000_000}
TIMESTAMPS = {
    f"{local}timestamp-{unit}": (per_second, zone)
    for unit, per_second in _PER_SECOND.items()
    for local, zone in (("", UTC), ("local-", None))
}


class Undecodable(ValueError):
    """Why the bytes or the schema cannot be read, as the end of a sentence about a file."""


@dataclass(frozen=True)
class Shape:
    """A type made ready: how to read one value, the fewest bytes it takes, how many values it holds
    (arrays and maps aside), and how deep they lie inside each other.
    """

    read: Read
    least_bytes: int
    values: int = 1
    depth: int = 1

    def __post_init__(self) -> None:
        if self.depth > DEEPEST:
            raise Undecodable(f"its schema is nested more than {DEEPEST} types deep")
        if self.values > MOST_FIELDS:
            raise Undecodable(f"its schema has more than {MOST_FIELDS:,} fields")


class Budget:
    """How many values the arrays and maps of one record may still hold; refilled for each."""

    def __init__(self) -> None:
        self.left = MOST_ITEMS

    def spend(self, values: int) -> None:
        self.left -= values
        if self.left < 0:
            raise Undecodable(f"the arrays of a record hold more than {MOST_ITEMS:,} values")


def record_shape(shapes: Mapping[str, Shape]) -> Shape:
    reads = [(name, shape.read) for name, shape in shapes.items()]

    def read(data: bytes, at: int) -> tuple[Any, int]:
        record = {}
        for name, read_field in reads:
            record[name], at = read_field(data, at)
        return record, at

    least_bytes = sum(shape.least_bytes for shape in shapes.values())
    return Shape(read, least_bytes, *_around(shapes.values()))


def _around(inner: Collection[Shape]) -> tuple[int, int]:
    """The values and the depth of what holds one of each of these."""
    values = 1 + sum(shape.values for shape in inner)
    return values, 1 + max((shape.depth for shape in inner), default=0)


def union_shape(branches: Sequence[Shape]) -> Shape:
    if not branches:
        raise Undecodable("its schema has a union of no types")

    def read(data: bytes, at: int) -> tuple[Any, int]:
        branch, at = _long(data, at)
        if not 0 <= branch < len(branches):
            raise Undecodable("a value is of a type that its schema does not have")
        return branches[branch].read(data, at)

    least_bytes = 1 + min(branch.least_bytes for branch in branches)
    return Shape(read, least_bytes, *_around(branches))


def array_shape(item: Shape, budget: Budget) -> Shape:
    if not item.least_bytes:
        raise Undecodable("its schema has an array of nothing")

    def read(data: bytes, at: int) -> tuple[Any, int]:
        items: list[Any] = []
        count, at = _items(data, at)
        while count:
            budget.spend(count * item.values)
            for _ in range(count):
                value, at = item.read(data, at)
                items.append(value)
            count, at = _items(data, at)
        return items, at

    return Shape(read, 1, depth=item.depth + 1)


def map_shape(value: Shape, budget: Budget) -> Shape:
    def read(data: bytes, at: int) -> tuple[Any, int]:
        entries: dict[str, Any] = {}
        count, at = _items(data, at)
        while count:
            budget.spend(count * (1 + value.values))
            for _ in range(count):
                key, at = _text(data, at)
                entries[key], at = value.read(data, at)
            count, at = _items(data, at)
        return entries, at

    return Shape(read, 1, depth=value.depth + 1)


def _items(data: bytes, at: int) -> tuple[int, int]:
    """How many items the next part of an array or map has; 0 ends it. Before a negative number's
    items stands their size, which only readers that skip need.
    """
    count, at = _long(data, at)
    if count < 0:
        _, at = _long(data, at)
    return abs(count), at


def enum_shape(symbols: Any) -> Shape:
    if not isinstance(symbols, list) or not all(isinstance(symbol, str) for symbol in symbols):
        raise Undecodable("its schema has an enum without symbols")

    def read(data: bytes, at: int) -> tuple[Any, int]:
        number, at = _long(data, at)
        if not 0 <= number < len(symbols):
            raise Undecodable("a value is none of its enum's symbols")
        return symbols[number], at

    return Shape(read, 1)


def fixed_shape(size: Any) -> Shape:
    if type(size) is not int or not 0 <= size <= LARGEST_VALUE:
        raise Undecodable("its schema has a fixed type without a usable size")

    def read(data: bytes, at: int) -> tuple[Any, int]:
        return _slice(data, at, size), at + size

    return Shape(read, size)


def timestamp_shape(logical_type: str) -> Shape:
    per_second, zone = TIMESTAMPS[logical_type]

    def read(data: bytes, at: int) -> tuple[Any, int]:
        number, at = _long(data, at)
        try:
            moment = _EPOCH + timedelta(microseconds=number * 1_000_000 // per_second)
        except OverflowError:
            raise Undecodable("a timestamp lies outside the years 1 to 9999") from None
        return moment.replace(tzinfo=zone), at

    return Shape(read, 1)


def _long(data: bytes, at: int) -> tuple[int, int]:
    byte = data[at]
    if byte < 128:
        return (byte >> 1) ^ -(byte & 1), at + 1
    value, shift = byte & 127, 7
    while byte > 127:
        at += 1
        byte = data[at]
        value |= (byte & 127) << shift
        shift += 7
        if shift > 70:
            raise Undecodable("a number has too many bytes")
    return (value >> 1) ^ -(value & 1), at + 1


def _slice(data: bytes, at: int, length: int) -> bytes:
    if not 0 <= length <= LARGEST_VALUE:
        raise Undecodable(f"a value is declared to have {length:,} bytes")
    if at + length > len(data):
        raise Undecodable("a record is incomplete")
    return data[at : at + length]


def _bytes(data: bytes, at: int) -> tuple[bytes, int]:
    length, at = _long(data, at)
    return _slice(data, at, length), at + length


def _text(data: bytes, at: int) -> tuple[str, int]:
    encoded, at = _bytes(data, at)
    return encoded.decode(errors="surrogateescape"), at


def _boolean(data: bytes, at: int) -> tuple[bool, int]:
    if data[at] > 1:
        raise Undecodable("a boolean is neither true nor false")
    return data[at] == 1, at + 1


def _null(data: bytes, at: int) -> tuple[None, int]:
    return None, at


def _number(form: str) -> Read:
    reader = struct.Struct(form)

    def read(data: bytes, at: int) -> tuple[Any, int]:
        (value,) = reader.unpack_from(data, at)
        return value, at + reader.size

    return read


PRIMITIVES = {
    "null": Shape(_null, 0),
    "boolean": Shape(_boolean, 1),
    "int": Shape(_long, 1),
    "long": Shape(_long, 1),
    "float": Shape(_number("<f"), 4),
    "double": Shape(_number("<d"), 8),
    "bytes": Shape(_bytes, 1),
    "string": Shape(_text, 1),
}
