"""Records and events of the demand archive as people may read them: harmless, masked, and with what
changed marked.

The contents of a change event were written by others. Templates escape markup; characters that
nobody sees, or that turn the direction of the text around, are shown as JSON writes them. [BR-019,
BR-020]
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from operations.adminkit.masking import DOT, mask_email, mask_phone, mask_text
from operations.adminkit.plaintext import visible

SCRUBBED = ("[redacted]", "[erased]")
LONGEST_VALUE = 2_000  # characters of a value that a page shows
TOKEN = re.compile(r'"(?:\\.|[^"\\])*"?|[{}\[\],:]|[^\s"{}\[\],:]+', re.S)
ALONE = re.compile(
    r'\{\n *+("(?:\\.|[^"\\\n])*+": (?:"(?:\\.|[^"\\\n])*+"|[^\s"{}\[\],:]++))\n *+\}'
)
DEEPEST = 12  # deeper levels are not indented further


def hide(text: str) -> str:
    """A text that may say anything about anybody is hidden as a whole."""
    return DOT * min(len(text), 12)


MASKS: Mapping[str, Callable[[str], str]] = {
    "phoneNumber": mask_phone,
    "email": mask_email,
    "messageBody": hide,
    "systemUserId": mask_text,
    "memberId": mask_text,
}


@dataclass(frozen=True)
class Line:
    """A field of a record, dots between the names of nested ones; and what it was before, where
    that is known.
    """

    name: str
    value: str
    before: str
    changed: bool
    scrubbed: bool


def in_order(record: Mapping[str, Any], avro: Mapping[str, Any]) -> dict[str, Any]:
    """The record with its fields in the order of its schema, which the database does not keep;
    others come last.
    """
    fields = {field["name"]: field["type"] for field in avro["fields"]}
    names = [
        *(name for name in fields if name in record),
        *(name for name in record if name not in fields),
    ]
    return {name: _nested_in_order(record[name], fields.get(name)) for name in names}


def _nested_in_order(value: Any, declared: Any) -> Any:
    for kind in declared if isinstance(declared, list) else [declared]:
        if isinstance(value, Mapping) and isinstance(kind, Mapping) and "fields" in kind:
            return in_order(value, kind)
    return value


def lines(
    record: Mapping[str, Any], before: Mapping[str, Any] | None = None, *, hidden: bool
) -> list[Line]:
    """The fields of a record in their order, then those that it no longer has. `hidden`: personal
    ones are masked.

    Changes are found before masking: two addresses may look alike behind their masks.
    """
    now, then = dict(_flat(record)), dict(_flat(before or {}))
    names = [*now, *(name for name in then if name not in now)]
    return [
        Line(
            name,
            shown(name, now.get(name, ""), hidden=hidden),
            shown(name, then.get(name, ""), hidden=hidden),
            before is not None and now.get(name, "") != then.get(name, ""),
            now.get(name, "") in SCRUBBED,
        )
        for name in names
    ]


def shown(name: str, value: str, *, hidden: bool) -> str:
    """A field's value for a page: masked if it is personal and `hidden`, cut if it is very long,
    every character visible.
    """
    mask = MASKS.get(name.rpartition(".")[2]) if hidden and value not in SCRUBBED else None
    text = mask(value) if mask else value
    return visible(cut(text, LONGEST_VALUE))


def cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[:longest]}… ({len(text):,} characters in all)"


def _flat(record: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """(dotted name, text) of every field that is not null."""
    for name, value in record.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{name}.")
        elif value is not None:
            yield above + name, _text(value)


def _text(value: Any) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def laid_out(text: str) -> str:
    """JSON with a line for each member, and `{"S": "fan"}` on one line; what is no JSON does no
    harm.

    Nothing but the space between its parts is changed.
    """
    out: list[str] = []
    depth = 0
    for part in TOKEN.findall(text):
        if part in "}]":
            depth = max(0, depth - 1)
            out.append(part if out and out[-1] in ("{", "[") else _line(depth) + part)
        elif part in "{[":
            depth += 1
            out.append(part)
        elif part == ",":
            out.append("," + _line(depth))
        elif part == ":":
            out.append(": ")
        else:
            out.append(_line(depth) + part if out and out[-1] in ("{", "[") else part)
    return ALONE.sub(r"{\1}", "".join(out))


def _line(depth: int) -> str:
    return "\n" + "  " * min(depth, DEEPEST)
