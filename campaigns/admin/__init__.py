"""Campaigns, markets, lists, registrants and files as lists and forms. What is done with them has
pages in `console`.
"""

from __future__ import annotations

from campaigns.admin import files, lists, presales

__all__ = ["files", "lists", "presales"]
