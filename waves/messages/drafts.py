"""What is wrong with a text that somebody is writing, by field, in sentences. Pure. [N-1, K-3,
X-8]
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from waves.choices import Audience, Channel
from waves.errors import BadTemplate
from waves.messages.content import MessageTemplate, check_template, placeholders

PARTS = {"subject": "subject", "body": "text", "html": "HTML"}


def problems_of(draft: MessageTemplate) -> dict[str, str]:
    """By the field to change, why the draft cannot be saved; empty where it can."""
    found = {
        name: sentence
        for name in PARTS
        if (sentence := _refusal(placeholders, getattr(draft, name)))
    }
    if draft.channel == Channel.EMAIL and not draft.subject.strip():
        found.setdefault("subject", "An e-mail needs a subject.")
    if draft.channel == Channel.SMS and (draft.subject or draft.html):
        found["subject"] = "An SMS cannot have a subject or HTML."
    if not draft.body.strip():
        found.setdefault("body", "Write a text.")
    if draft.audience == Audience.NOT_SELECTED and draft.market_id:
        found["market"] = "Fans who were not selected have no market. Choose every market."
    if not found and (refusal := _refusal(check_template, draft)):
        found["body"] = refusal
    return found


def parts_without_code(draft: MessageTemplate) -> list[str]:
    """The parts of a text for fans with a code in which they would not find it, in words."""
    if draft.audience != Audience.SELECTED:
        return []
    named = [("body", draft.body), *([("html", draft.html)] if draft.html else [])]
    return [PARTS[name] for name, text in named if "code" not in placeholders(text)]


def _refusal(check: Callable[[Any], object], given: Any) -> str:
    try:
        check(given)
    except BadTemplate as refusal:
        return str(refusal)
    return ""
