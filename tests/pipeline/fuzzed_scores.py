"""Lines of score files as no one should write them, and files made of them; the same for the same
seed.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from tests.campaigns.contacts import email_samples, phone_samples
from tests.campaigns.scoring.plain_scores import LONGEST_ID, LONGEST_LINE

COLUMNS = (
    "id",
    "tmemail",
    "sms",
    "global_user_id",
    "member_id",
    "raw_local_fanscore",
    "country_code",
    "phone_confirmed",
)
SCORES = [
    "0.5",
    "0.95",
    "0.8",
    "0.22",
    "0.2199999999999999",
    "0.7999999999999999",
    "0.9499999999999999",
    "1",
    "1.0",
    "+.9",
]
SCORES += [
    "1.",
    "5e-1",
    "9E-1",
    "-0",
    "",
    "NaN",
    "inf",
    "1e999",
    "1e-999",
    "0,5",
    "1_0e-2",
    "0x1p-1",
    "٠.٥",
    ".",
    "1.0000001",
]
COUNTRIES = ["US", "us", "GB", "gb", "CA", "DE", "", "XX", "001", "ß", "ſ", "İ", "ŉ"]
YES_OR_NO = ["true", "TRUE", "1", "yes", "YeS", "no", "0", "", "tru", "ja", "\u3000yes\u2003"]
SPACES = ["", "", "", " ", "\u3000", "\u00a0\u2009", "\u2028", "\ufeff", "\u200b"]
SOUP = (
    b"\t\t\t\t\r\n\x00 \x0b\x0c\x1c\x1f\x7f\xc2\x85\xc2\xa0\xe2\x80\xa8\xef\xbb\xbf\"'\\,;|aZ09+@."
)
HUGE = [
    LONGEST_ID,
    LONGEST_ID + 1,
    70_000,
    LONGEST_LINE - 60,
    LONGEST_LINE,
    LONGEST_LINE + 1,
    3 * LONGEST_LINE,
]


def score_file(seed: int, count: int) -> bytes:
    """A file of about so many lines: a line's own line ends make some more."""
    rng = Random(seed)
    emails, phones = email_samples.samples(seed, count), phone_samples.samples(seed, count)
    columns = list(COLUMNS) + rng.choice([[], ["city"], ["city", "city"]])
    rng.shuffle(columns)
    lines = ["\t".join(columns).encode()]
    for email, (phone, country) in zip(emails, phones, strict=True):
        lines.append(_line(_row(rng, count, email or "", phone or "", country), columns, rng))
    for _ in range(count // 2_500):
        lines.insert(
            rng.randrange(1, len(lines)), _huge(_row(rng, count, "", "", "US"), columns, rng)
        )
    bom = rng.choice([b"", b"\xef\xbb\xbf"])
    return (
        bom
        + b"".join(line + rng.choice([b"\n", b"\n", b"\n", b"\r\n"]) for line in lines)
        + rng.choice([b"", lines[-1]])
    )


def _row(rng: Random, count: int, email: str, phone: str, country: str) -> dict[str, str]:
    return {
        "id": str(rng.randrange(count)),
        "tmemail": email,
        "sms": phone,
        "global_user_id": f"fan-{rng.randrange(4 * count)}"
        if rng.random() < 0.98
        else rng.choice(["", " ", "ü", "\ufeff", '"']),
        "member_id": rng.choice(["", "m", '"quoted"', "\u00fc\U0001f600", "\\N", "\\.", "a,b"]),
        "raw_local_fanscore": f"{rng.random():.4f}" if rng.random() < 0.8 else rng.choice(SCORES),
        "country_code": country if rng.random() < 0.8 else rng.choice(COUNTRIES),
        "phone_confirmed": rng.choice(YES_OR_NO),
        "city": "\ufffdö",
    }


def _line(row: dict[str, str], columns: list[str], rng: Random) -> bytes:
    line = "\t".join(
        rng.choice(SPACES) + row[name] + rng.choice(SPACES) for name in columns
    ).encode()
    dice = rng.random()
    if dice < 0.7:
        return line
    return rng.choice(_WAYS)(line, rng)


def _mutated(line: bytes, rng: Random) -> bytes:
    changed = bytearray(line)
    for _ in range(rng.choice([1, 1, 2, 5])):
        at = rng.randrange(len(changed) + 1)
        changed[at : at + rng.choice([0, 1, 1, 3])] = rng.randbytes(rng.choice([0, 1, 1, 2]))
    return bytes(changed)


def _seasoned(line: bytes, rng: Random) -> bytes:
    """Something of the soup at a few places."""
    changed = bytearray(line)
    for _ in range(rng.choice([1, 1, 2, 4])):
        at = rng.randrange(len(changed) + 1)
        changed[at:at] = rng.choice(SOUP).to_bytes(1, "big")
    return bytes(changed)


def _soup(line: bytes, rng: Random) -> bytes:
    return bytes(rng.choices(SOUP, k=rng.randrange(60)))


def _noise(line: bytes, rng: Random) -> bytes:
    return rng.randbytes(rng.randrange(200))


def _unicode(line: bytes, rng: Random) -> bytes:
    """As many fields as there are columns, of characters from everywhere; half a pair of a
    surrogate is no UTF-8.
    """
    return b"\t".join(
        _characters(rng) if rng.random() < 0.5 else field for field in line.split(b"\t")
    )


def _characters(rng: Random) -> bytes:
    highest = rng.choice([0x7F, 0xFF, 0x2FFF, 0xFFFF, 0x10FFFF])
    return "".join(chr(rng.randint(0x20, highest)) for _ in range(rng.randrange(12))).encode(
        errors="surrogatepass"
    )


def _cut(line: bytes, rng: Random) -> bytes:
    return line[: rng.randrange(len(line) + 1)]


def _huge(row: dict[str, str], columns: list[str], rng: Random) -> bytes:
    name = rng.choice(
        [
            "global_user_id",
            "global_user_id",
            "tmemail",
            "sms",
            "member_id",
            "raw_local_fanscore",
            "id",
        ]
    )
    size = rng.choice(HUGE)
    filler = (
        "0." + "3" * (size - 2)
        if name == "raw_local_fanscore"
        else rng.choice("7a\U0001f600") * size
    )
    return "\t".join((row | {name: filler})[column] for column in columns).encode()


_WAYS: list[Callable[[bytes, Random], bytes]] = [
    _mutated,
    _mutated,
    _seasoned,
    _seasoned,
    _soup,
    _noise,
    _unicode,
    _unicode,
    _cut,
]
