"""The form of message templates: what cannot be sent is refused when it is saved, and who would
void approvals, or leave fans without their code, is told before. [N-1, X-5]
"""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.core.exceptions import ValidationError
from unfold.widgets import UnfoldAdminSelectWidget

from campaigns.choices import READ_ONLY, CodeSource
from campaigns.forms import require_not_closed
from campaigns.models import Campaign, Market
from operations.adminkit.editing import VersionedForm
from operations.entry.languages import language
from operations.entry.validators import sentence_of
from operations.errors import BadValue
from operations.plurals import plural
from waves.errors import BadTemplate
from waves.messages.built_in import built_in
from waves.messages.content import MessageTemplate
from waves.messages.drafts import parts_without_code, problems_of
from waves.models import Template
from waves.template_edits import TemplateEdit, listed, losing_approval

FIELDS = ("campaign", "market", "channel", "language", "audience", "subject", "body", "html")
AGREED = "agreed"


class Confirmation(forms.CharField):
    """What a reader agrees to: no part of what is edited. It shows as a box once it is needed."""

    def __init__(self, label: str) -> None:
        super().__init__(required=False, label=label, widget=forms.HiddenInput)

    def has_changed(self, initial: Any, data: Any) -> bool:
        return False


class MarketSelect(UnfoldAdminSelectWidget):
    """Each market names its campaign, so that the page can offer those of the chosen one alone."""

    def create_option(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option = super().create_option(*args, **kwargs)
        market = getattr(option["value"], "instance", None)
        if market is not None:
            option["attrs"]["data-campaign"] = str(market.campaign_id)
        return option


class TemplateForm(VersionedForm):
    """`confirmed` names the waves that the reader was told of."""

    confirmed = Confirmation("Save, and void these approvals")
    without_code = Confirmation("Save it without {code}")

    class Meta:
        model = Template
        fields = FIELDS
        labels: ClassVar = {"body": "Text", "html": "HTML"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "body" not in self.fields:  # who may only look has no fields
            return
        campaigns = Campaign.objects.exclude(status__in=READ_ONLY)
        if self.instance.campaign_id:
            campaigns |= Campaign.objects.filter(pk=self.instance.campaign_id)
        _offer(self.fields["campaign"], campaigns.distinct(), "All campaigns")
        markets = Market.objects.filter(campaign__in=campaigns.values("pk"))
        markets = markets.select_related("campaign").order_by("-campaign_id", "position")
        _offer(self.fields["market"], markets, "Every market")
        if self.instance.pk is None:
            start = built_in("sms")
            self.initial = {"body": start.body, "language": start.language, **self.initial}

    def clean_language(self) -> str:
        try:
            return language("language", self.cleaned_data["language"])
        except BadValue as refusal:
            raise ValidationError(sentence_of(refusal)) from refusal

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        campaign, market = cleaned.get("campaign"), cleaned.get("market")
        for each in (campaign, self.instance.campaign):
            require_not_closed(each)
        if market and market.campaign_id != getattr(campaign, "pk", None):
            raise ValidationError({"market": "This market belongs to another campaign."})
        if {"channel", "audience"} <= cleaned.keys():
            for name, problem in problems_of(draft_of(cleaned)).items():
                if name not in self.errors:
                    self.add_error(name, problem)
        if not self.errors:
            self._require_confirmed(cleaned)
        return cleaned

    def _require_confirmed(self, cleaned: dict[str, Any]) -> None:
        asked = [*self._ask_about_code(cleaned), *self._ask_about_approvals(cleaned)]
        if asked:
            raise ValidationError(asked)

    def _ask_about_code(self, cleaned: dict[str, Any]) -> list[str]:
        missing = parts_without_code(draft_of(cleaned))
        if not missing or not needs_code(cleaned["campaign"]):
            return []
        if cleaned.get("without_code") == AGREED:
            return []
        self._show("without_code", AGREED)
        return [without_code_in_words(missing)]

    def _ask_about_approvals(self, cleaned: dict[str, Any]) -> list[str]:
        after = Template(**{name: cleaned[name] for name in FIELDS})
        edit = TemplateEdit(self.instance if self.instance.pk else None, after)
        try:
            losing = losing_approval(edit)
        except BadTemplate as refusal:
            return [str(refusal)]
        named = ",".join(wave.name for wave in losing)
        if not losing or cleaned.get("confirmed") == named:
            return []
        self._show("confirmed", named)
        said = (
            f"Not saved yet: {plural(len(losing), 'wave')} would lose"
            f" {'its' if len(losing) == 1 else 'their'} approval: {listed(losing)}. They would not"
            " be sent until they are approved and scheduled again. To save anyway, tick the box"
            " below and save again."
        )
        return [said]

    def _show(self, name: str, value: str) -> None:
        self.fields[name].widget = forms.CheckboxInput({"value": value})


def draft_of(given: dict[str, Any]) -> MessageTemplate:
    """The text as it is in a form, which may lack what could not be read."""
    market = given.get("market")
    return MessageTemplate(
        given.get("channel") or "",
        given.get("body") or "",
        market_id=market.market_id if market else None,
        language=given.get("language") or "",
        subject=given.get("subject") or "",
        html=given.get("html") or "",
        audience=given.get("audience") or "",
    )


def needs_code(campaign: Campaign | None) -> bool:
    """Whether fans of the campaign get codes of ours at all. [K-3]"""
    return campaign is None or campaign.code_source != CodeSource.TM


def without_code_in_words(parts: list[str]) -> str:
    """The warning about a text in which fans would not find their code."""
    return (
        f"Not saved yet: the {' and the '.join(parts)} of this message does not contain {{code}},"
        " so fans would not get their access code in it. To save it anyway, tick the box below and"
        " save again."
    )


def _offer(field: Any, rows: Any, all_of_them: str) -> None:
    """The admin puts links to other rows around a choice: here they would leave the text."""
    if isinstance(field.widget, RelatedFieldWidgetWrapper):
        field.widget = field.widget.widget
    field.queryset, field.empty_label = rows, all_of_them
