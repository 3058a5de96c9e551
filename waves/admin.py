"""Waves, codes, members, messages, templates and providers as lists; what moves a wave has pages in
`console`.
"""

from __future__ import annotations

import uuid
from typing import Any, cast

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db.models import Model
from django.http import HttpRequest
from unfold.decorators import display

from campaigns.admin.of_campaign import LOOKS_LIKE_A_KEY, OfCampaign, posted_campaign
from campaigns.choices import READ_ONLY
from campaigns.locks import lock_campaigns
from campaigns.models import Campaign
from operations.adminkit.listing import BigTableAdmin, MaskedAdmin, PageAdmin, TitledAdmin, counted
from operations.adminkit.masking import mask_email, mask_phone, mask_text
from operations.adminkit.wall_clock import moment
from waves.choices import CodeState, SendState, WaveState
from waves.errors import BadTemplate
from waves.forms import FIELDS, MarketSelect, TemplateForm
from waves.messages.built_in import built_in_texts
from waves.messages.content import PLACEHOLDERS
from waves.messages.preview import TEST_CODE
from waves.models import Code, Member, Selection, Send, Suppression, Template, Wave
from waves.providers.reasons import reason_in_words
from waves.template_edits import (
    TemplateEdit,
    campaigns_changed,
    listed,
    losing_approval,
    renew_waves,
    scope_of,
    words_for,
)

# of the fields that name another row
COLUMNS = {"campaign": "campaign_id", "market": "market_id"}
WAVE_COLOURS = {
    WaveState.PREPARED: "info",
    WaveState.APPROVED: "info",
    WaveState.SCHEDULED: "primary",
    WaveState.TRIGGERED: "primary",
    WaveState.HELD: "danger",
    WaveState.FAILED: "danger",
    WaveState.PAUSED: "warning",
    WaveState.COMPLETED: "success",
}
SELECTED = (counted("selected"), counted("waitlist"))
CODE_COLOURS = {
    CodeState.RESERVED: "info",
    CodeState.ASSIGNED: "primary",
    CodeState.PUBLISHED: "success",
}
SEND_COLOURS = {
    SendState.SENT: "success",
    SendState.DELIVERED: "success",
    SendState.FAILED: "danger",
    SendState.UNDELIVERABLE: "danger",
    SendState.UNKNOWN: "warning",
    SendState.SENDING: "info",
}


@admin.register(Wave)
class WaveAdmin(PageAdmin):
    page = "wave"
    page_key = "name"
    list_display = (
        "name",
        "campaign",
        "state_label",
        "notified_at",
        *SELECTED,
        "prepared_by",
        "approved_by",
    )
    list_filter = ("state", "campaign")
    list_select_related = ("campaign", "prepared_by", "approved_by")
    search_fields = ("=name",)
    search_help_text = "Complete name of the wave"
    show_full_result_count = False

    @display(description="notify date", ordering="notify_date")
    def notified_at(self, wave: Wave) -> str:
        return moment(wave.notify_date, wave.campaign.time_zone)

    @display(description="state", label=WAVE_COLOURS, ordering="state")
    def state_label(self, wave: Wave) -> str:
        return wave.state


@admin.register(Code)
class CodeAdmin(BigTableAdmin, MaskedAdmin):
    personal = {"code": mask_text}
    list_display = (
        "code",
        "state_label",
        "wave",
        "market",
        "global_user_id",
        "reserved_at",
        "ends_at",
    )
    list_filter = ("wave",)
    list_select_related = ("wave", "market")
    keys = {"wave__id__exact": "global_user_id"}

    @display(description="state", label=CODE_COLOURS)
    def state_label(self, code: Code) -> str:
        return code.state


@admin.register(Selection)
class SelectionAdmin(BigTableAdmin, MaskedAdmin):
    """Who was selected, as the verdict queue was told. [T-4]"""

    personal = {"code": mask_text}
    list_display = (
        "global_user_id",
        "campaign",
        "market",
        "code",
        "event_ids",
        "version",
        "changed_at",
    )
    list_select_related = ("campaign", "market")


@admin.register(Member)
class MemberAdmin(BigTableAdmin, MaskedAdmin):
    personal = {"email": mask_email, "phone": mask_phone, "code": mask_text, "member_id": mask_text}
    list_display = (
        "global_user_id",
        "place",
        "market",
        "email",
        "phone",
        "code",
        "band_score",
        "wave",
    )
    list_filter = ("wave",)
    list_select_related = ("wave", "market")
    keys = {"wave__id__exact": "global_user_id"}


