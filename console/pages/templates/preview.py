"""The preview beside the editor of a template, made anew as one types. Nothing is written. [N-1]"""

from __future__ import annotations

import unicodedata
from typing import Any, Final

from django import forms
from django.conf import settings
from django.http import HttpResponse
from django.template.response import TemplateResponse

from campaigns.choices import CampaignStatus
from campaigns.models import Campaign, Market
from console.access import StaffRequest, action
from operations.adminkit import unmasking
from operations.entry.languages import canonical
from waves.choices import Audience, Channel
from waves.errors import BadTemplate
from waves.forms import FIELDS, draft_of, needs_code
from waves.messages.content import ENGLISH, MessageTemplate
from waves.messages.drafts import parts_without_code, problems_of
from waves.messages.preview import Preview, preview
from waves.messages.sms_segments import Segments
from waves.models import Template
from waves.template_edits import TemplateEdit, listed, losing_approval

LONGEST = 100_000  # that is shown as one types
# What word processors write, and what costs nothing instead.
PLAIN: Final = {
    "\u2018": "'",
    "\u2019": "'",
    "\u201c": '"',
    "\u201d": '"',
    "\u2013": "-",
    "\u2014": "-",
    "\u2026": "...",
    "\u00a0": "a space",
    "\u2022": "*",
}
# Before whatever somebody pasted: it loads nothing, and the frame around it runs nothing.
FRAME: Final = (
    "<!doctype html><meta charset=utf-8><meta http-equiv=Content-Security-Policy"
    " content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">"
)


class DraftForm(forms.Form):
    """A draft as it is in the editor; whatever cannot be read is left out."""

    template = forms.ModelChoiceField(Template.objects.all(), required=False)
    campaign = forms.ModelChoiceField(Campaign.objects.all(), required=False)
    market = forms.ModelChoiceField(Market.objects.all(), required=False)
    preview_market = forms.ModelChoiceField(Market.objects.all(), required=False)
    channel = forms.ChoiceField(choices=Channel)
    language = forms.CharField(max_length=60, required=False)
    audience = forms.ChoiceField(choices=Audience)
    subject = forms.CharField(max_length=LONGEST, required=False)
    body = forms.CharField(max_length=LONGEST, required=False, strip=False)
    html = forms.CharField(max_length=LONGEST, required=False, strip=False)

    def clean_language(self) -> str:
        return canonical(self.cleaned_data["language"].strip())


@action("waves.view_template")
def preview_template(request: StaffRequest) -> HttpResponse:
    """POST, because a text is too long for an address."""
    form = DraftForm(request.POST)
    form.is_valid()
    given = form.cleaned_data
    if not {"channel", "audience"} <= given.keys():
        return _fragment(request, problems=["Choose a channel and an audience."])
    campaign = campaign_of(given)
    if campaign is None:
        return _fragment(request, problems=["Add a campaign to see a preview."])
    return _fragment(request, campaign=campaign, **_found(request, given, campaign))


def _found(request: StaffRequest, given: dict[str, Any], campaign: Campaign) -> dict[str, Any]:
    draft = draft_of(given)
    market = market_of(given, campaign)
    markets = [] if draft.market_id else list(campaign.markets.all())
    context: dict[str, Any] = {"draft": draft, "market": market, "markets": markets}
    problems = list(problems_of(draft).values())
    if not draft.language:
        problems.append("Enter the language as a tag, such as en or pt-BR.")
    try:
        shown = preview(_in_some_language(draft), campaign, market, hidden=not _shown(request))
        context |= {"shown": shown, "sms": _sms(shown), "frame": FRAME + shown.message.html}
        context["prices"] = _prices(shown, campaign)
        missing = parts_without_code(draft) if needs_code(given.get("campaign")) else []
        losing = losing_approval(_edit(given)) if not problems else []
    except BadTemplate as refusal:
        return context | {"problems": list(dict.fromkeys([*problems, str(refusal)]))}
    return context | {"problems": problems, "missing": missing, "losing": listed(losing)}


def _fragment(request: StaffRequest, **context: Any) -> HttpResponse:
    return TemplateResponse(request, "console/waves/template_preview.html", context)


def campaign_of(given: dict[str, Any]) -> Campaign | None:
    """Of the draft; for one of all campaigns the newest open one."""
    if campaign := given.get("campaign"):
        return campaign
    return Campaign.objects.filter(status=CampaignStatus.OPEN).first() or Campaign.objects.first()


def market_of(given: dict[str, Any], campaign: Campaign) -> Market | None:
    """Of the template, else the one chosen for the preview, else the first; none where fans have
    none.
    """
    if given["audience"] == Audience.NOT_SELECTED:
        return None
    wanted = given.get("market") or given.get("preview_market")
    if wanted and wanted.campaign_id == campaign.pk:
        return wanted
    return campaign.markets.first()


def _in_some_language(draft: MessageTemplate) -> MessageTemplate:
    return draft if draft.language else MessageTemplate(**vars(draft) | {"language": ENGLISH})


def _shown(request: StaffRequest) -> bool:
    return unmasking.shown(request)


def _edit(given: dict[str, Any]) -> TemplateEdit:
    after = {name: given[name] for name in FIELDS if name in given}
    return TemplateEdit(given.get("template"), Template(**after))


def _sms(shown: Preview) -> dict[str, Any] | None:
    """What the SMS takes, in words."""
    found = shown.segments
    if found is None:
        return None
    return {"segments": found, "forced": _forced(found) if found.forced_by else ""}


def _prices(shown: Preview, campaign: Campaign) -> list[str]:
    """What one such SMS costs in the campaign's home countries, where a price is known. [X-6]"""
    if shown.segments is None:
        return []
    return [
        f"{country}: {shown.segments.cost(settings.SMS_RATES[country])} {settings.SMS_CURRENCY}"
        for country in campaign.home_countries
        if country in settings.SMS_RATES
    ]


def _forced(found: Segments) -> str:
    character = found.forced_by
    name = unicodedata.name(character, "a character without a name").lower()
    instead = f" Write {PLAIN[character]} instead." if character in PLAIN else ""
    seen = f"“{character}” " if character.isprintable() else ""
    return (
        f"{seen}({name}, U+{ord(character):04X}) makes it UCS-2: a segment then holds 70 characters"
        f" instead of 160.{instead}"
    )
