"""A phone judged as in a file."""

from __future__ import annotations

import polars as pl

from campaigns.contacts.phones import check_phones


def judged(
    written: str | None, country: str | None = "US", default_region: str = "US"
) -> tuple[str | None, str | None, str | None]:
    """Phone, region and tag of one row."""
    column = pl.Series([written], dtype=pl.String)
    return check_phones(
        column, pl.Series([country], dtype=pl.String), default_region=default_region
    ).row(0)
