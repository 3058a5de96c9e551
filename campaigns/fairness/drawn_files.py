"""The score files that a report can be made of: those that are drawn. [X-3, X-13]"""

from __future__ import annotations

from campaigns.choices import ScoreFileState
from campaigns.errors import NotDrawn
from campaigns.models import ScoreFile
from operations.models import Job


def without(report: str, *, job_kind: str, subject_kind: str) -> list[ScoreFile]:
    """Drawn files that have no such report (a column of theirs) and were never asked for one, such
    as those that a command processed.
    """
    drawn = ScoreFile.objects.filter(
        state__in=[ScoreFileState.STREAMED, ScoreFileState.SAVED],
        rows_deleted_at=None,
        **{f"{report}__isnull": True},
    )
    waiting = {str(score_file.pk): score_file for score_file in drawn.defer("rules").order_by("pk")}
    asked = set(
        Job.objects.filter(
            kind=job_kind, subject_kind=subject_kind, subject_id__in=waiting
        ).values_list("subject_id", flat=True)
    )
    return [score_file for number, score_file in waiting.items() if number not in asked]


def require_drawn(score_file: ScoreFile, possible: str) -> None:
    """`possible`: what can be done with a drawn file, in words. Raises NotDrawn."""
    if not score_file.is_drawn:
        raise NotDrawn(
            f"Score file {score_file.pk} is {score_file.state}. {possible} once it is streamed."
        )
    if score_file.rows_deleted_at:
        raise NotDrawn(
            f"The rows of score file {score_file.pk} were deleted when its campaign was archived,"
            " so nothing more can be found in it."
        )
