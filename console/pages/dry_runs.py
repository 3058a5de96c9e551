"""A dry run of a received score file: asked for, and shown with its outcomes. [S-3]"""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse

from campaigns import tasks
from campaigns.models import ScoreFile
from campaigns.scoring import dry_run
from console.access import StaffRequest, action, attempt
from operations.adminkit import unmasking
from operations.errors import Refusal

CHECKED = "The first rows were checked. Nothing was saved."


@action("campaigns.process_scores")
def start(request: StaffRequest, pk: int) -> HttpResponse:
    """Check the first rows at once, or have a worker check all."""
    score_file = get_object_or_404(ScoreFile, pk=pk)
    back = f"{reverse('score-file', args=[pk])}#dry-run"
    if request.POST.get("rows") == "all":
        return attempt(
            request,
            lambda: tasks.start_dry_run(score_file, by=request.user),
            "All rows are being checked.",
            back=back,
        )
    return attempt(request, lambda: dry_run.check_first_rows(pk), CHECKED, back=back)


def shown(request: StaffRequest, file: ScoreFile, *, busy: bool) -> dict[str, Any]:
    """What a score file's page shows of its dry run; nothing once its rows are judged. `busy`: it
    cannot be score_file now, for a job works on it or its campaign is not open.

    The rejected rows themselves are personal data: their line numbers are shown until somebody
    asks to see them.
    """
    if not dry_run.can_be_checked(file):
        return {}
    kept, personal = file.dry_run or {}, unmasking.shown(request)
    return {
        "dry_run": kept,
        "dry_run_lines": _lines(file, kept.get("lines", {}), personal=personal),
        "first_rows": dry_run.FIRST_ROWS,
        "may_try": not busy and request.user.has_perm("campaigns.process_scores"),
        "may_show_personal_data": unmasking.may_show(request),
        "personal_data_shown": personal,
    }


def _lines(
    file: ScoreFile, lines: dict[str, list[int]], *, personal: bool
) -> list[tuple[str, int, list[tuple[int, str]]]]:
    """(reason, rows, [(line, the row as written in the file, or nothing)]), the most frequent
    reason first.
    """
    texts: dict[int, str] = {}
    if personal and lines:
        try:
            texts = dry_run.rows_as_written(
                file, {line for numbers in lines.values() for line in numbers}
            )
        except Refusal:  # the file is not in its place any more: what was found is still true
            texts = {}
    rejected: dict[str, int] = (file.dry_run or {}).get("rejected", {})
    ordered = sorted(lines, key=lambda reason: -rejected[reason])
    return [
        (reason, rejected[reason], [(line, texts.get(line, "")) for line in lines[reason]])
        for reason in ordered
    ]
