"""Fans as life makes them: a seeded campaign, its registrations and a messy score file. Same seed,
same bytes.
"""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import phonenumbers

TIMESTAMP = "20260118T090000Z"
OPENS = datetime(2026, 1, 1, tzinfo=UTC)
MARKETS = {
    "us-west": "US West",
    "us-east": "US East",
    "canada": "Canada",
    "uk": "United Kingdom",
    "vip": "VIP",
}
COUNTRIES = {"US": 62, "CA": 12, "GB": 11, "MX": 5, "DE": 3, "AU": 3, "FR": 2, "BR": 1, "JP": 1}
HOME = ("US", "CA", "GB", "GG", "JE", "IM")
DOMAINS = {
    "gmail.com": 45,
    "yahoo.com": 14,
    "outlook.com": 12,
    "icloud.com": 9,
    "hotmail.co.uk": 6,
    "web.de": 3,
}
ODD_DOMAINS = {
    "bad.example": 2,
    "mail.bad.example": 1,
    "x9.spam.example": 2,
    "mailinator.com": 2,
    "throw.example": 1,
    "müller.example": 1,
}
FIRST = (
    "maria",
    "james",
    "sofia",
    "liam",
    "zoë",
    "noah",
    "ana",
    "josé",
    "emma",
    "omar",
    "chloé",
    "priya",
    "kenji",
    "søren",
    "łukasz",
)
LAST = (
    "smith",
    "garcia",
    "o'neil",
    "müller",
    "tanaka",
    "brown",
    "silva",
    "khan",
    "dubois",
    "novak",
    "nguyen",
    "cohen",
    "jones",
)
HEADER = (
    "id",
    "tmemail",
    "sms",
    "global_user_id",
    "member_id",
    "raw_local_fanscore",
    "country_code",
    "phone_confirmed",
    "city",
)
REGISTRATION_HEADER: tuple[str, ...] = (
    "global_user_id",
    "member_id",
    "email",
    "phone",
    "phone_confirmed",
    "country_code",
)
REGISTRATION_HEADER += ("market_preferences", "registered_at")


@dataclass(frozen=True)
class Fan:
    number: int
    fan_id: str
    member_id: str
    email: str
    phone: str
    country: str
    confirmed: bool
    score: str
    wanted: tuple[str, ...]
    registered_at: datetime


def campaign(fans: int, *, campaign_id: str = "12345", seed: int = 1) -> dict[str, Any]:
    """The campaign's JSON: five markets whose capacity is scarce for this many fans; the draw is
    supplied, to be repeatable.
    """
    rng = random.Random(seed)
    shares = (0.030, 0.035, 0.012, 0.012, 0.004)
    at = (OPENS + timedelta(days=17)).isoformat()
    return {
        "campaign_id": campaign_id,
        "name": "Spring Tour",
        "status": "open",
        "artist": "The Band",
        "category_id": "67890",
        "registration_opens": OPENS.isoformat(),
        "registration_closes": (OPENS + timedelta(days=14)).isoformat(),
        "time_zone": "America/New_York",
        "product_id": "PROD-456",
        "source": "SFMC",
        "home_countries": list(HOME),
        "markets": [
            {
                "market_id": market_id,
                "name": MARKETS[market_id],
                "capacity": max(1, int(fans * share)),
                "selection_time": at,
                "position": position,
                "event_ids": [f"E{position + 1}"],
            }
            for position, (market_id, share) in enumerate(zip(MARKETS, shares, strict=True))
        ],
        "blacklist": ["scalper@gmail.com", "@bad.example", "@*.spam.example"],
        "whitelist": ["vip*@bad.example"],
        "disposable_domains": ["throw.example"],
        "draw": {"seed": rng.randbytes(32).hex(), "salt": rng.randbytes(32).hex()},
    }


def make(count: int, *, seed: int = 1) -> Iterator[Fan]:
    """So many fans, one after the other: nothing is kept, so millions are no more than
    thousands.
    """
    rng = random.Random(seed)
    examples = {country: _national_numbers(country) for country in COUNTRIES}
    for number in range(count):
        country = rng.choices(list(COUNTRIES), list(COUNTRIES.values()))[0]
        yield Fan(
            number,
            f"{rng.getrandbits(64):016x}-{number:x}",
            f"mem-{number}" if rng.random() < 0.9 else "",
            _email(rng, number),
            _phone(rng, examples[country], country),
            country if rng.random() < 0.98 else rng.choice(["", "us", "XX"]),
            rng.random() < 0.88,
            _score(rng),
            tuple(rng.sample(list(MARKETS), rng.choice([0, 1, 1, 2, 3]))),
            OPENS + timedelta(seconds=rng.randrange(14 * 86_400)),
        )


def _national_numbers(country: str) -> list[str]:
    kinds = (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE)
    found = [phonenumbers.example_number_for_type(country, kind) for kind in kinds]
    return [str(number.national_number) for number in found if number]


