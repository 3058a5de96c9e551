"""Pretend populations whose draws are judged, and a plain count of them. [X-3]"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

import numpy as np
import numpy.typing as npt
import polars as pl

from campaigns.draw import LUCK_OFFSET, Draw, band_of, draw_frame
from campaigns.fairness.groups import luck_cells
from campaigns.fairness.verdict import CELLS, Findings, Group, judge

DOMAINS = ("gmail.com", "yahoo.com", "outlook.com", "web.de", "small.example")
SHARES = (0.5, 0.25, 0.15, 0.09, 0.01)
BANDS_HIGH = {"high": (0.95, 0.05), "mid": (0.80, 0.15), "low": (0.22, 0.58)}
Luck = npt.NDArray[np.float64]


def population(size: int, seed: int = 7) -> pl.DataFrame:
    """Fans with `global_user_id`, `raw_score`, `domain` and `slice` (twentieths of the file).
    Better scores are commoner at gmail.com: that is no fault of the draw.
    """
    rng = np.random.default_rng(seed)
    domain = rng.choice(DOMAINS, size=size, p=SHARES)
    better = rng.random(size) < np.where(domain == "gmail.com", 0.4, 0.2)
    raw = np.where(better, rng.uniform(0.95, 1, size), rng.uniform(0.22, 0.95, size))
    return pl.DataFrame(
        {
            "global_user_id": [f"fan-{number}" for number in range(size)],
            "raw_score": raw,
            "domain": domain,
            "slice": [str(number * 20 // size) for number in range(size)],
        }
    )


def drawn(fans: pl.DataFrame, number: int) -> pl.DataFrame:
    """The product's own draw with a seed of this number: adds `band`, `u` and `band_score`."""
    done = draw_frame(fans, Draw("simulated", number.to_bytes(32, "big"), bytes(32)))
    luck = done["luck"].to_numpy().view(np.uint64) ^ LUCK_OFFSET
    return done.with_columns(u=pl.Series((luck >> np.uint64(11)) / 2**53))


def rigged(
    fans: pl.DataFrame, rig: Callable[[pl.DataFrame, Luck], Luck], seed: int = 3
) -> pl.DataFrame:
    """A draw whose luck somebody bends: `rig` gets the fans and honest luck."""
    u = rig(fans, np.random.default_rng(seed).random(len(fans)))
    band = band_of(fans["raw_score"])
    low, width = (np.array([BANDS_HIGH[name][part] for name in band]) for part in (0, 1))
    return fans.with_columns(band, u=pl.Series(u), band_score=pl.Series(low + u * width))


def findings(fans: pl.DataFrame, places: int, by: Iterable[str] = ("domain", "slice")) -> Findings:
    """Counted in plain Python, judged by the product."""
    best = set(fans.sort("band_score", descending=True)["global_user_id"].head(places))
    bands = fans["band"].to_list()
    cells = Counter(zip(bands, (int(u * CELLS) for u in fans["u"].to_list()), strict=True))
    is_chosen = [fan in best for fan in fans["global_user_id"].to_list()]
    groups = []
    for one in by:
        counted = Counter(zip(fans[one].to_list(), bands, is_chosen, strict=True))
        for name in sorted({name for name, _, _ in counted}):
            members, chosen = Counter[str](), Counter[str]()
            for band in BANDS_HIGH:
                chosen[band] = counted[name, band, True]
                members[band] = counted[name, band, False] + chosen[band]
            groups.append(Group(one, name, members, chosen))
    return judge(luck_cells((band, cell, fans) for (band, cell), fans in cells.items()), groups)
