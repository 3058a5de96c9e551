"""A campaign and its markets. [C-1, C-3]"""

from __future__ import annotations

from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from unfold.admin import StackedInline
from unfold.decorators import display

from campaigns import later_steps, rule_changes
from campaigns.choices import READ_ONLY, CampaignStatus
from campaigns.contacts.phones import shared_calling_code_warnings
from campaigns.forms import CampaignForm
from campaigns.locks import lock_campaign
from campaigns.markets.forms import MarketForm, MarketFormSet
from campaigns.models import Campaign, Market
from operations.adminkit.editing import LockedEditing
from operations.adminkit.listing import TitledAdmin
from operations.adminkit.wall_clock import moment

MOST_NEW_MARKETS = 100  # in one form: each takes 8 ms to be read and shown again
GOES_ON = {"_continue", "_addanother"}  # buttons that lead to a form again
STATUS_COLOURS = {"open": "success", "draft": "info", "closed": "warning"}


class MarketInline(StackedInline):
    model = Market
    form = MarketForm
    formset = MarketFormSet
    extra = 0
    fields = (
        ("market_id", "name"),
        ("capacity", "selection_time", "position"),
        ("event_ids", "time_zone"),
    )

    def get_formset(self, request: HttpRequest, obj: Campaign | None = None, **kwargs: Any) -> Any:
        """However many markets the form claims to have, no more are read than it can have."""
        most = MOST_NEW_MARKETS + (obj.markets.count() if obj else 0)
        return super().get_formset(request, obj, max_num=most, absolute_max=most, **kwargs)

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
            {
                "fields": (
                    ("code_source", "notify_channels"),
                    ("code_prefix", "code_length"),
                    ("default_language", "quiet_hours"),
                    "soft_start",
                )
            },
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
                return _its_page(edited)
        return super()._changeform_view(request, object_id, *args, **kwargs)

    def response_add(
        self, request: HttpRequest, obj: Campaign, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        elsewhere = super().response_add(request, obj, *args, **kwargs)
        return elsewhere if GOES_ON & request.POST.keys() else _its_page(obj)

    def response_change(self, request: HttpRequest, obj: Campaign) -> HttpResponse:
        elsewhere = super().response_change(request, obj)
        return elsewhere if GOES_ON & request.POST.keys() else _its_page(obj)

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


def _its_page(campaign: Campaign) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("campaign", args=[campaign.campaign_id]))
