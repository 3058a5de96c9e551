"""One stem with running digits in the local parts of addresses: `ticketfan001` to `ticketfan060`.
[X-13]

People write numbers too, and the same ones: birth years, ages, 1, 99. So the numbers behind one
stem are judged by how often fans with other stems use them. If the fans of a stem chose numbers as
all others do, the chance that a run of numbers is complete would be at most the product of the
chances of each number to be there, for a number that is taken leaves fewer fans for the others.
Names differ in what is written behind them, so each number is taken to be twice as likely.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from campaigns.choices import SuspiciousKind
from campaigns.fairness.suspicious.groups import (
    FEWEST_FANS,
    Chances,
    Group,
    lines_of,
    log_limit,
    log_looks,
    without_overlaps,
)

GAPS: Final = (1, 4)  # from a number to the next one that counts as running
STEMS: Final = ("stem_at", "stem")  # at one domain; at all of them
OFTENER: Final = 2  # than with other stems: no surprise
NUMBER: Final = ("padded", "digits", "value")
PADDING: Final = 10**16  # above every value: numbers behind zeros are runs of their own


def running_digits(numbered: pl.DataFrame) -> list[Group]:
    """The groups that are named, of each stem all its runs. `numbered`: of `Traits`."""
    return without_overlaps([group for stem in STEMS for group in _of(numbered, stem)])


def _of(numbered: pl.DataFrame, stem: str) -> list[Group]:
    # one address in two spellings is one number
    numbers = numbered.select(stem, *NUMBER).unique()
    looked_at = numbers.height * len(GAPS) * len(STEMS)
    sizes = numbers.group_by(stem).agg(pl.len().cast(pl.Int64).alias("of_stem"))
    code = pl.col("padded").cast(pl.Int64) * PADDING + pl.col("value")
    numbers = numbers.with_columns(code.alias("code"))
    mine = numbers.join(sizes.filter(pl.col("of_stem") >= FEWEST_FANS), on=stem).sort(stem, "code")
    if mine.is_empty():
        return []
    mine = mine.with_columns(
        pl.Series(f"chosen_{gap}", _chosen_elsewhere(mine, numbers, stem, gap)) for gap in GAPS
    )
    found = pl.concat([_in_runs(mine, stem, gap, log_limit(looked_at)) for gap in GAPS])
    groups = (
        numbered.join(found.unique([stem, *NUMBER]), on=[stem, *NUMBER])
        .group_by(stem)
        .agg("line", pl.col("expected").sum())
    )
    certain = dict(found.group_by(stem).agg(pl.col("log_p").min()).iter_rows())
    return [
        Group(
            SuspiciousKind.RUNNING_DIGITS,
            lines_of(pl.DataFrame({"line": lines})),
            expected,
            certain[key] + log_looks(looked_at),
        )
        for key, lines, expected in groups.iter_rows()
    ]


def _in_runs(mine: pl.DataFrame, stem: str, gap: int, limit: float) -> pl.DataFrame:
    """`stem`, NUMBER, `expected` and `log_p` of the numbers that are part of a run nobody
    expects.
    """
    follows = (pl.col(stem) == pl.col(stem).shift(1)) & (pl.col("code").diff() <= gap)
    # the chance that one of the numbers up to `gap` further is there
    there = (1 - (-OFTENER * pl.col(f"chosen_{gap}")).exp()).log()
    linked = mine.with_columns(follows.fill_null(value=False).alias("follows"))
    linked = linked.with_columns(
        (~pl.col("follows")).cum_sum().alias("run"),
        pl.when("follows").then(there.shift(1)).otherwise(0.0).alias("log_link"),
    )
    runs = linked.group_by("run").agg(
        pl.len().alias("size"), pl.col("log_link").sum().alias("log_p")
    )
    odd = runs.filter(pl.col("size") >= FEWEST_FANS, pl.col("log_p") <= limit)
    return linked.join(odd, on="run").select(
        stem, *NUMBER, pl.col("chosen_1").alias("expected"), "log_p"
    )


def _chosen_elsewhere(mine: pl.DataFrame, numbers: pl.DataFrame, stem: str, gap: int) -> Chances:
    """How many fans of each stem would have one of the `gap` numbers that follow, if they chose as
    fans with other stems do. A number that none of those uses is as likely as any with as many
    digits.
    """
    codes = np.sort(numbers["code"].to_numpy())
    code = mine["code"].to_numpy()
    used = np.searchsorted(codes, code + gap, "right") - np.searchsorted(codes, code, "right")
    same, own = mine[stem].to_numpy(), np.zeros(mine.height)
    for step in range(1, gap + 1):
        own[:-step] += (same[step:] == same[:-step]) & (code[step:] - code[:-step] <= gap)
    shape = ["padded", "digits"]
    of_shape = numbers.group_by(shape).agg(pl.len().cast(pl.Int64).alias("of_shape"))
    shapes = mine.select(
        stem, *shape, pl.len().over(stem, *shape).cast(pl.Int64).alias("own"), "of_stem"
    ).join(of_shape, on=shape, how="left", maintain_order="left")
    others = (shapes["of_shape"] - shapes["own"] + 1).to_numpy()
    alike = others / 10.0 ** shapes["digits"].to_numpy()
    of_stem = shapes["of_stem"].to_numpy()
    chosen: Chances = of_stem * (used - own + gap * alike) / (numbers.height - of_stem + 1)
    return chosen
