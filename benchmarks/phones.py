"""Phones checked by columns, beside phonenumbers one by one on the same numbers."""

import random
import time

import polars as pl

from benchmarks.figures import Figure
from campaigns.phones import check_phones, one_phone
from sandbox import fans

ROWS = 1_000_000
PEER_ROWS = 20_000
WARM_UP = 20_000


def run(rows: int | None) -> list[Figure]:
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
    note = f"{peer / seconds:.0f} times phonenumbers one by one (measured on {few.height:,})"
    return [Figure("phones", count, seconds, "phonenumbers one by one", peer, None, note)]
