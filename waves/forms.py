"""The form of message templates: an unknown placeholder is refused when it is saved. [N-1]"""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError

from campaigns.forms import require_not_closed
from operations.adminkit.editing import VersionedForm
from waves.choices import Channel
from waves.errors import BadTemplate
from waves.messages.content import PLACEHOLDERS, placeholders
from waves.models import Template


class TemplateForm(VersionedForm):
    class Meta:
        model = Template
        fields = ("campaign", "market", "channel", "language", "subject", "body", "html")

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
        return cleaned
