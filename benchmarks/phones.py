"""Phones of mixed countries checked by columns, beside phonenumbers one by one on the same numbers,
as the library comes.

The library is measured in a process of its own: in ours campaigns.contacts.phones makes it quicker
by keeping its patterns.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time

import polars as pl

from benchmarks.figures import Bound, Figure
from campaigns.contacts.phones import check_phones
from sandbox import fans

ROWS = 1_000_000
PEER_ROWS = 40_000
WARM_UP = 20_000
LEAST_OF_PEER = 60  # times phonenumbers one by one
ONE_BY_ONE = """
import json, sys, time
import phonenumbers

def check(written, country):
    try:
        number = phonenumbers.parse(written, country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return written, phonenumbers.region_code_for_number(number)

warm_up, rows = json.load(sys.stdin)
for row in warm_up:
    check(*row)
started = time.monotonic()
for row in rows:
    check(*row)
print(time.monotonic() - started)
"""


def run(rows: int | None) -> list[Figure | Bound]:
    count = rows or ROWS
    rng = random.Random(7)
    pretend = list(fans.make(min(count, 200_000)))
    rng.shuffle(pretend)
    some = pl.DataFrame(
        {
            "phone": [fan.phone for fan in pretend],
            "country": [fan.country.upper() for fan in pretend],
        }
    )
    all_of_them = pl.concat([some] * -(-count // some.height))[:count]
    check_phones(some["phone"][:WARM_UP], some["country"][:WARM_UP], default_region="US")
    started = time.monotonic()
    check_phones(all_of_them["phone"], all_of_them["country"], default_region="US")
    seconds = time.monotonic() - started
    few = some[: min(PEER_ROWS, some.height)]
    peer = _one_by_one(some[-WARM_UP:], few) * count / few.height
    return [
        Figure(
            "phones",
            count,
            seconds,
            f"phonenumbers one by one (as measured on {few.height:,})",
            peer,
        ),
        Bound(
            "as fast as phonenumbers one by one", peer / seconds, "times", at_least=LEAST_OF_PEER
        ),
    ]


def _one_by_one(warm_up: pl.DataFrame, few: pl.DataFrame) -> float:
    asked = json.dumps([warm_up.rows(), few.rows()])
    ran = subprocess.run(
        [sys.executable, "-c", ONE_BY_ONE],
        input=asked,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return float(ran.stdout)
