"""The files that came in, and the registrants that some of them held. [C-4, S-1, S-15]"""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from unfold.decorators import display

from campaigns.admin.of_campaign import OfCampaign
from campaigns.choices import ScoreFileState
from campaigns.models import FanList, RankFile, Registrant, RegistrationImport, ScoreFile
from operations.adminkit.listing import (
    BigTableAdmin,
    MaskedAdmin,
    PageAdmin,
    TitledAdmin,
    counted,
)
from operations.adminkit.masking import mask_email, mask_phone, mask_text

LEDGER = (counted("rows_in"), counted("accepted"), counted("rejected"))
FILE_COLOURS = {
    ScoreFileState.PROCESSING: "info",
    ScoreFileState.VALIDATED: "warning",
    ScoreFileState.STREAMED: "success",
    ScoreFileState.SAVED: "success",
    ScoreFileState.FAILED: "danger",
}


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
