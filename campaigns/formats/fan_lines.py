"""Lines of text files without a fan who was erased: of score files, registrations, ranks, waves and
their rejected rows. The number of lines and of fields stays, so that every other line keeps its
number. Pure. [X-11]
"""

from __future__ import annotations

import csv
import io
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from datalake.erased.erasing import Sought
from operations.entry.trimming import trim

FANS = frozenset({"global_user_id", "globaluserid"})
# What an erasure leaves as evidence.
KEPT = frozenset(
    {"line", "reason", "raw_local_fanscore", "score", "band_score", "bandscore", "rank", "tags"}
    | {"place", "marketid", "market_id", "market_preferences", "markets", "code"}
    | {"registered_at", "date_created"}
)


@dataclass(frozen=True)
class Layout:
    """How the lines of a file are cut, and what is in their fields; `names` is empty where the
    first line names no fan's column.
    """

    separator: str
    names: Sequence[str]

    @classmethod
    def of(cls, first: str) -> Layout:
        separator = "\t" if "\t" in first else ","
        names = [name.lower() for name in _cut(first, separator) or []]
        return cls(separator, names if FANS & {*names} else ())

    @property
    def fan(self) -> int:
        """The number of the column with the fan's id."""
        return next(number for number, each in enumerate(self.names) if each in FANS)

    def fields_of(self, body: str) -> list[str]:
        """A line cut into as many fields as there are columns; empty for one that cannot be."""
        fields = (_cut(body, self.separator) or []) if self.names else []
        return fields if len(fields) == len(self.names) else []

    def kept(self, fields: Sequence[str], name: str) -> str:
        """What stays of a fan's line, under another name."""
        kept = [
            field if named in KEPT else name if number == self.fan else ""
            for number, (field, named) in enumerate(zip(fields, self.names, strict=True))
        ]
        return _joined(kept, self.separator)


def without(lines: Iterable[bytes], sought: Sought, name: str) -> Iterator[tuple[bytes, bool]]:
    """Each line (with its end) as it is to be, and whether that changed it. `name` stands for the
    fan from now on.
    """
    layout: Layout | None = None
    for line in lines:
        text = line.decode("utf-8", "surrogateescape")
        body = text.rstrip("\r\n")
        if layout is None:
            layout = Layout.of(body.removeprefix("\ufeff"))
        if not sought.named_in(text):
            yield line, False
            continue
        new = _without(body, layout, sought, name) + text[len(body) :]
        yield new.encode("utf-8", "surrogateescape"), new != text


def fans_in(lines: Iterable[bytes], numbers: Container[int]) -> Iterator[tuple[int, str]]:
    """The number of each of these lines (the header is line 1), and the id in it; none for a line
    that cannot be read.
    """
    layout: Layout | None = None
    for number, line in enumerate(lines, start=1):
        if layout is None:
            layout = Layout.of(_text(line).removeprefix("\ufeff"))
        elif number in numbers and (fields := layout.fields_of(_text(line))):
            yield number, fields[layout.fan]


def without_fans(
    lines: Iterable[bytes], names: Mapping[str, str], numbers: Container[int] | None = None
) -> Iterator[tuple[bytes, bool]]:
    """As `without`, of several fans, by id, and the names that stand for them; of the lines with
    these `numbers` alone, if there are any.
    """
    layout: Layout | None = None
    for number, line in enumerate(lines, start=1):
        if layout is None:
            layout = Layout.of(_text(line).removeprefix("\ufeff"))
        elif numbers is None or number in numbers:
            fields = layout.fields_of(_text(line))
            if fields and fields[layout.fan] in names:
                new = layout.kept(fields, names[fields[layout.fan]])
                end = line[len(line.rstrip(b"\r\n")) :]
                yield new.encode("utf-8", "surrogateescape") + end, True
                continue
        yield line, False


def _text(line: bytes) -> str:
    return line.decode("utf-8", "surrogateescape").rstrip("\r\n")


def _without(body: str, layout: Layout, sought: Sought, name: str) -> str:
    fields = _cut(body, layout.separator)
    if not layout.names or fields is None:
        return _renamed(fields, body, layout, sought, name)
    if len(fields) != len(layout.names):
        return ""  # a line that could not be read is one that cannot
    whose = fields[layout.fan]
    if whose not in ("", sought.fan_id):
        return body
    if not whose and not any(field.lower() in _lowered(sought) for field in fields):
        return body
    return layout.kept(fields, name if whose else "")


def _renamed(fields: list[str] | None, body: str, layout: Layout, sought: Sought, name: str) -> str:
    """A line of a file whose first one names no columns: other fields stay as they are."""
    if fields is None or sought.fan_id not in fields:
        return sought.taken_out(body)
    gone = [
        name if field == sought.fan_id else "" if field.lower() in _lowered(sought) else field
        for field in fields
    ]
    return _joined(gone, layout.separator)


def _lowered(sought: Sought) -> frozenset[str]:
    return frozenset(each.lower() for each in sought.contacts)


def _cut(body: str, separator: str) -> list[str] | None:
    """The fields, trimmed; None where quotes are not as they should be. Tabs know no quotes."""
    if separator == "\t":
        return [trim(field) for field in body.split("\t")]
    try:
        return [trim(field) for field in next(csv.reader([body], strict=True), [])]
    except csv.Error:
        return None


def _joined(fields: Sequence[str], separator: str) -> str:
    if separator == "\t":
        return "\t".join(fields)
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(fields)
    return out.getvalue()
