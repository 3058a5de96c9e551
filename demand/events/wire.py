"""DynamoDB's wire format: each value is an object with one key, the name of its type. Pure."""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

MOST_NESTED = 64  # DynamoDB itself allows 32 levels


def value_of(wire: Any) -> Any:
    """S is str, N int or Decimal, B bytes, BOOL bool, NULL None, M dict, L list; SS, NS and BS are
    sets.

    Raises ValueError that names the type and what is wrong with it, never a value.
    """
    return _value(wire, MOST_NESTED)


def tag_of(wire: Any) -> str:
    """The name of the wire value's type. Raises ValueError where it is no wire value; what it holds
    is not looked at.
    """
    if not isinstance(wire, dict):
        raise ValueError("not an object with a DynamoDB type")
    if len(wire) != 1:
        raise ValueError("not exactly one DynamoDB type")
    [tag] = wire
    if tag not in _READERS:
        raise ValueError("not a DynamoDB type")
    return str(tag)


def _value(wire: Any, depth: int) -> Any:
    tag = tag_of(wire)
    if not depth:
        raise ValueError(f"{tag}: nested too deeply")
    return _READERS[tag](wire[tag], depth - 1)


def _string(held: Any, _depth: int) -> str:
    if not isinstance(held, str):
        raise ValueError("S: not a string")
    return held


def _number(held: Any, _depth: int) -> int | Decimal:
    """Whole numbers of any size are int; `1E3` and `1.0` are Decimal, as they were written."""
    if not isinstance(held, str) or len(held) > 400:
        raise ValueError("N: not a number in a string")
    digits = held[1:] if held.startswith(("-", "+")) else held
    if digits.isascii() and digits.isdigit():
        return int(held)
    try:
        number = Decimal(held)
    except InvalidOperation:
        raise ValueError("N: not a number") from None
    if not number.is_finite() or held != held.strip() or "_" in held:
        raise ValueError("N: not a number")
    return number


def _binary(held: Any, _depth: int) -> bytes:
    if not isinstance(held, str):
        raise ValueError("B: not a string")
    try:
        return b64decode(held, validate=True)
    except (NotBase64, ValueError):
        raise ValueError("B: not base64") from None


def _boolean(held: Any, _depth: int) -> bool:
    if not isinstance(held, bool):
        raise ValueError("BOOL: not true or false")
    return held


def _null(held: Any, _depth: int) -> None:
    if held is not True:
        raise ValueError("NULL: not true")


def _map(held: Any, depth: int) -> dict[str, Any]:
    if not isinstance(held, dict):
        raise ValueError("M: not an object")
    return {str(name): _value(wire, depth) for name, wire in held.items()}


def _list(held: Any, depth: int) -> list[Any]:
    if not isinstance(held, list):
        raise ValueError("L: not a list")
    return [_value(wire, depth) for wire in held]


def _set_of(tag: str, read: Callable[[Any, int], Any]) -> Callable[[Any, int], set[Any]]:
    def read_set(held: Any, depth: int) -> set[Any]:
        if not isinstance(held, list):
            raise ValueError(f"{tag}: not a list")
        return {read(each, depth) for each in held}

    return read_set


_READERS: dict[str, Callable[[Any, int], Any]] = {
    "S": _string,
    "N": _number,
    "B": _binary,
    "BOOL": _boolean,
    "NULL": _null,
    "M": _map,
    "L": _list,
    "SS": _set_of("SS", _string),
    "NS": _set_of("NS", _number),
    "BS": _set_of("BS", _binary),
}
