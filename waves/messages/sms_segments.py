"""How many SMS segments a text takes, and which character forces the dearer encoding. [X-6]

GSM 03.38's default alphabet holds 160 septets in one message, or 153 in each part of a longer one;
its extension table costs two septets a character. A text with any other character goes out as
UCS-2: 70 or 67 UTF-16 units. A character is never split over two parts.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION: Final = frozenset("\f^{}\\[~]|€")


class Encoding(StrEnum):
    GSM7 = "GSM-7"
    UCS2 = "UCS-2"


_SINGLE: Final = {Encoding.GSM7: 160, Encoding.UCS2: 70}
_PART: Final = {Encoding.GSM7: 153, Encoding.UCS2: 67}


@dataclass(frozen=True)
class Segments:
    """`units` are septets or UTF-16 units; `forced_by` is the first character outside GSM-7, else
    empty.
    """

    encoding: Encoding
    units: int
    count: int
    forced_by: str

    def cost(self, price_per_segment: Decimal) -> Decimal:
        return self.count * price_per_segment


def segments(text: str) -> Segments:
    """The segments of one text; an empty one takes one segment, as a gateway bills it."""
    forced_by = next((character for character in text if character not in BASIC | EXTENSION), "")
    encoding = Encoding.UCS2 if forced_by else Encoding.GSM7
    widths = [_width(character, encoding) for character in text]
    units = sum(widths)
    count = 1 if units <= _SINGLE[encoding] else _parts(widths, _PART[encoding])
    return Segments(encoding, units, count, forced_by)


def _width(character: str, encoding: Encoding) -> int:
    if encoding == Encoding.UCS2:
        return 2 if ord(character) > 0xFFFF else 1
    return 2 if character in EXTENSION else 1


def _parts(widths: list[int], room: int) -> int:
    parts, left = 1, room
    for width in widths:
        if width > left:
            parts, left = parts + 1, room
        left -= width
    return parts
