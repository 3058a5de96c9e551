"""Rows that belong to a campaign, or to all. [C-2]"""

from __future__ import annotations

import re
from typing import Any

from django.http import HttpRequest

from campaigns.choices import READ_ONLY
from campaigns.locks import lock_campaigns
from operations.adminkit.editing import LockedEditing

LOOKS_LIKE_A_KEY = re.compile("[0-9]{1,18}")


class OfCampaign(LockedEditing):
    """Rows that belong to a campaign, or to all: those of a closed campaign are only read. The
    campaigns, that of the row and the one that the form moves it to, are locked before the row.
    [C-2]
    """

    def lock(self, request: HttpRequest, row: Any) -> None:
        lock_campaigns(self.campaigns_of(request, row))
        super().lock(request, row)

    def campaigns_of(self, request: HttpRequest, row: Any) -> set[int]:
        """The keys of the campaigns that the request changes."""
        return {pk for pk in (row.campaign_id, posted_campaign(request)) if pk is not None}

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return not _is_read_only(obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return not _is_read_only(obj) and super().has_delete_permission(request, obj)


def posted_campaign(request: HttpRequest) -> int | None:
    """The campaign that a form names; whether there is one is the form's affair."""
    text = request.POST.get("campaign", "")
    return int(text) if LOOKS_LIKE_A_KEY.fullmatch(text) else None


def _is_read_only(row: Any) -> bool:
    return bool(row and row.campaign_id and row.campaign.status in READ_ONLY)
