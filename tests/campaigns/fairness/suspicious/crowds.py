"""Pretend fans as a presale has them, and groups that a machine adds to them. [X-13]"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from campaigns.fairness.suspicious.traits import CONTACTS

DAY = 86_400
OPENS = 1_767_261_600  # seconds since 1970: 1 January 2026, 10:00
PROVIDERS = {
    "gmail.com": 46,
    "yahoo.com": 14,
    "hotmail.com": 8,
    "outlook.com": 8,
    "icloud.com": 8,
    "aol.com": 4,
    "comcast.net": 3,
    "web.de": 2,
    "live.co.uk": 2,
    "proton.me": 2,
    "orange.fr": 2,
    "t-online.de": 1,
}
OWN_DOMAINS, OWN_SHARE = 12_000, 0.12
AREA_CODES = (201, 206, 212, 310, 312, 404, 415, 512, 617, 702, 713, 917)
SYLLABLES = ("an", "be", "car", "da", "el", "fi", "gor", "ha", "is", "jo", "ka", "li", "mar", "no")


def honest(count: int, seed: int = 11) -> pl.DataFrame:
    """So many fans, CONTACTS: common names are commoner, some write their birth year or a small
    number, some share a mailbox or a phone plan, and many come at the opening.
    """
    rng = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "line": np.arange(2, count + 2),
            "email": _shared(_emails(rng, count), rng),
            "phone": _phones(rng, count),
            "registered_us": _times(rng, count),
        },
        schema=CONTACTS,
    )


def _names(many: int, shape: int) -> np.ndarray:
    """Distinct names of so many syllables."""
    return np.array(
        [
            "".join(SYLLABLES[(number // 14**place) % 14] for place in range(shape))
            for number in range(many)
        ]
    )


def _falling(rng: np.random.Generator, many: int, count: int, power: float) -> np.ndarray:
    """Places from 0, each the rarer the further behind."""
    weights = 1 / np.arange(1, many + 1) ** power
    return rng.choice(many, size=count, p=weights / weights.sum())


def _emails(rng: np.random.Generator, count: int) -> np.ndarray:
    first = _names(400, 3)[_falling(rng, 400, count, 0.8)]
    last = _names(3_000, 4)[_falling(rng, 3_000, count, 0.7)]
    dice = rng.random(count)
    years = np.clip(rng.normal(1993, 9, count).astype(int), 1945, 2012).astype(str)
    small = np.minimum(rng.geometric(0.06, count), 999).astype(str)
    number = np.select(
        [dice < 0.12, dice < 0.24, dice < 0.42],
        [years, np.array([year[2:] for year in years]), small],
        "",
    )
    local = np.select(
        [rng.random(count) < 0.5, rng.random(count) < 0.4],
        [np.char.add(np.char.add(first, "."), last), np.char.add(first, last)],
        first,
    )
    number = np.where(
        (local == first) & (number == ""), rng.integers(100, 9_999_999, count), number
    )
    own = np.char.add("own", _falling(rng, OWN_DOMAINS, count, 0.42).astype(str))
    shares = np.array(list(PROVIDERS.values())) / sum(PROVIDERS.values())
    domain = np.where(
        rng.random(count) < OWN_SHARE,
        np.char.add(own, ".example"),
        rng.choice(list(PROVIDERS), size=count, p=shares),
    )
    return np.char.add(np.char.add(np.char.add(local, number), "@"), domain)


def _shared(emails: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One in a hundred has the address of the one before, with a tag of their own."""
    emails, count = emails.astype("U80"), len(emails)
    for at in np.flatnonzero(rng.random(count) < 0.01):
        local, _, domain = emails[at - 1].partition("@")
        emails[at] = (
            f"{local.partition('+')[0]}+{rng.choice(['kid', 'mum', 'tour', 'two'])}@{domain}"
        )
    return emails


def _phones(rng: np.random.Generator, count: int) -> np.ndarray:
    """One in fifty has the number after that of the one before: a phone plan for the family."""
    number = (
        10_000_000_000
        + rng.choice(AREA_CODES, count).astype(np.int64) * 10_000_000
        + rng.integers(200, 1_000, count) * 10_000
        + rng.integers(0, 10_000, count)
    )
    family = rng.random(count) < 0.02
    number = np.where(family, np.roll(number, 1) + 1, number)
    return np.where(rng.random(count) < 0.05, "", np.char.add("+", number.astype(str)))


def _times(rng: np.random.Generator, count: int) -> np.ndarray:
    """A rush at the opening that fades, days and nights after it, and two newsletters."""
    kind = rng.random(count)
    rush = OPENS + rng.exponential(40 * 60, count)
    later = OPENS + rng.integers(0, 14, count) * DAY + rng.normal(9 * 3_600, 4 * 3_600, count)
    newsletter = OPENS + rng.choice([3, 9], count) * DAY + 60 + rng.exponential(20 * 60, count)
    at = np.select([kind < 0.3, kind < 0.9], [rush, np.maximum(later, OPENS)], newsletter)
    return (np.round(at) * 1_000_000).astype(np.int64)


