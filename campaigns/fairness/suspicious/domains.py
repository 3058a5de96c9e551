"""A rare domain with many fans: who owns a domain takes mail for any address there. [X-13]

Providers where anybody can have a mailbox are left out. The other domains are employers',
universities' and families', and two signs look made by a machine. Half of a domain's fans
registered within a moment in which few others did. Or it stands out by its size: sizes fall like a
power, and the smaller domains tell how steeply.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from campaigns.choices import SuspiciousKind
from campaigns.fairness.distributions import log_binomial
from campaigns.fairness.suspicious.groups import (
    LEVEL,
    Chances,
    Group,
    Numbers,
    lines_of,
    log_looks,
)
from campaigns.fairness.suspicious.mail_providers import is_provider

FEWEST_OF_DOMAIN: Final = 20  # what fewer have in common could be one person's
SIGNS: Final = 2
RUSH: Final = 5  # people of one place hear of a presale together: so many times denser than others
BELOW: Final = 100  # smaller domains that a step is judged by
# What is assumed before the first domain is seen: so many steps, of a power of 2.
STEPS_BEFORE, STEP_BEFORE = 4, 0.5


def rare_domains(mail: pl.DataFrame, times: pl.DataFrame, names: pl.DataFrame) -> list[Group]:
    """The groups that are named. `mail`, `times` (ascending), and `names` as `domains`: of
    `Traits`.
    """
    sizes = mail.group_by("domain").agg(pl.len().cast(pl.Int64).alias("fans"))
    own = sizes.join(names, on="domain").filter(
        ~pl.col("name").map_elements(is_provider, return_dtype=pl.Boolean)
    )
    own = own.sort("fans", "name", descending=[True, False])
    many = own.filter(pl.col("fans") >= FEWEST_OF_DOMAIN)["domain"].to_list()
    members = mail.filter(pl.col("domain").is_in(many)).select("line", "domain")
    found = _in_a_moment(members, times, many)
    others = own.filter(~pl.col("domain").is_in(list(found)))
    found |= dict(zip(others["domain"], _standing_out(others["fans"].to_numpy()), strict=False))
    usual = own.filter(~pl.col("domain").is_in(list(found)))["fans"]
    expected = float(usual.sum()) / max(len(usual), 1)
    names_of = dict(own.select("domain", "name").iter_rows())
    return [
        Group(
            SuspiciousKind.RARE_DOMAIN,
            lines_of(members.filter(pl.col("domain") == domain)),
            expected,
            log_p,
            {"domain": names_of[domain]} | ({"half_within_seconds": moment} if moment else {}),
        )
        for domain, (log_p, moment) in found.items()
    ]


def _in_a_moment(
    members: pl.DataFrame, times: pl.DataFrame, domains: list[int]
) -> dict[int, tuple[float, int]]:
    """Domain → corrected chance and seconds, of those of which half registered in a moment."""
    everyone = times["us"].to_numpy()
    registered = members.join(times, on="line").sort("us").group_by("domain").agg("us")
    looks, found = log_looks(SIGNS * len(domains)), {}
    for domain, us in registered.sort("domain").iter_rows():
        log_p, seconds = _shortest_moment(np.array(us, dtype=np.int64), everyone)
        if log_p + looks <= np.log(LEVEL):
            found[domain] = (log_p + looks, seconds)
    return found


def _shortest_moment(us: Numbers, everyone: Numbers) -> tuple[float, int]:
    """The shortest moment in which half of a domain's fans registered, and the chance of one as
    short. `us` and `everyone`: when its fans, and all, registered, ascending.

    Of `n` places by chance, `half` lie within a share w of all places with at most the chance n ·
    C(n - 1, half - 1) · w^(half - 1): from each of them, that many others.
    """
    count = len(us)
    if count < FEWEST_OF_DOMAIN:
        return 0.0, 0
    half = -(-count // 2)
    first, last = us[: count - half + 1], us[half - 1 :]
    within = np.searchsorted(everyone, last, "right") - np.searchsorted(everyone, first)
    at = int(np.argmin(within))
    share = min(1.0, RUSH * within[at] / len(everyone))
    log_p = np.log(count) + log_binomial(count - 1, half - 1) + (half - 1) * np.log(share)
    return float(log_p), int((last[at] - first[at]) // 1_000_000) + 1


def _standing_out(fans: Numbers) -> list[tuple[float, int]]:
    """The corrected chances of the largest domains, as many as stand out; no moment. `fans`:
    descending.

    Where sizes fall like a power, the logarithms of their ratios, times the place, are exponential
    with one mean (Rényi), which the smaller domains tell. A step that is too high names all that
    are above it. Few domains stand out, so the first places have more of the level: 1 / (i · (i +
    1)) of it.
    """
    steps = -np.diff(np.log(_unrounded(fans))) * np.arange(1, max(len(fans), 1))
    sums = np.concatenate([[0.0], np.cumsum(steps)])
    place = np.arange(1, min(int((fans >= FEWEST_OF_DOMAIN).sum()), len(steps)) + 1)
    known = np.clip(len(steps) - place, 0, BELOW)
    mean = (sums[place + known] - sums[place] + STEPS_BEFORE * STEP_BEFORE) / (known + STEPS_BEFORE)
    log_p = -(known + STEPS_BEFORE) * np.log1p(steps[place - 1] / (mean * (known + STEPS_BEFORE)))
    log_p += np.log(place * (place + 1)) + log_looks(SIGNS)
    odd = log_p[: np.flatnonzero(log_p <= np.log(LEVEL)).max(initial=-1) + 1]
    return [(float(least), 0) for least in np.minimum.accumulate(odd[::-1])[::-1]]


def _unrounded(fans: Numbers) -> Chances:
    """Sizes as if they were no whole numbers: those of one size share out its unit."""
    _, first, times = np.unique(-fans, return_index=True, return_counts=True)
    rank = np.arange(len(fans)) - np.repeat(first, times)
    sizes: Chances = fans + 0.5 - (rank + 0.5) / np.repeat(times, times)
    return sizes
