"""Campaigns, markets, lists, registrants and files as lists and forms. What is done with them has
pages in `console`.
"""

from __future__ import annotations

import re
from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from unfold.admin import StackedInline
from unfold.decorators import display

from campaigns import later_steps, list_changes, rule_changes
from campaigns.choices import READ_ONLY, CampaignStatus, LateKind, ScoreFileState
from campaigns.contacts.phones import shared_calling_code_warnings
from campaigns.forms import CampaignForm, ListEntryForm
from campaigns.late_changes import is_late, open_campaigns
from campaigns.locks import lock_campaign, lock_campaigns
from campaigns.markets.forms import MarketForm, MarketFormSet
from campaigns.models import (
    Campaign,
    FanList,
    ListEntry,
    Market,
    RankFile,
    Registrant,
    RegistrationImport,
    ScoreFile,
)
from campaigns.rights import LATE
from operations.adminkit.editing import LockedEditing
from operations.adminkit.listing import (
    BigTableAdmin,
    MaskedAdmin,
    Masking,
    PageAdmin,
    TitledAdmin,
    counted,
)
from operations.adminkit.masking import mask_email, mask_pattern, mask_phone, mask_text
from operations.adminkit.wall_clock import moment

LOOKS_LIKE_A_KEY = re.compile("[0-9]{1,18}")
LEDGER = (counted("rows_in"), counted("accepted"), counted("rejected"))
STATUS_COLOURS = {"open": "success", "draft": "info", "closed": "warning"}
FILE_COLOURS = {
    ScoreFileState.PROCESSING: "info",
    ScoreFileState.VALIDATED: "warning",
    ScoreFileState.STREAMED: "success",
    ScoreFileState.SAVED: "success",
    ScoreFileState.FAILED: "danger",
}


class MarketInline(StackedInline):
    model = Market
    form = MarketForm
    formset = MarketFormSet
    extra = 0
    fields = (
        ("market_id", "name"),
        ("capacity", "selection_time", "position"),
        "event_ids",
    )

    def has_delete_permission(self, request: HttpRequest, obj: Campaign | None = None) -> bool:
        """An open campaign's markets stay: registrations and waves name them. [S-16]"""
        return obj is None or obj.status == CampaignStatus.DRAFT


@admin.register(Campaign)
class CampaignAdmin(LockedEditing, TitledAdmin):
    form = CampaignForm
    change_form_before_template = "console/campaigns/edit_note.html"
    inlines = (MarketInline,)
    list_display = (
        "page",
        "campaign_id",
        "status_label",
        "artist",
        "opens",
        "closes",
    )
    list_display_links = None
    list_filter = ("status",)
    search_fields = ("campaign_id", "name", "artist")
    search_help_text = "Campaign id, name or artist"
    compressed_fields = True
    warn_unsaved_form = True
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("campaign_id", "name"),
                    ("artist", "category_id"),
                    ("product_id", "source"),
                    "time_zone",
                )
            },
        ),
        ("Registration", {"fields": ("registration_opens", "registration_closes")}),
        (
            "Eligibility rules",
            {
                "fields": (
                    ("min_score", "max_fans_per_contact"),
                    ("home_countries", "scoring_type"),
                    ("allow_intl_phones", "require_confirmed_phone"),
                )
            },
        ),
        (
            "Access codes and messages",
            {"fields": (("code_source", "notify_channels"), ("code_prefix", "code_length"))},
        ),
        ("Draw", {"fields": ("entropy_source", ("entropy_form", "entropy_public_at"))}),
    )

    def get_readonly_fields(
        self, request: HttpRequest, obj: Campaign | None = None
    ) -> tuple[str, ...]:
        """What names the campaign or its draw elsewhere stays as it is once it counts. [C-1,
        S-8]
        """
        if obj is None:
            return ()
        return (
            ("campaign_id",)
            if obj.status == CampaignStatus.DRAFT
            else ("campaign_id", "entropy_source", "entropy_form", "entropy_public_at")
        )

    def has_delete_permission(self, request: HttpRequest, obj: Campaign | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Campaign | None = None) -> bool:
        """A closed campaign is only read. [C-2]"""
        is_read_only = obj is not None and obj.status in READ_ONLY
        return not is_read_only and super().has_change_permission(request, obj)

    def get_fieldsets(self, request: HttpRequest, obj: Campaign | None = None) -> list[Any]:
        found = list(super().get_fieldsets(request, obj))
        if obj is not None and obj.status == CampaignStatus.OPEN:
            found.append(("Changes to an open campaign", {"fields": ("reason",)}))
        return found

    def lock(self, request: HttpRequest, row: Campaign) -> None:
        lock_campaign(row.pk)

    def save_model(self, request: HttpRequest, obj: Campaign, form: Any, change: Any) -> None:
        form.options_before = rule_changes.options_of(obj.pk) if change else {}
        super().save_model(request, obj, form, change)
        if not change or form.initial["home_countries"] != obj.home_countries:
            for warning in shared_calling_code_warnings(obj.home_countries):  # [C-1]
                messages.warning(request, warning)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: Any) -> None:
        super().save_related(request, form, formsets, change)
        if change:
            rule_changes.record(
                form.instance,
                form.options_before,
                by=cast("User", request.user),
                reason=form.cleaned_data.get("reason") or "",
            )
            for said in later_steps.campaign_edited(
                form.instance.pk, by=cast("User", request.user)
            ):
                messages.warning(request, said)

    def _changeform_view(
        self, request: HttpRequest, object_id: str | None, *args: Any, **kwargs: Any
    ) -> Any:
        """Who edits while somebody closes the campaign is told so. [C-2]"""
        if request.method == "POST" and object_id:
            edited = self.get_object(request, unquote(object_id))
            if edited is not None and edited.status in READ_ONLY:
                messages.error(
                    request,
                    f"Campaign {edited.campaign_id} is closed and can no longer be changed. Your"
                    " changes were not saved.",
                )
                return self.response_change(request, edited)
        return super()._changeform_view(request, object_id, *args, **kwargs)

    def response_add(
        self, request: HttpRequest, obj: Campaign, *args: Any, **kwargs: Any
    ) -> HttpResponseRedirect:
        return HttpResponseRedirect(reverse("campaign", args=[obj.campaign_id]))

    def response_change(self, request: HttpRequest, obj: Campaign) -> HttpResponseRedirect:
        return HttpResponseRedirect(reverse("campaign", args=[obj.campaign_id]))

    @display(description="campaign", ordering="name")
    def page(self, campaign: Campaign) -> str:
        return format_html(
            '<a class="fw-link" href="{}">{}</a>',
            reverse("campaign", args=[campaign.campaign_id]),
            campaign.name,
        )

    @display(description="registration opens", ordering="registration_opens")
    def opens(self, campaign: Campaign) -> str:
        return moment(campaign.registration_opens, campaign.time_zone)

    @display(description="registration closes", ordering="registration_closes")
    def closes(self, campaign: Campaign) -> str:
        return moment(campaign.registration_closes, campaign.time_zone)

    @display(description="status", label=STATUS_COLOURS, ordering="status")
    def status_label(self, campaign: Campaign) -> str:
        return campaign.status


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


