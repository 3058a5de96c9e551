"""The fairness report of a score file: counted in the database, judged, kept with the file. A job
of its own. [X-3]

PostgreSQL counts and we get the counts, so memory does not grow with the file. A million rows take
about 2 s.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import polars as pl
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import Sum

from campaigns.fairness import drawn_files
from campaigns.fairness.groups import (
    MOMENT,
    OTHERS,
    SLICES,
    bin_of_place,
    groups_by_position,
    groups_by_time,
    groups_of,
    histogram,
    luck_cells,
    places,
)
from campaigns.fairness.verdict import CELLS, Findings, Group, judge
from campaigns.fairness.wording import NEVER_AGAIN, sentence
from campaigns.models import ScoreFile
from campaigns.scoring.score_files import score_file_of
from operations import alerts, jobs, leases
from operations.models import Job
from operations.subjects import Subject

logger = logging.getLogger(__name__)

JOB_KIND = "fairness"
SUBJECT_KIND = "fairness_report"
NAMED_GROUPS = 30
FEWEST_FANS = 20  # of a named group: what fewer have in common could be one person's
# the first bits of luck are the number of its cell, half of them below nought
LUCK_SHIFT = 64 - CELLS.bit_length() + 1

FROM = "FROM campaigns_fanscore s WHERE s.score_file_id = %(file)s"
SELECTED = "coalesce((s.band_score, s.luck) >= (%(score)s, %(luck)s), false)"
LUCK = f"SELECT band, (luck >> {LUCK_SHIFT}) + {CELLS // 2}, count(*) {FROM} GROUP BY 1, 2"
BIN = "floor({} * 100 + 1e-9)::int"  # 0.29 * 100 is a hair below 29
RAW_SCORES, BAND_SCORES = (
    f"SELECT {BIN.format(name)}, count(*) {FROM} GROUP BY 1" for name in ("raw_score", "band_score")
)
# Where the rows are fresh, going down the index of the order would fetch them one by one.
LAST_SELECTED = f"""
SELECT band_score, luck {FROM} AND {BIN.format("band_score")} = %(bin)s
ORDER BY band_score DESC, luck DESC, global_user_id OFFSET %(before)s LIMIT 1
"""
POSITION = f"""
SELECT greatest(0, least({SLICES - 1}, (line - 2) * {SLICES} / %(rows)s)), band, {SELECTED},
    count(*) {FROM} GROUP BY 1, 2, 3
"""
NAMED = f"""
WITH counted AS (SELECT {{}} AS name, band, {SELECTED} AS selected, count(*) AS fans {FROM}
    GROUP BY 1, 2, 3),
named AS (
    SELECT name FROM counted GROUP BY name HAVING sum(fans) >= {FEWEST_FANS}
        ORDER BY sum(fans) DESC, name LIMIT {NAMED_GROUPS}
)
SELECT coalesce(named.name, '{OTHERS}'), band, selected, sum(fans)::bigint
FROM counted LEFT JOIN named USING (name) GROUP BY 1, 2, 3
"""  # noqa: S608 the parts are constants
DOMAIN = "CASE s.email WHEN '' THEN 'no address' ELSE split_part(s.email, '@', 2) END"
COUNTRY = "CASE length(s.country) WHEN 2 THEN s.country ELSE 'no country' END"
TIME = f"""
SELECT date_bin('{MOMENT.total_seconds():.0f} seconds', r.registered_at, '2000-01-01Z'), band,
    {SELECTED}, count(*)
FROM campaigns_fanscore s
LEFT JOIN campaigns_registrant r ON r.campaign_id = %(campaign)s
    AND r.global_user_id = s.global_user_id