@admin.register(Send)
class SendAdmin(BigTableAdmin, MaskedAdmin):
    list_display = ("wave", "channel", "fan", "to", "state_label", "why", "attempts", "sent_at")
    list_filter = ("wave",)
    list_select_related = ("wave", "member")
    personal = {
        "to": lambda contact: mask_email(contact) if "@" in contact else mask_phone(contact)
    }

    def get_list_filter(self, request: HttpRequest) -> tuple[str, ...]:
        """The state can be chosen within a wave: there an index answers it."""
        return ("wave", "state") if "wave__id__exact" in request.GET else ("wave",)

    @display(description="fan")
    def fan(self, send: Send) -> str:
        return send.member.global_user_id

    @display(description="to")
    def to(self, send: Send) -> str:
        return send.member.phone if send.channel == "sms" else send.member.email

    @display(description="state", label=SEND_COLOURS)
    def state_label(self, send: Send) -> str:
        return send.state

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> list[Any]:
        """With the reason in words, as everywhere."""
        return ["why" if name == "reason" else name for name in super().get_fields(request, obj)]

    @display(description="reason")
    def why(self, send: Send) -> str:
        return reason_in_words(send.reason) if send.reason else ""


@admin.register(Suppression)
class SuppressionAdmin(BigTableAdmin, PageAdmin):
    page = "suppressed-contact"
    list_display = ("entry", "channel", "campaign", "at", "by", "reason", "lifted_at")
    list_filter = ("cause", "campaign")
    list_select_related = ("campaign", "by")

    @display(description="why")
    def entry(self, found: Suppression) -> str:
        return found.get_cause_display()


@admin.register(Template)
class TemplateAdmin(OfCampaign, TitledAdmin):
    list_before_template = "console/waves/templates_note.html"
    change_form_template = "console/waves/template.html"
    form = TemplateForm
    list_display = ("__str__", "campaign", "market", "channel", "language", "audience", "body")
    list_filter = ("channel", "campaign")
    list_select_related = ("campaign", "market")
    fields = (*FIELDS, "without_code", "confirmed")

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "market":
            kwargs["widget"] = MarketSelect()
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """A campaign's page leads here; what else an address says is ignored."""
        named = request.GET.get("campaign", "")
        if not LOOKS_LIKE_A_KEY.fullmatch(named):
            return {}
        campaign = Campaign.objects.filter(pk=int(named)).exclude(status__in=READ_ONLY).first()
        return {"campaign": campaign.pk, "language": campaign.default_language} if campaign else {}

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> Any:
        row = context.get("original")
        context |= {
            "placeholders": PLACEHOLDERS,
            "built_in": built_in_texts(),
            "test_recipients": settings.TEST_RECIPIENTS,
            "test_key": uuid.uuid4(),
            "test_code": TEST_CODE,
            "shown_as": {name: getattr(row, COLUMNS.get(name, name)) or "" for name in FIELDS}
            if row
            else {},
        }
        return super().render_change_form(request, context, *args, **kwargs)

    def campaigns_of(self, request: HttpRequest, row: Template) -> set[int]:
        """A template for all campaigns changes waves of all of them."""
        named = {row.campaign_id}
        if "campaign" in request.POST:
            named.add(posted_campaign(request))
        return super().campaigns_of(request, row) | campaigns_changed(scope_of(named))

    def save_model(self, request: HttpRequest, obj: Template, form: Any, change: Any) -> None:
        if not change:  # one that is edited was locked when it was read, its campaigns before it
            lock_campaigns(self.campaigns_of(request, obj))
        before = Template.objects.filter(pk=obj.pk).first()
        edit = TemplateEdit(before, obj)
        super().save_model(request, obj, form, change)
        reason = f"{words_for(obj)} {'changed' if change else 'added'}"
        _renew(request, edit, reason)

    def delete_model(self, request: HttpRequest, obj: Template) -> None:
        edit = TemplateEdit(obj, None)
        reason = f"{words_for(obj)} deleted"
        super().delete_model(request, obj)
        _renew(request, edit, reason)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Says before a template is deleted which waves lose their approval, and when they are due.
        [X-5]
        """
        found = super().get_deleted_objects(objs, request)
        if losing := [wave for obj in objs for wave in _losing(TemplateEdit(obj, None))]:
            found[0].append(f"These waves lose their approval: {listed(losing)}")
        return found


def _losing(edit: TemplateEdit) -> list[Wave]:
    try:
        return losing_approval(edit)
    except BadTemplate:  # the wave's page says so, and how to fix it
        return []


def _renew(request: HttpRequest, edit: TemplateEdit, reason: str) -> None:
    if lost := renew_waves(edit.scope, by=cast("User", request.user), reason=reason):
        messages.warning(request, f"These waves have lost their approval: {listed(lost)}.")