@admin.register(Registrant)
class RegistrantAdmin(BigTableAdmin, MaskedAdmin):
    personal = {"email": mask_email, "phone": mask_phone, "member_id": mask_text}
    list_display = (
        "global_user_id",
        "email",
        "phone",
        "phone_confirmed",
        "country",
        "markets_wanted",
        "registered_at",
        "of",
    )
    list_filter = ("campaign",)
    list_select_related = ("campaign",)
    keys = {"campaign__id__exact": "global_user_id"}

    @display(description="campaign")
    def of(self, registrant: Registrant) -> str:
        return registrant.campaign.campaign_id

    @display(description="markets wanted")
    def markets_wanted(self, registrant: Registrant) -> str:
        return ", ".join(registrant.preferences) or "any"


@admin.register(RegistrationImport)
class RegistrationImportAdmin(PageAdmin):
    page = "registrations"
    list_display = ("name", "campaign", *LEDGER, "finished", "created_at", "created_by")
    list_filter = ("campaign", "finished")
    list_select_related = ("campaign", "created_by")
    show_full_result_count = False


@admin.register(ScoreFile)
class ScoreFileAdmin(PageAdmin):
    page = "score-file"
    list_display = ("name", "of", "attempt", "state_label", *LEDGER, "created_at")
    list_filter = ("campaign", "state")
    list_select_related = ("campaign",)
    show_full_result_count = False

    @display(description="campaign", ordering="campaign__campaign_id")
    def of(self, score_file: ScoreFile) -> str:
        return score_file.campaign.campaign_id

    @display(description="state", label=FILE_COLOURS, ordering="state")
    def state_label(self, score_file: ScoreFile) -> str:
        return score_file.state


@admin.register(FanList)
class FanListAdmin(OfCampaign, TitledAdmin):
    """A list is registered here before its first file is dropped into the bucket; whose it is never
    changes. [S-15]
    """

    list_display = ("list_id", "campaign", "files", "created_at")
    list_filter = ("campaign",)
    list_select_related = ("campaign",)
    search_fields = ("fanlist_id",)
    search_help_text = "Fan list id"
    autocomplete_fields = ("campaign",)

    @display(description="fan list", ordering="fanlist_id")
    def list_id(self, fanlist: FanList) -> str:
        return fanlist.fanlist_id

    @display(description="rank files")
    def files(self, fanlist: FanList) -> str:
        address = (
            f"{reverse('admin:campaigns_rankfile_changelist')}?fanlist__id__exact={fanlist.pk}"
        )
        return format_html('<a class="fw-link" href="{}">rank files</a>', address)

    def get_readonly_fields(
        self, request: HttpRequest, obj: FanList | None = None
    ) -> tuple[str, ...]:
        return ("fanlist_id", "campaign", "created_at") if obj else ("created_at",)

    def has_delete_permission(self, request: HttpRequest, obj: FanList | None = None) -> bool:
        return False


@admin.register(RankFile)
class RankFileAdmin(PageAdmin):
    page = "rank-file"
    list_display = ("name", "fanlist", "formula", "score_file", "created_at", "created_by")
    list_filter = ("fanlist",)
    list_select_related = ("fanlist", "score_file", "created_by")
    show_full_result_count = False
