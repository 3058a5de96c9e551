"""The names of erased fans in a campaign's records. The lake knows no campaign: the app that does
says by which reference a proof names a fan. [X-11, S-8]
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import polars as pl

from datalake.erased.fans import keyed
from datalake.erased.tombstones import tombstones

# campaign id, fan id → 64 hex digits; None for a campaign that is not known
Reference = Callable[[str, str], str | None]
REFERENCES: Final[list[Reference]] = []


def name_of(campaign_id: str, fan_id: str, number: int) -> str:
    """What stands for the fan in records of this campaign; of a campaign that nobody knows, by a
    keyed hash.
    """
    found = (reference(campaign_id, fan_id) for reference in REFERENCES)
    reference = next((each for each in found if each), None) or keyed(f"{campaign_id}\x1f{fan_id}")
    frame = pl.DataFrame({"reference": [reference]})
    return str(frame.select(tombstones(pl.col("reference"), number))[0, 0])
