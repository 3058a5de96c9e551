"""Phones of mixed countries checked by columns, beside phonenumbers one by one on the same numbers."""

import random
import time

import polars as pl

from benchmarks.figures import Bound, Figure
from campaigns.phones import check_phones, one_phone
from sandbox import fans

ROWS = 1_000_000
PEER_ROWS = 20_000
WARM_UP = 20_000
LEAST_OF_PEER = 60  # times phonenumbers one by one


def run(rows: int | None) -> list[Figure | Bound]:
    count = rows or ROWS
    rng = random.Random(7)
    pretend = list(fans.make(min(count, 200_000)))
    rng.shuffle(pretend)
    some = pl.DataFrame({"phone": [fan.phone for fan in pretend], "country": [fan.country.upper() for fan in pretend]})
    all_of_them = pl.concat([some] * -(-count // some.height))[:count]
    check_phones(some["phone"][:WARM_UP], some["country"][:WARM_UP], default_region="US")
    started = time.monotonic()
    check_phones(all_of_them["phone"], all_of_them["country"], default_region="US")
    seconds = time.monotonic() - started
    few = some[: min(PEER_ROWS, some.height)]
    started = time.monotonic()
    for phone, country in few.iter_rows():
        one_phone(phone, country)
    peer = (time.monotonic() - started) * count / few.height
    return [
        Figure("phones", count, seconds, f"phonenumbers one by one (as measured on {few.height:,})", peer),
        Bound("as fast as phonenumbers one by one", peer / seconds, "times", at_least=LEAST_OF_PEER),
    ]
