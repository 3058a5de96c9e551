"""A request that a provider posts to `/receipts/NAME`, and its body as JSON or as a form, read
within bounds. Nothing of it is read before its signature is checked. [N-3]
"""

from __future__ import annotations

import hmac
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from operations.entry import values
from operations.errors import BadValue
from waves.providers.outcomes import Event, Refused

MOST_FIELDS: Final = 200  # of a form or a query
LONGEST_ID: Final = 64  # of a provider's own


@dataclass(frozen=True)
class Posted:
    """A request as it came. `address` is the public one that the provider called: SITE_URL with the
    path and the query as they were sent.
    """

    headers: Mapping[str, str]
    body: bytes
    address: str

    def json(self) -> Any:
        """What the body says; each event in it has still to be judged (`each`). Raises BadValue."""
        self._require("application/json")
        return values.parsed("body", self.body)

    def form(self) -> dict[str, str]:
        """The fields of a form. Raises BadValue."""
        self._require("application/x-www-form-urlencoded")
        return _once("body", form_pairs(self.body))

    def query(self) -> dict[str, str]:
        """The fields of the address. Raises BadValue."""
        return _once("address", form_pairs(urlsplit(self.address).query.encode()))

    def _require(self, wanted: str) -> None:
        if not self.body:
            raise BadValue("body", "it is empty.")
        given = self.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if given != wanted:
            named = values.shown(given) if given else "missing"
            raise BadValue("Content-Type", f"it is {named}. Send {wanted}.")


def is_same(expected: str, given: str) -> bool:
    """Whether a signature is the expected one, in a time that tells nothing; `given` may be any
    text.
    """
    return hmac.compare_digest(expected.encode(), given.encode(errors="replace"))


def form_pairs(body: bytes) -> list[tuple[str, str]]:
    """Names and values of a form in their order. Raises BadValue."""
    try:
        return parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MOST_FIELDS,
        )
    except ValueError as error:  # what is not ASCII or not UTF-8, and too many fields
        raise BadValue("body", f"it is not a form: {error}.") from error


def each(documents: Any, read: Callable[[dict[str, Any]], Event], *, key: str) -> list[Event]:
    """Every event of a list by itself: one that cannot be read is refused, and the others are not.
    Raises BadValue where `documents` is no list.
    """
    if not isinstance(documents, list):
        raise BadValue(key, f"write a list of objects, not {values.shown(documents)}.")
    return [_read(document, read, key) for document in documents]


def _read(document: Any, read: Callable[[dict[str, Any]], Event], key: str) -> Event:
    try:
        if not isinstance(document, dict):
            raise BadValue(key, f"write a list of objects, not {values.shown(document)}.")
        return read(values.fit(key, document))
    except BadValue as refusal:
        return Refused(str(refusal))


def our_key(key: str, value: Any) -> uuid.UUID:
    """Our key, as a message carried it. Raises BadValue."""
    written = values.text(key, value, longest=values.SHOWN)
    try:
        return uuid.UUID(written)
    except ValueError as error:
        raise BadValue(key, f"{values.shown(written)} is not a UUID.") from error


def their_id(key: str, value: Any) -> str:
    """The provider's own id, cut to what a row holds. Raises BadValue."""
    if isinstance(value, bool | dict | list):
        raise BadValue(key, f"write a text in quotes, not {values.shown(value)}.")
    return values.text(key, "" if value is None else str(value)[:LONGEST_ID])


def _once(key: str, pairs: list[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in pairs:
        if name in found:
            raise BadValue(key, f"the field {values.shown(name)} occurs twice.")
        found[values.text(key, name)] = values.text(name, value)
    return found
