"""Phones as people and machines write them: every region and kind of number, spelled well, badly
and oddly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from random import Random

import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumber, PhoneNumberFormat

REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)
SHARED_CODES = [
    "US",
    "CA",
    "BB",
    "JM",
    "DO",
    "PR",
    "AG",
    "RU",
    "KZ",
    "GB",
    "GG",
    "JE",
    "IM",
    "GP",
    "BL",
    "MF",
    "AU",
    "CC",
    "CX",
]
SHARED_CODES += [
    "RE",
    "YT",
    "IT",
    "VA",
    "SM",
    "FI",
    "AX",
    "NO",
    "SJ",
    "MA",
    "EH",
    "CW",
    "BQ",
    "SH",
    "TA",
]
TRICKY = [
    "AR",
    "BR",
    "MX",
    "CN",
    "JP",
    "CO",
    "KR",
    "CR",
    "FO",
    "LI",
    "LU",
    "MG",
    "NF",
    "GA",
    "HU",
    "LT",
    "BY",
    "UY",
    "HK",
    "CL",
    "DE",
]
FORMATS = (
    PhoneNumberFormat.E164,
    PhoneNumberFormat.INTERNATIONAL,
    PhoneNumberFormat.NATIONAL,
    PhoneNumberFormat.NATIONAL,
    PhoneNumberFormat.RFC3966,
)
SEPARATORS = [
    " ",
    "-",
    ".",
    "/",
    "(",
    ")",
    "  ",
    " - ",
    "\u00a0",
    "\u2013",
    "~",
    "x",
    "*",
    "#",
    ",",
    ";",
    "_",
    "\t",
    "\u3000",
    "\uff0d",
]
EXTENSIONS = [
    " ext. 12",
    "x34",
    ";ext=5",
    " #6",
    ",,7",
    " extension 8",
    "~9",
    " - 503#",
    " int 1",
    "/x2",
    ";isub=1",
    ";phone-context=+44",
]
GARBAGE = [
    "",
    " ",
    "n/a",
    "+",
    "++",
    "0",
    "00",
    "000",
    "1",
    "12",
    "123",
    "+1",
    "+0",
    "tel:",
    "()",
    "٠١٢",
    "1-800-FLOWERS",
    "none",
    "+999",
    "x",
]
GARBAGE += [
    *("12065550100.0", "+12065550100.", "1.20655501E+10", "12065550100E0", "2065550100e00", "1.5"),
    *("206.555.0100", "12065550100.01", "206.5550100", "1e", "E.0", "-12065550100.00", "1206.0.0"),
    *("0" * 120 + "12065550100.0", "12065550100.0\n", "+4915123456789.000", "491.5123456789E+10"),
    "\n",
    "+\n1",
    "1\n2",
    "+44 20 7946\n0958",
    "1" * 18,
    "+1" * 9,
    "0" * 12,
    "9" * 15,
    "1" * 251,
    "+" + "4" * 17,
    "\u200b",
    "²³¹",
]


def samples(seed: int, count: int) -> Iterator[tuple[str | None, str]]:
    """`count` pairs of a phone as written and the region it is dialled from; the same for the same
    seed.
    """
    rng = Random(seed)
    for _ in range(count):
        yield _one(rng)


def _one(rng: Random) -> tuple[str | None, str]:
    pool = rng.choice([REGIONS, REGIONS, SHARED_CODES, TRICKY])
    own = rng.choice(pool)
    written = _spelled(_number(own, rng), own, rng)
    for _ in range(rng.choice([0, 0, 0, 0, 1, 1, 2, 3])):
        written = rng.choice(_MUTATIONS)(written, rng)
    if rng.random() < 0.03:
        return rng.choice([None, *GARBAGE]), rng.choice(REGIONS)
    return written, own if rng.random() < 0.75 else rng.choice(pool)


def _number(region: str, rng: Random) -> PhoneNumber:
    number = rng.choice(_examples(region))
    if rng.random() < 0.3:
        return number
    digits = phonenumbers.national_significant_number(number)
    kept = rng.choice([0, 1, 2, 3, 4, 4, 5, 5, 6])
    digits = digits[:kept] + "".join(rng.choice("0123456789") for _ in digits[kept:])
    zeros = len(digits) - len(digits.lstrip("0"))
    return PhoneNumber(
        country_code=number.country_code,
        national_number=int(digits),
        italian_leading_zero=zeros > 0 or None,
        number_of_leading_zeros=zeros if zeros > 1 else None,
    )


@cache
def _examples(region: str) -> list[PhoneNumber]:
    found = [phonenumbers.example_number_for_type(region, kind) for kind in range(11)]
    found.append(phonenumbers.invalid_example_number(region))
    world = [
        phonenumbers.example_number_for_non_geo_entity(code)
        for code in phonenumbers.COUNTRY_CODES_FOR_NON_GEO_REGIONS
    ]
    return [number for number in found if number] + (
        [world[len(region) % len(world)]] if region in SHARED_CODES else []
    )


def _spelled(number: PhoneNumber, own: str, rng: Random) -> str:
    """The number in a usual format, as digits only, or as dialled from home or abroad."""
    digits = phonenumbers.national_significant_number(number)
    code = str(number.country_code)
    prefix = PhoneMetadata.metadata_for_region(own, None).national_prefix or rng.choice(
        ["0", "1", "8"]
    )
    match rng.randrange(10):
        case 0:
            return digits
        case 1:
            return prefix + digits
        case 2:
            return code + digits
        case 3:
            return (
                rng.choice(["00", "011", "0011", "810", "010", "009", "09", "001", "00 ", "119"])
                + code
                + digits
            )
        case 4:
            return f"+{code}{prefix}{digits}"
        case 5:
            return f"+{code} ({prefix}) {digits}"
        case _:
            return phonenumbers.format_number(number, rng.choice(FORMATS))


def _replace(text: str, rng: Random, new: str) -> str:
    at = rng.randrange(len(text) + 1)
    return text[:at] + new + text[at + 1 :]


def _insert(text: str, rng: Random, new: str) -> str:
    at = rng.randrange(len(text) + 1)
    return text[:at] + new + text[at:]


def _one_missing(text: str, rng: Random) -> str:
    return _replace(text, rng, "")


def _other_digit(text: str, rng: Random) -> str:
    return _replace(text, rng, rng.choice("0123456789"))


def _more_digits(text: str, rng: Random) -> str:
    return _insert(text, rng, "".join(rng.choices("0123456789", k=rng.choice([1, 1, 2, 4]))))


def _separator(text: str, rng: Random) -> str:
    return _insert(text, rng, rng.choice(SEPARATORS[: rng.choice([8, len(SEPARATORS)])]))


def _extension(text: str, rng: Random) -> str:
    return text + rng.choice(EXTENSIONS)


def _letters(text: str, rng: Random) -> str:
    return _insert(text, rng, "".join(rng.choices("ABCxyzéо", k=rng.choice([1, 3]))))


def _by_a_spreadsheet(text: str, rng: Random) -> str:
    digits = "".join(c for c in text if c in "0123456789") or "0"
    whole = rng.choice(["", "", "+", "-"]) + rng.choice([digits, digits[0], digits[:3]])
    exponent = rng.choice(["", "E", "e+", "E-"])
    return (
        f"{whole}.{digits[1:]}{exponent}10"
        if exponent
        else f"{whole}.{rng.choice(['', '0', '00'])}"
    )


def _other_digits(text: str, rng: Random) -> str:
    zero = rng.choice([0x0660, 0xFF10, 0x0966])
    return "".join(
        chr(zero + int(c)) if c in "0123456789" and rng.random() < 0.5 else c for c in text
    )


def _in_front(text: str, rng: Random) -> str:
    return (
        rng.choice(
            [
                "+",
                "+",
                "0",
                "00",
                "011",
                "1",
                "8",
                "(",
                " ",
                "tel:",
                "tel:+",
                "Phone: ",
                "\uff0b",
                "15",
                "9",
                "0 15",
            ]
        )
        + text
    )


def _cut(text: str, rng: Random) -> str:
    return text[: rng.randrange(len(text) + 1)]


def _around(text: str, rng: Random) -> str:
    return (
        rng.choice(["\u2003", " ", "\t", "(", "\u202c", "'", "."])
        + text
        + rng.choice(["\u2003", " ", ")", ".", "#", "\n", "'"])
    )


_MUTATIONS: list[Callable[[str, Random], str]] = [
    _one_missing, _other_digit, _other_digit, _more_digits, _more_digits, _separator, _separator,
    _extension, _letters, _other_digits, _in_front, _in_front, _cut, _around,
    _by_a_spreadsheet,
]  # fmt: skip
