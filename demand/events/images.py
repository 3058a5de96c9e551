"""The image of a change event → the fields of its record, by the schema. Pure. [BR-003]

No general unmarshalling: the schemas hold strings, one boolean that we set ourselves, and records
of strings, so each field is taken out of its wire value at once, and what is wrong is looked for
only where that fails.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from datalake.avro.rows import OPTIONAL_RECORD, Step, plan
from demand.choices import DemandType, ErrorType
from demand.errors import BadEvent
from demand.events.wire import tag_of, value_of
from demand.schemas import schema_of

MADE = ("reference", "system", "isDeleted")  # made here; an image's own are passed over


class Fields(NamedTuple):
    """What is read of an image: names of strings, and records with their own fields; `nullable`
    records may be absent.
    """

    strings: tuple[str, ...]
    records: tuple[tuple[str, bool, Fields], ...]


def _fields(steps: tuple[Step, ...]) -> Fields:
    strings: list[str] = []
    records: list[tuple[str, bool, Fields]] = []
    for shape, names, inner in steps:
        wanted = [name for name in names if name not in MADE]
        if inner:
            records += [(name, shape == OPTIONAL_RECORD, _fields(inner)) for name in wanted]
        else:
            strings += wanted
    return Fields(tuple(strings), tuple(records))


FIELDS = {each.value: _fields(plan(schema_of(each.value).avro)) for each in DemandType}
DATES = {
    record_type: inner
    for record_type, fields in FIELDS.items()
    for name, _, inner in fields.records
    if name == "date"
}


def read(fields: Fields, image: dict[str, Any], path: str = "") -> tuple[dict[str, Any], int]:
    """The fields that the schema has, trimmed, null where they are absent or empty; and how many
    others the image has.

    The image is used up: what is read is taken out of it. Raises BadEvent (INVALID_FIELD) naming
    field and wire type.
    """
    record: dict[str, Any] = {}
    take = image.pop
    for name in fields.strings:
        wire = take(name, None)
        if wire is None:
            record[name] = None
            continue
        try:
            record[name] = wire["S"].strip() or None
            if len(wire) == 1:
                continue
        except (KeyError, TypeError, AttributeError):
            pass
        _refuse_unless_null(wire, "S", path + name)
        record[name] = None
    unknown = 0
    for name, nullable, inner in fields.records:
        held = _held(take(name, None), path + name)
        if held is None and nullable:
            record[name] = None
        else:
            record[name], more = read(inner, held or {}, f"{path}{name}.")
            unknown += more
    if image:
        unknown += len(image) if path else sum(name not in MADE for name in image)
    return record, unknown


def _held(wire: Any, field: str) -> dict[str, Any] | None:
    """What a map holds; None if it is absent."""
    if wire is None:
        return None
    held = wire.get("M") if type(wire) is dict and len(wire) == 1 else None
    if type(held) is dict:
        return held
    _refuse_unless_null(wire, "M", field)
    return None


def _refuse_unless_null(wire: Any, wanted: str, field: str) -> None:
    """NULL is absent; anything else than the wanted type is refused."""
    if wire == {"NULL": True}:
        return
    try:
        tag = tag_of(wire)
        value_of(wire)
    except ValueError as error:
        raise BadEvent(ErrorType.INVALID_FIELD, f"{field}: {error}") from None
    raise BadEvent(ErrorType.INVALID_FIELD, f"{field}: is {tag}, not {wanted}")
