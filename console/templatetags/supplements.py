"""What a score file's page shows of its supplements, and of the file that it supplements. [S-14]"""

from __future__ import annotations

from typing import Any

from django import template
from django.template.context import Context

from campaigns import late_changes
from campaigns.choices import CampaignStatus, LateKind
from campaigns.models import ScoreFile
from campaigns.supplements import supplements
from console.access import StaffRequest
from console.pages.jobs import may_steer, progress_of
from operations.models import Job

register = template.Library()


@register.simple_tag(takes_context=True)
def supplements_of(context: Context, file: ScoreFile) -> dict[str, Any]:
    """`parent` and `outcome` if the file is a supplement; `made`, its own supplements with their
    outcomes; `work`, the newest job that makes one of it, while it is not done; `may_come`, whether
    corrected rows can come back now; `late`, what they need then.
    """
    request: StaffRequest = context["request"]
    made = list(file.supplements.select_related("supplement_of").defer("rules").order_by("attempt"))
    is_open = file.campaign.status == CampaignStatus.OPEN
    return {
        "parent": file.supplement_of,
        "outcome": supplements.outcome_of(file),
        "made": [(supplement, supplements.outcome_of(supplement)) for supplement in made],
        "work": _work(request, file),
        "may": late_changes.may(request.user, file.campaign),
        "late": late_changes.notice(file.campaign, LateKind.SCORE_FILE, "A supplement"),
        "may_come": bool(file.roster_digest and file.rejected and is_open),
    }


def _work(request: StaffRequest, file: ScoreFile) -> dict[str, Any]:
    newest = (
        Job.objects.about(supplements.subject_of(file))
        .filter(kind=supplements.JOB_KIND)
        .order_by("-id")
        .first()
    )
    if newest is None or not request.user.has_perm("operations.view_job"):
        return {}
    return progress_of(newest) | {"may_steer": may_steer(request.user, newest)}
