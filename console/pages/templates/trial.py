"""A draft is sent to a colleague from the editor. [N-1]"""

from __future__ import annotations

import uuid

from django.http import HttpResponse
from django.template.response import TemplateResponse

from console.access import StaffRequest, action
from console.pages.templates.preview import DraftForm, campaign_of, market_of
from operations.errors import Refusal
from waves.errors import TrialRefused
from waves.forms import draft_of
from waves.messages.drafts import problems_of
from waves.models import TrialMessage
from waves.providers.reasons import reason_in_words
from waves.rehearsal.trial_messages import Trial, send_trial

LONGEST = 254


@action("waves.change_template")
def send_test(request: StaffRequest) -> HttpResponse:
    """Answers what became of it, in place, and with the key of the next one."""
    try:
        row = send_trial(_trial(request), by=request.user)
    except Refusal as refusal:
        return _answer(request, refused=str(refusal))
    return _answer(request, sent=row, why=reason_in_words(row.reason) if row.reason else "")


def _trial(request: StaffRequest) -> Trial:
    """Raises TrialRefused for a draft that could not be saved."""
    form = DraftForm(request.POST)
    form.is_valid()
    given = form.cleaned_data
    if not {"channel", "audience"} <= given.keys():
        raise TrialRefused("Choose a channel and an audience.")
    campaign, draft = campaign_of(given), draft_of(given)
    if campaign is None:
        raise TrialRefused("Add a campaign first.")
    if problems := problems_of(draft):
        raise TrialRefused(" ".join(problems.values()))
    if not draft.language:
        raise TrialRefused("Enter the language as a tag, such as en or pt-BR.")
    to = request.POST.get("test_to", "")[:LONGEST]
    return Trial(draft, campaign, market_of(given, campaign), to, _key(request))


def _key(request: StaffRequest) -> uuid.UUID:
    try:
        return uuid.UUID(request.POST.get("test_key", ""))
    except ValueError as error:
        raise TrialRefused("This page is incomplete. Open it again.") from error


def _answer(request: StaffRequest, **context: object) -> HttpResponse:
    last = TrialMessage.objects.filter(by=request.user).order_by("-at")[:5]
    context |= {"key": uuid.uuid4(), "last": last}
    return TemplateResponse(request, "console/waves/template_test.html", context)
