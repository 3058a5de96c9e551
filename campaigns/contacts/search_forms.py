"""Contacts and member ids as files write them, in the one form in which a search asks for them.
Pure. [X-1]
"""

from __future__ import annotations

import polars as pl

from operations.entry.trimming import ZERO_WIDTH

COLUMNS = ("email", "phone", "member_id")
LONGEST = 254  # characters; an index holds no much longer ones
_BETWEEN_DIGITS = r"[\s\p{Pd}.()/+]"
_SEVERAL_VALUES = f'[",;{ZERO_WIDTH}]'


def search_forms(email: str, phone: str, member_id: str) -> list[pl.Expr]:
    """COLUMNS (String), from columns of these names with trimmed text as it was written: addresses
    and member ids lower-cased, phones without what people put between digits.

    All three are null where one of the cells may hold several values, or is very long: such rows
    are found by the fields of their lines.
    """
    cells = (pl.col(email), pl.col(phone), pl.col(member_id))
    is_plain = pl.all_horizontal(
        *(cell.str.len_chars() <= LONGEST for cell in cells),
        ~pl.concat_str(cells, ignore_nulls=True).str.contains(_SEVERAL_VALUES),
    )
    forms = (
        cells[0].str.to_lowercase(),
        cells[1].str.replace_all(_BETWEEN_DIGITS, "").str.to_lowercase(),
        cells[2].str.to_lowercase(),
    )
    return [
        pl.when(is_plain).then(form).alias(name) for name, form in zip(COLUMNS, forms, strict=True)
    ]


def phone_form(written: str) -> str:
    """One phone in its form."""
    frame = pl.DataFrame({"email": [""], "phone": [written], "member_id": [""]})
    return frame.select(search_forms(*COLUMNS))["phone"].item() or ""
