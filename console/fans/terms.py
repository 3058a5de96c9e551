"""What a person typed to find a fan, in the forms in which it is stored and written. [S-2, S-4,
S-5]
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from string import ascii_lowercase, ascii_uppercase
from typing import Final

from campaigns.contacts.addresses import idna_form
from campaigns.contacts.phones import one_phone, spellings
from campaigns.contacts.search_forms import phone_form
from operations.entry.trimming import ZERO_WIDTH, trim

LONGEST_LINE: Final = 600  # characters of a line that indexes hold
_LOWERED: Final = str.maketrans(ascii_uppercase, ascii_lowercase)
_SEPARATED: Final = str.maketrans('",;', "\t\t\t")
_CLEANED: Final = _LOWERED | _SEPARATED | dict.fromkeys(map(ord, ZERO_WIDTH))


@dataclass(frozen=True)
class Term:
    """`exact`: as a fan id or member id is stored. `email`: in its stored form, empty if it is no
    address. `phones`: the numbers it can be, in E.164. `written`: how files may write it. `fields`:
    what a line of a file may hold as one field, as `fields_of` has it.
    """

    exact: str
    email: str
    phones: tuple[str, ...]
    written: tuple[str, ...]
    fields: tuple[str, ...]

    @property
    def written_emails(self) -> set[str]:
        """As rejected rows are found by, see contacts.search_forms."""
        return {self.email, self.exact.lower()} - {""}

    @property
    def written_phones(self) -> set[str]:
        return {phone_form(text) for text in self.written} - {""}

    @property
    def may_be_id(self) -> bool:
        """Whether something can be said of a fan of this id though no row has it."""
        return not self.email and not self.phones


def term_of(typed: str, regions: Iterable[str]) -> Term:
    """`regions`: the home countries in which a number without a calling code may be."""
    exact = trim(typed)
    email = _email(exact)
    numbers = (one_phone(exact, region)[0] for region in regions)
    phones = tuple(sorted({number for number in numbers if number}))
    written = {exact, email} | {text for phone in phones for text in spellings(phone)}
    whole = {part for text in written for part in [fields_of(text)] if len(part) == 1}
    fields = tuple(sorted(field for (field,) in whole))
    return Term(exact, email, phones, tuple(sorted(written)), fields)


def lowered(fan: str) -> str:
    """A fan id as indexes of rejected rows have it: the database lower-cases ASCII alone."""
    return fan.translate(_LOWERED)


def fields_of(line: str) -> tuple[str, ...]:
    """The fields of a line, as the database's function `campaigns_fields` has them."""
    cleaned = line[:LONGEST_LINE].translate(_CLEANED).replace("\t ", "\t").replace(" \t", "\t")
    return tuple(field for field in cleaned.split("\t") if field)


def _email(text: str) -> str:
    local, at, domain = text.lower().rpartition("@")
    return f"{local}@{idna_form(domain) or domain}" if at and local and domain else ""