WHERE s.score_file_id = %(file)s GROUP BY 1, 2, 3
"""  # noqa: S608 the parts are constants


class Report(Findings):
    """What ScoreFile.fairness holds: the findings, how many places of the order counted as selected
    and why, and histograms.
    """

    places: int
    places_by: str
    raw_scores: list[int]
    band_scores: list[int]


def subject_of(score_file: ScoreFile) -> Subject:
    return Subject(SUBJECT_KIND, str(score_file.pk))


def open_job(score_file: ScoreFile, *, by: User | None) -> Job:
    """The job that makes the report, anew if there is one already. Raises NotDrawn."""
    _require_drawn(score_file)
    return jobs.open_or_requeue(JOB_KIND, subject_of(score_file), by=by)


def without_report() -> list[ScoreFile]:
    """Drawn files that have no fairness report and were never asked for one."""
    return drawn_files.without("fairness", job_kind=JOB_KIND, subject_kind=SUBJECT_KIND)


def run(job_id: int) -> Report:
    """Make the job's report and keep it with its score file; a red one also goes to Slack. Raises
    NotDrawn, LeaseLost.
    """
    number = int(Job.objects.get(pk=job_id).subject_id)
    with leases.working(job_id) as lease:
        score_file = score_file_of(number)
        report = make(score_file)
        with transaction.atomic():
            lease.hold()
            ScoreFile.objects.filter(pk=number).update(fairness=report)
            if report["verdict"] == "look":
                alerts.alert(
                    f":warning: Fairness report of score file {score_file.name}:"
                    f" {sentence(report)} {NEVER_AGAIN}"
                )
    logger.info(
        "fairness report made",
        extra={"score_file": number, "tests": report["tests"], "found": report["found"]},
    )
    return report


def make(score_file: ScoreFile) -> Report:
    """Count and judge; writes nothing. Raises NotDrawn."""
    _require_drawn(score_file)
    capacity = score_file.campaign.markets.aggregate(seats=Sum("capacity"))["seats"] or 0
    values: dict[str, Any] = {
        "file": score_file.pk,
        "campaign": score_file.campaign_id,
        "rows": max(score_file.rows_in, 1),
    }
    band_scores = _rows(BAND_SCORES, values)
    selected, why = places(capacity, sum(fans for _, fans in band_scores))
    values |= (
        _last_selected(values, *bin_of_place(band_scores, selected))
        if selected
        else {"score": None, "luck": None}
    )
    findings = judge(luck_cells(_rows(LUCK, values)), _groups(score_file.rows_in, values))
    return {
        **findings,
        "places": selected,
        "places_by": why,
        "raw_scores": histogram(_rows(RAW_SCORES, values)),
        "band_scores": histogram(band_scores),
    }


def _require_drawn(score_file: ScoreFile) -> None:
    drawn_files.require_drawn(score_file, "The fairness report can be created")


def _last_selected(values: dict[str, Any], number: int, before: int) -> dict[str, Any]:
    """Score and luck of the last one who counts as selected: in this bin of band scores, with so
    many before. Two fans whose 64 bits of luck are the same would share a place: nobody will see it
    happen.
    """
    (last,) = _rows(LAST_SELECTED, values | {"bin": number, "before": before})
    return dict(zip(("score", "luck"), last, strict=True))


def _groups(rows: int, values: dict[str, Any]) -> list[Group]:
    return [
        *groups_of("domain", _counts(NAMED.format(DOMAIN), values)),
        *groups_of("country", _counts(NAMED.format(COUNTRY), values)),
        *groups_by_position(_counts(POSITION, values), rows),
        *groups_by_time(_counts(TIME, values, name=pl.Datetime(time_zone="UTC"))),
    ]


def _counts(
    query: str, values: dict[str, Any], name: pl.DataType | type[pl.DataType] = pl.String
) -> pl.DataFrame:
    """A frame of counts, see `campaigns.fairness.groups`."""
    rows = _rows(query, values)
    names = [row[0] if name != pl.String else str(row[0]) for row in rows]
    rest = [row[1:] for row in rows]
    frame = pl.DataFrame(
        rest, schema={"band": pl.String, "selected": pl.Boolean, "fans": pl.Int64}, orient="row"
    )
    return frame.with_columns(pl.Series("name", names, dtype=name))


def _rows(query: str, values: dict[str, Any]) -> Sequence[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return list(cursor.fetchall())