def _phone(rng: random.Random, examples: list[str], country: str) -> str:
    """A number of the country in one of the forms people type, now and then none, a broken one, or
    one from abroad.
    """
    dice = rng.random()
    if dice < 0.06:
        return ""
    if dice < 0.08:
        return rng.choice(["12345", "call me", "000-000-0000", "555 CASTLE", "+1"])
    digits = rng.choice(examples)
    digits = digits[:-5] + f"{rng.randrange(100_000):05d}"
    code = phonenumbers.country_code_for_region(country)
    if country == "US":
        area = rng.choice(["206", "212", "310", "415", "512", "617", "702", "917"])
        digits = f"{area}{rng.randint(200, 999)}{digits[-4:]}"
    if country == "US" and dice < 0.5:
        return rng.choice(
            [
                f"({digits[:3]}) {digits[3:6]}-{digits[6:]}",
                f"{digits[:3]}.{digits[3:6]}.{digits[6:]}",
                digits,
            ]
        )
    return rng.choice(
        [
            f"+{code}{digits}",
            f"+{code} {digits[:3]} {digits[3:]}",
            f"00{code}{digits}" if code != 1 else f"1{digits}",
        ]
    )


def _email(rng: random.Random, number: int) -> str:
    dice = rng.random()
    if dice < 0.03:
        return ""
    if dice < 0.05:
        return rng.choice(
            [
                "nobody",
                "a@@b.example",
                "me@",
                "@me.example",
                "two words@mail.example",
                "dot..dot@mail.example",
            ]
        )
    if dice < 0.052:
        return "Scalper@Gmail.com"
    name = f"{rng.choice(FIRST)}.{rng.choice(LAST)}{number}"
    local = name.encode("ascii", "ignore").decode()
    if dice < 0.10:
        domain = rng.choices(list(ODD_DOMAINS), list(ODD_DOMAINS.values()))[0]
        return f"{'vip' if rng.random() < 0.2 else ''}{local}@{domain}"
    if dice < 0.12:
        local += "+presale"
    domain = rng.choices(list(DOMAINS), list(DOMAINS.values()))[0]
    return f"{local}@{domain}".upper() if dice < 0.14 else f"{local}@{domain}"


def _score(rng: random.Random) -> str:
    dice = rng.random()
    if dice < 0.01:
        return rng.choice(["", "n/a", "1.2", "-0.5", "0,93", "NaN"])
    if dice < 0.15:
        return f"{rng.uniform(0.95, 1):.4f}"
    if dice < 0.45:
        return f"{rng.uniform(0.80, 0.95):.4f}"
    return f"{rng.uniform(0.22, 0.80):.4f}" if dice < 0.9 else f"{rng.uniform(0, 0.22):.5e}"


def write_registrations(path: Path, count: int, *, seed: int = 1, late: Path | None = None) -> None:
    """Registrations of these fans as CSV, a part of them in a second file if there is a `late` one.

    Some fans register again and are superseded; some want a market nobody has, or do not say in
    which zone it was; a few of the scored never registered at all.
    """
    rng = random.Random(seed + 1)
    with ExitStack() as stack:
        files = [
            stack.enter_context(name.open("w", encoding="utf-8", newline=""))
            for name in (path, late)
            if name
        ]
        writers = [csv.writer(file, lineterminator="\n") for file in files]
        for out in writers:
            out.writerow(REGISTRATION_HEADER)
        for fan in make(count, seed=seed):
            if rng.random() < 0.02:
                continue
            out = writers[-1 if rng.random() < 0.3 else 0]
            out.writerow(_registration(fan, rng))
            if rng.random() < 0.01:
                out.writerow(_registration(fan, rng))


def _registration(fan: Fan, rng: random.Random) -> list[str]:
    wanted = "|".join(fan.wanted) if rng.random() > 0.003 else "atlantis"
    at = (
        fan.registered_at.isoformat()
        if rng.random() > 0.002
        else fan.registered_at.replace(tzinfo=None).isoformat()
    )
    confirmed = "true" if fan.confirmed else "false"
    return [fan.fan_id, fan.member_id, fan.email, fan.phone, confirmed, fan.country, wanted, at]


def write_scores(path: Path, count: int, *, seed: int = 1) -> None:
    """A score file of these fans: a BOM, an unknown column, duplicates, ragged, blank and
    unreadable rows.
    """
    rng = random.Random(seed + 2)
    with path.open("wb") as file:
        file.write(b"\xef\xbb\xbf" + "\t".join(HEADER).encode() + b"\n")
        for fan in make(count, seed=seed):
            line = "\t".join(_score_row(fan, rng)).encode()
            file.write(_spoiled(line, rng) + (b"\r\n" if rng.random() < 0.01 else b"\n"))
            if rng.random() < 0.005:
                file.write(line + b"\n")


def _score_row(fan: Fan, rng: random.Random) -> list[str]:
    fan_id = fan.fan_id if rng.random() > 0.001 else ""
    confirmed = (
        ("yes" if rng.random() < 0.1 else "true")
        if fan.confirmed
        else rng.choice(["false", "0", "No"])
    )
    padding = " " if rng.random() < 0.01 else ""
    fields = [
        str(fan.number),
        padding + fan.email,
        fan.phone + padding,
        fan_id,
        fan.member_id,
        fan.score,
        fan.country,
    ]
    return [*fields, confirmed, rng.choice(["Köln", "Paris", "Austin", "São Paulo", ""])]


def _spoiled(line: bytes, rng: random.Random) -> bytes:
    dice = rng.random()
    if dice > 0.003:
        return line
    return rng.choice(
        [
            b"",
            line.rsplit(b"\t", 2)[0],
            line + b"\textra",
            line.replace(b"@", b"\xff@", 1),
            line.replace(b"\t", b"\t\x07", 1),
        ]
    )


def write_campaign(path: Path, fans: int, *, code_source: str = "own", **options: Any) -> None:
    document = campaign(fans, **options) | {"code_source": code_source}
    path.write_text(json.dumps(document, indent=1))
