"""One record (a dict) → Avro's binary encoding, by a plan made once from its schema. Pure.

Measured with demand records: 3 µs each, fastavro's schemaless writer 11 µs. The bytes are
fastavro's for the same record (a property test holds the two equal). Only these shapes of a field:
string, ["null", string], ["null", boolean], a record, ["null", record].
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import groupby
from typing import Any

from datalake.avro.columns import varint

# How a field is encoded. Plain numbers: comparing members of an Enum would cost a third of the
# whole encoding.
STRING, OPTIONAL_STRING, RECORD, OPTIONAL_RECORD, OPTIONAL_BOOLEAN = range(5)
_PYTHON: tuple[type, ...] = (str, str, dict, dict, bool)

# Neighbours of one shape are a step: the shape, their names and, for a record, the steps of its
# fields.
Step = tuple[int, tuple[str, ...], tuple[Any, ...]]
Encoder = Callable[[Mapping[str, Any]], bytes]


class _Lengths(dict[int, bytes]):
    """Length → the bytes before a string of so many bytes; the usual ones are made once."""

    def __init__(self, branch: bytes) -> None:
        self.branch = branch
        self.update({length: branch + varint(length) for length in range(2_048)})

    def __missing__(self, length: int) -> bytes:
        return self.branch + varint(length)


_NULL, _SECOND = b"\x00", b"\x02"  # the branches of a union
_LENGTHS, _PRESENT = _Lengths(b""), _Lengths(_SECOND)
# the same for lengths that are one byte, as texts
_SHORT = tuple(chr(2 * length) for length in range(64))
_SHORT_PRESENT = tuple(f"\2{length}" for length in _SHORT)


def encoder(schema: Mapping[str, Any]) -> Encoder:
    """A function record → bytes. The record must have every field of the schema; others are passed
    over.

    It raises ValueError naming the field, and never a value, for a record that is not of the
    schema's shape. Raises ValueError for a schema with another shape of a field than this module
    knows.
    """
    steps = plan(schema)

    def encode(record: Mapping[str, Any]) -> bytes:
        texts: list[str] = []
        try:
            _fill_short(record, steps, texts.append)
            return "".join(texts).encode("ascii")
        except (IndexError, AttributeError, TypeError, KeyError, UnicodeEncodeError):
            return encode_any(record)

    def encode_any(record: Mapping[str, Any]) -> bytes:
        out: list[bytes] = []
        try:
            _fill(record, steps, out.append)
        except (AttributeError, TypeError, KeyError, UnicodeEncodeError):
            raise ValueError(
                next(culprits(record, steps), "the record has the wrong shape")
            ) from None
        return b"".join(out)

    return encode


def plan(schema: Mapping[str, Any]) -> tuple[Step, ...]:
    """The steps of a record's fields, in order. Raises ValueError for a shape that is not
    supported.
    """
    shaped = [(field["name"], *_shape(field)) for field in schema["fields"]]
    steps: list[Step] = []
    for (shape, inner), fields in groupby(shaped, key=lambda each: each[1:]):
        names = tuple(name for name, *_ in fields)
        steps += [(shape, (name,), inner) for name in names] if inner else [(shape, names, ())]
    return tuple(steps)


def _shape(field: Mapping[str, Any]) -> tuple[int, tuple[Step, ...]]:
    match field["type"]:
        case "string":
            return STRING, ()
        case ["null", "string"]:
            return OPTIONAL_STRING, ()
        case ["null", "boolean"]:
            return OPTIONAL_BOOLEAN, ()
        case {"type": "record"} as inner:
            return RECORD, plan(inner)
        case ["null", {"type": "record"} as inner]:
            return OPTIONAL_RECORD, plan(inner)
    raise ValueError(
        f"Field {field['name']}: the shape {field['type']} is none of the supported ones."
    )


def _fill_short(
    record: Mapping[str, Any], steps: tuple[Step, ...], put: Callable[[str], None]
) -> None:
    """As `_fill`, for texts of less than 64 characters: all of the record is ASCII if they are.
    Raises IndexError for one that is longer.
    """
    for shape, names, inner in steps:
        if shape == OPTIONAL_STRING:
            for name in names:
                text = record[name]
                if text is None:
                    put("\0")
                else:
                    put(_SHORT_PRESENT[len(text)])
                    put(text)
        elif shape == STRING:
            for name in names:
                text = record[name]
                put(_SHORT[len(text)])
                put(text)
        elif shape == OPTIONAL_BOOLEAN:
            for name in names:
                put(_boolean(record[name]).decode())
        elif shape == RECORD or record[names[0]] is not None:
            put("" if shape == RECORD else "\2")
            _fill_short(record[names[0]], inner, put)
        else:
            put("\0")


def _fill(record: Mapping[str, Any], steps: tuple[Step, ...], put: Callable[[bytes], None]) -> None:
    for shape, names, inner in steps:
        if shape == OPTIONAL_STRING:
            for name in names:
                text = record[name]
                if text is None:
                    put(_NULL)
                else:
                    data = text.encode()
                    put(_PRESENT[len(data)])
                    put(data)
        elif shape == STRING:
            for name in names:
                data = record[name].encode()
                put(_LENGTHS[len(data)])
                put(data)
        elif shape == OPTIONAL_BOOLEAN:
            for name in names:
                put(_boolean(record[name]))
        else:
            _fill_record(record[names[0]], shape, inner, put)


def _boolean(value: Any) -> bytes:
    if value is None:
        return _NULL
    if type(value) is not bool:
        raise TypeError
    return _SECOND + bytes([value])


def _fill_record(
    value: Any, shape: int, inner: tuple[Step, ...], put: Callable[[bytes], None]
) -> None:
    if shape == OPTIONAL_RECORD:
        if value is None:
            put(_NULL)
            return
        put(_SECOND)
    _fill(value, inner, put)


def culprits(record: Any, steps: tuple[Step, ...], path: str = "") -> Iterator[str]:
    """What hinders the record's encoding: the fields and the types they have, never a value."""
    for shape, names, inner in steps:
        for name in names:
            value = record.get(name, ...)
            field = f"{path}{name}"
            if value is ...:
                yield f"{field}: missing"
            elif value is None and shape not in (STRING, RECORD):
                continue
            elif not isinstance(value, _PYTHON[shape]):
                yield f"{field}: is {type(value).__name__}, not {_PYTHON[shape].__name__}"
            elif inner:
                yield from culprits(value, inner, f"{field}.")
            elif isinstance(value, str) and any("\ud800" <= each <= "\udfff" for each in value):
                yield f"{field}: not valid Unicode"