@dataclass(frozen=True)
class Planted:
    """A group that a machine adds: its kind, and its lines."""

    kind: str
    lines: frozenset[int]


def with_machines(fans: pl.DataFrame, seed: int = 5) -> tuple[pl.DataFrame, list[Planted]]:
    """The fans and twenty groups among them, four of each kind; apart from what makes them a group,
    their members are like the others.
    """
    rng = np.random.default_rng(seed)
    groups = [
        *(_running(rng, *one) for one in RUNNING),
        *(_consecutive(rng, *one) for one in CONSECUTIVE),
        *(_at_domain(rng, *one) for one in DOMAINS),
        *(_spelled(rng, *one) for one in SPELLED),
        *(_at_once(rng, *one) for one in AT_ONCE),
    ]
    kinds = [
        kind
        for kind in ("running_digits", "phone_run", "rare_domain", "spellings", "burst")
        for _ in range(4)
    ]
    line, planted = fans.height + 2, []
    for kind, group in zip(kinds, groups, strict=True):
        planted.append(Planted(kind, frozenset(range(line, line + group.height))))
        line += group.height
    everyone = pl.concat([fans, *groups]).with_columns(
        pl.int_range(2, pl.len() + 2, dtype=pl.Int64).alias("line")
    )
    return everyone, planted


# (stem, first number, how many, digits with zeros, domain): one skips every third number
RUNNING = (
    ("ticketfan", 1, 40, 3, "gmail.com"),
    ("frontrow", 1001, 60, 0, "outlook.com"),
    ("mar.jo", 1, 45, 0, "yahoo.com"),
    ("vip-queue", 300, 45, 0, "hotmail.com"),
)
# (first number, how many, from one to the next)
CONSECUTIVE = (
    (12065550100, 12, 1),
    (13129990000, 60, 1),
    (14152221000, 40, 2),
    (447911123000, 25, 1),
)
# (domain, fans, seconds within which they register; 0 = as others do)
DOMAINS = (
    ("seats4u.example", 700, 0),
    ("inbox-now.example", 500, 0),
    ("qzx.example", 40, 900),
    ("presale-mail.example", 60, 3_600),
)
SPELLED = (
    ("fiftyseats", 12),
    ("gorkacarlina", 30),
    ("backstagelist", 60),
    ("a.l.o.t.o.f.dots", 20),
)
# (seconds after the opening, fans, seconds)
AT_ONCE = (
    (6 * DAY + 17 * 3_600, 30, 8),
    (2 * DAY + 9 * 3_600, 80, 40),
    (40 * 60, 300, 5),
    (11 * DAY + 20 * 3_600, 100, 300),
)


def _like_others(rng: np.random.Generator, count: int) -> pl.DataFrame:
    return honest(count, int(rng.integers(1 << 30)))


def _running(
    rng: np.random.Generator, stem: str, first: int, count: int, digits: int, domain: str
) -> pl.DataFrame:
    numbers = first + np.arange(count)
    numbers = numbers[numbers % 3 != 0] if stem == "vip-queue" else numbers
    emails = [f"{stem}{number:0{digits or 1}}@{domain}" for number in numbers]
    return _like_others(rng, len(emails)).with_columns(pl.Series("email", emails))


def _consecutive(rng: np.random.Generator, first: int, count: int, step: int) -> pl.DataFrame:
    phones = [f"+{first + step * number}" for number in range(count)]
    return _like_others(rng, count).with_columns(pl.Series("phone", phones))


def _at_domain(rng: np.random.Generator, domain: str, count: int, seconds: int) -> pl.DataFrame:
    fans = _like_others(rng, count).with_columns(
        pl.col("email").str.replace("@.*", f"@{domain}").alias("email")
    )
    if not seconds:
        return fans
    begin = OPENS + int(rng.integers(1, 14)) * DAY + 9 * 3_600
    at = (begin + rng.integers(0, seconds, count)) * 1_000_000
    return fans.with_columns(pl.Series("registered_us", at))


def _spelled(rng: np.random.Generator, name: str, count: int) -> pl.DataFrame:
    """Every second one with dots, every third with a tag, every fifth at googlemail.com."""
    plain, emails = name.replace(".", ""), []
    for number in range(count):
        letters = [
            letter + ("." if number >> place & 1 else "") for place, letter in enumerate(plain)
        ]
        local = "".join(letters).rstrip(".") + (f"+{number}" if number % 3 == 0 else "")
        emails.append(f"{local}@{'googlemail' if number % 5 == 0 else 'gmail'}.com")
    return _like_others(rng, count).with_columns(pl.Series("email", emails))


def _at_once(rng: np.random.Generator, after: int, count: int, seconds: int) -> pl.DataFrame:
    at = (OPENS + after) * 1_000_000 + rng.integers(0, seconds * 1_000_000, count)
    return _like_others(rng, count).with_columns(pl.Series("registered_us", at))
