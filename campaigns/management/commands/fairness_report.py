"""`fairness_report SCORE_FILE`: judge the draw of a score file, and find its suspicious groups, in
the foreground. [X-3, X-13]
"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from campaigns import rights
from campaigns.fairness import reports
from campaigns.fairness.suspicious import reports as suspicious
from campaigns.fairness.wording import sentence
from campaigns.models import ScoreFile
from campaigns.scoring.score_files import score_file_of
from operations.commands import JsonCommand


class Command(JsonCommand):
    help = "Create the fairness report of a streamed score file and find its suspicious groups."
    permissions = rights.MAKE_FAIRNESS_REPORT
    needs_person = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "score_file", type=int, help="number of the score file, as printed by process_scores"
        )

    def run(self, **options: Any) -> dict[str, Any]:
        score_file, by = score_file_of(options["score_file"]), options["by"]
        report = reports.run(reports.open_job(score_file, by=by).pk)
        summary = suspicious.run(suspicious.open_job(score_file, by=by).pk)
        shown = ("band", "fans", "chi_square_p", "distance_p", "verdict")
        found = ("by", "name", "fans", "selected", "expected", "least", "most", "corrected_p")
        return {
            "says": sentence(report),
            "verdict": report["verdict"],
            "score_file": options["score_file"],
            "places": report["places"],
            "places_by": report["places_by"],
            "tests": report["tests"],
            "found": report["found"],
            "luck": [{key: test[key] for key in shown} for test in report["luck"]],  # type: ignore[literal-required]
            "groups": len(report["groups"]),
            "look_at": [
                {key: test[key] for key in found}  # type: ignore[literal-required]
                for test in report["groups"]
                if test["verdict"] == "look"
            ],
            "suspicious": {"says": suspicious.sentence(summary), "groups": _groups(score_file)},
        }


def _groups(score_file: ScoreFile) -> list[dict[str, Any]]:
    """What is known of each group without a contact."""
    named = ("number", "kind", "fans", "expected", "corrected_p", "about")
    return list(score_file.suspicious_groups.values(*named))
