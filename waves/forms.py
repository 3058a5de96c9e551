"""The form of message templates: an unknown placeholder is refused when it is saved, and who would
void approvals is told which before. [N-1, X-5]
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from campaigns.forms import require_not_closed
from operations.adminkit.editing import VersionedForm
from operations.plurals import plural
from waves.choices import Channel
from waves.errors import BadTemplate
from waves.messages.content import PLACEHOLDERS, placeholders
from waves.models import Template
from waves.template_edits import TemplateEdit, listed, losing_approval

FIELDS = ("campaign", "market", "channel", "language", "audience", "subject", "body", "html")


class Confirmation(forms.CharField):
    """What a reader agrees to: no part of what is edited."""

    def has_changed(self, initial: Any, data: Any) -> bool:
        return False


class TemplateForm(VersionedForm):
    """`confirmed` names the waves that the reader was told of; it shows as a box to tick once there
    are any.
    """

    confirmed = Confirmation(
        required=False, label="Save, and void these approvals", widget=forms.HiddenInput
    )

    class Meta:
        model = Template
        fields = FIELDS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        named = " ".join(f"{{{name}}}" for name in PLACEHOLDERS)
        if "body" in self.fields:  # who may only look has no fields
            self.fields["body"].help_text = f"Placeholders: {named}. To write a brace, double it."

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        for campaign in (cleaned.get("campaign"), self.instance.campaign):
            require_not_closed(campaign)
        for name in ("subject", "body", "html"):
            try:
                placeholders(cleaned.get(name) or "")
            except BadTemplate as refusal:
                self.add_error(name, str(refusal))
        campaign, market = cleaned.get("campaign"), cleaned.get("market")
        if market and market.campaign_id != getattr(campaign, "pk", None):
            raise ValidationError({"market": "This market belongs to another campaign."})
        if cleaned.get("channel") == Channel.SMS and (
            cleaned.get("subject") or cleaned.get("html")
        ):
            raise ValidationError({"subject": "An SMS cannot have a subject or HTML."})
        if not self.errors:
            self._require_confirmed(cleaned)
        return cleaned

    def _require_confirmed(self, cleaned: dict[str, Any]) -> None:
        after = Template(**{name: cleaned[name] for name in FIELDS})
        edit = TemplateEdit(self.instance if self.instance.pk else None, after)
        try:
            losing = losing_approval(edit)
        except BadTemplate as refusal:
            raise ValidationError(str(refusal)) from refusal
        named = ",".join(wave.name for wave in losing)
        if not losing or cleaned.get("confirmed") == named:
            return
        self.fields["confirmed"].widget = forms.CheckboxInput({"value": named})
        raise ValidationError(
            f"Not saved yet: {plural(len(losing), 'wave')} would lose"
            f" {'its' if len(losing) == 1 else 'their'} approval: {listed(losing)}. They would not"
            " be sent until they are approved and scheduled again. To save anyway, tick the box"
            " below and save again."
        )
