"""The fairness report of a score file, as pictures. [X-3]"""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse

from campaigns import rights, tasks
from campaigns.fairness import reports
from campaigns.fairness.reports import Report
from campaigns.fairness.verdict import FEWEST_EXPECTED, LEVEL, LuckTest
from campaigns.fairness.wording import NEVER_AGAIN, sentence
from campaigns.models import ScoreFile
from console.access import StaffRequest, action, attempt, page, render
from console.charts import fairness as fairness_charts
from console.pages.jobs import work_on

KINDS = {
    "domain": (
        "E-mail domains",
        "Domain",
        (
            "Domains with fewer than 20 fans are grouped as “others”, because they could"
            " identify a person."
        ),
    ),
    "country": ("Countries", "Country", "As given in the file."),
    "position": (
        "Position in the file",
        "Lines",
        "The file in twenty parts, from the first line to the last.",
    ),
    "time": (
        "Time of registration",
        "Registered, UTC",
        "All fans in twenty parts, from the earliest registration to the latest.",
    ),
}


@page("campaigns.view_scorefile")
def fairness(request: StaffRequest, pk: int) -> HttpResponse:
    shown = get_object_or_404(ScoreFile.objects.select_related("campaign").defer("rules"), pk=pk)
    return render(
        request,
        "console/score_files/fairness.html",
        f"Fairness report of {shown.name}",
        file=shown,
        campaign=shown.campaign,
        report=shown.fairness and _pictures(shown.fairness),
        **work_on(request, reports.subject_of(shown)),
    )


@action(*rights.MAKE_FAIRNESS_REPORT)
def make_report(request: StaffRequest, pk: int) -> HttpResponse:
    """Make the report, or make it again: the markets' seats may have changed."""
    judged = get_object_or_404(ScoreFile, pk=pk)
    back = reverse("fairness", args=[pk])
    return attempt(
        request,
        lambda: tasks.start_fairness(judged, by=request.user),
        "The fairness report is being created.",
        back=back,
    )


def _pictures(report: Report) -> dict[str, Any]:
    tallest = max(*report["raw_scores"], *report["band_scores"])
    return {
        "verdict": report["verdict"],
        "sentence": sentence(report),
        "never_again": NEVER_AGAIN,
        "tests": report["tests"],
        "places": report["places"],
        "by_capacity": report["places_by"] == "capacity",
        "false_alarms": round(100 * LEVEL),
        "fewest": round(FEWEST_EXPECTED),
        "raw_scores": fairness_charts.histogram(
            report["raw_scores"],
            tallest=tallest,
            ident="raw",
            title="Raw scores",
            meaning="How many fans have each raw score.",
        ),
        "band_scores": fairness_charts.histogram(
            report["band_scores"],
            tallest=tallest,
            ident="drawn",
            title="Band scores",
            meaning=(
                "How many fans drew each band score. In a fair draw, the bars within a band"
                " are level."
            ),
        ),
        "lucks": [_luck(test) for test in report["luck"]],
        "luck_figures": fairness_charts.luck_figures(report["luck"]),
        "kinds": [_kind(report, by) for by in KINDS],
    }


def _luck(test: LuckTest) -> dict[str, Any]:
    return {
        "band": fairness_charts.band_name(test),
        "verdict": test["verdict"],
        "fans": test["fans"],
        "picture": fairness_charts.luck(test, ident=f"luck-{test['band']}"),
    }


def _kind(report: Report, by: str) -> dict[str, Any]:
    title, naming, note = KINDS[by]
    tests = [test for test in report["groups"] if test["by"] == by]
    found = [test["name"] for test in tests if test["verdict"] == "look"]
    return {
        "title": title,
        "note": note,
        "found": found,
        "judged": sum(test["verdict"] != "none" for test in tests),
        "picture": fairness_charts.groups(tests, title=f"Selected fans: {title}", naming=naming),
        "figures": fairness_charts.figures(tests, title=f"Tests: {title}", naming=naming),
    }
