"""Entries of blacklists and whitelists: each edit is a change of a campaign's lists. [S-4, S-8]"""

from __future__ import annotations

from typing import Any, cast

from django.contrib import admin
from django.contrib.auth.models import User
from django.http import HttpRequest

from campaigns import list_changes
from campaigns.admin.of_campaign import OfCampaign
from campaigns.choices import CampaignStatus, LateKind
from campaigns.forms import ListEntryForm
from campaigns.late_changes import is_late, open_campaigns
from campaigns.models import ListEntry
from campaigns.rights import LATE
from operations.adminkit.listing import Masking
from operations.adminkit.masking import mask_pattern


def _may_late(request: HttpRequest, entry: ListEntry | None) -> bool:
    """Whether the entry is of an open campaign whose luck could be known, and they have the right
    of that time. [S-8]
    """
    campaign = entry and entry.campaign
    return bool(
        campaign
        and campaign.status == CampaignStatus.OPEN
        and is_late(campaign)
        and request.user.has_perm(LATE[LateKind.LISTS])
    )


@admin.register(ListEntry)
class ListEntryAdmin(OfCampaign, Masking):
    """A list may hold people's addresses: those are masked, and changed only by who has asked to
    see them.

    Where the pattern is masked it is not a field of the form, so saving cannot change it.
    """

    form = ListEntryForm
    delete_confirmation_template = "console/campaigns/delete_entry.html"
    personal = {"pattern": mask_pattern}
    list_display = ("pattern", "kind", "campaign", "note", "created_at")
    list_filter = ("kind", "campaign")
    list_select_related = ("campaign",)
    autocomplete_fields = ("campaign",)
    show_full_result_count = False
    list_per_page = 100

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Also who may change lists only late; the form asks whether it is. [S-8]"""
        return super().has_add_permission(request) or request.user.has_perm(LATE[LateKind.LISTS])

    def has_change_permission(self, request: HttpRequest, obj: ListEntry | None = None) -> bool:
        return super().has_change_permission(request, obj) or _may_late(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: ListEntry | None = None) -> bool:
        return super().has_delete_permission(request, obj) or _may_late(request, obj)

    def get_fields(self, request: HttpRequest, obj: ListEntry | None = None) -> list[Any]:
        fields = ["campaign", "kind", "pattern", "note", "reason"]
        return fields if obj is None else self._as_shown(request, fields)

    def get_readonly_fields(self, request: HttpRequest, obj: ListEntry | None = None) -> list[Any]:
        return [field for field in self.get_fields(request, obj) if callable(field)]

    def get_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        form = super().get_form(request, *args, **kwargs)
        form.by = request.user
        return form

    def campaigns_of(self, request: HttpRequest, row: ListEntry) -> set[int]:
        """An entry of all campaigns changes every open one."""
        found = super().campaigns_of(request, row)
        if row.campaign_id is None or not request.POST.get("campaign"):
            found |= {campaign.pk for campaign in open_campaigns([None])}
        return found

    def save_model(
        self, request: HttpRequest, obj: ListEntry, form: ListEntryForm, change: bool
    ) -> None:
        """An entry that moves to another campaign or list is deleted there and added here."""
        before = self.model.objects.select_related("campaign").filter(pk=obj.pk).first()
        by, of = cast("User", request.user), [obj.campaign, *([before.campaign] if before else [])]
        with list_changes.late_lists(of, by=by, reason=form.cleaned_data.get("reason") or ""):
            super().save_model(request, obj, form, change)
        if before and (before.campaign_id, before.kind) == (obj.campaign_id, obj.kind):
            list_changes.record(obj.campaign, obj.kind, list_changes.CHANGED, by=by)
            return
        if before:
            list_changes.record(before.campaign, before.kind, list_changes.DELETED, by=by)
        list_changes.record(obj.campaign, obj.kind, list_changes.ADDED, by=by)

    def delete_model(self, request: HttpRequest, obj: ListEntry) -> None:
        by, reason = cast("User", request.user), request.POST.get("reason", "")[:300]
        with list_changes.late_lists([obj.campaign], by=by, reason=reason):
            super().delete_model(request, obj)
        list_changes.record(obj.campaign, obj.kind, list_changes.DELETED, by=by)
