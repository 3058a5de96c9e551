"""Imported codes, and whose codes became whose."""

from __future__ import annotations

from waves.models import Code, Member


def imported(campaign, *codes, market=None):
    """In the order of their import."""
    only = campaign.markets.get(market_id=market) if market else None
    return [
        Code.objects.create(
            campaign=campaign, code=code, source="partner", origin="list", only_market=only
        )
        for code in codes
    ]


def codes_in_order(wave):
    """The codes of the members, the best fan's first."""
    return list(Member.objects.filter(wave=wave).order_by("place").values_list("code", flat=True))
