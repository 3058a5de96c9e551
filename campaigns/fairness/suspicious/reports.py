"""The suspicious groups of a score file: read, found, kept with the file. A job of its own. [X-13]

PostgreSQL sends each fan's contact once; what stays in memory are at most 80 bytes of each, and
for a while what two kinds of groups sort.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TypedDict

import polars as pl
from django.contrib.auth.models import User
from django.db import transaction

from campaigns.choices import SuspiciousKind
from campaigns.fairness import drawn_files
from campaigns.fairness.suspicious.detection import suspicious_groups
from campaigns.fairness.suspicious.groups import Group
from campaigns.fairness.suspicious.traits import CONTACTS, Traits, joined, traits_of
from campaigns.models import ScoreFile, SuspiciousGroup
from campaigns.scoring.score_files import score_file_of
from operations import jobs, leases
from operations.database.copying import nullable_frames_of
from operations.database.statements import run as execute
from operations.models import Job
from operations.plurals import plural
from operations.subjects import Subject
from operations.threads import helper_thread, in_order

logger = logging.getLogger(__name__)

JOB_KIND = "suspicious_groups"
SUBJECT_KIND = "suspicious_groups"
ROWS_AT_ONCE = 65_536  # the columns of one slice stay in the processor's cache
MOST_OF_KIND = 50  # groups that are kept, the largest

FANS = """
SELECT s.line, s.email, s.phone, (date_part('epoch', r.registered_at) * 1000000)::bigint
FROM campaigns_fanscore s
LEFT JOIN campaigns_registrant r ON r.campaign_id = %(campaign)s
    AND r.global_user_id = s.global_user_id
WHERE s.score_file_id = %(file)s
"""
# The lines of a group → its fans.
KEEP = """
INSERT INTO campaigns_suspiciousfan (group_id, place, global_user_id)
SELECT m.group_id, m.place, s.global_user_id
FROM unnest(%(groups)s::bigint[], %(places)s::integer[], %(lines)s::bigint[])
    AS m(group_id, place, line)
JOIN campaigns_fanscore s ON s.score_file_id = %(file)s AND s.line = m.line
"""


class Summary(TypedDict):
    """What ScoreFile.suspicious holds: fans looked at, how many of them registered, how many groups
    were found, and of each kind.
    """

    fans: int
    registered: int
    found: int
    groups: dict[str, int]


def subject_of(score_file: ScoreFile) -> Subject:
    return Subject(SUBJECT_KIND, str(score_file.pk))


def open_job(score_file: ScoreFile, *, by: User | None) -> Job:
    """The job that looks for groups, anew if there is one already. Raises NotDrawn."""
    _require_drawn(score_file)
    return jobs.open_or_requeue(JOB_KIND, subject_of(score_file), by=by)


def without_groups() -> list[ScoreFile]:
    """Drawn files that were never searched, nor asked to be."""
    return drawn_files.without("suspicious", job_kind=JOB_KIND, subject_kind=SUBJECT_KIND)


def run(job_id: int) -> Summary:
    """Find the groups of the job's file and keep them in place of those found before. Raises
    NotDrawn, LeaseLost.
    """
    number = int(Job.objects.get(pk=job_id).subject_id)
    with leases.working(job_id) as lease:
        score_file = score_file_of(number)
        _require_drawn(score_file)
        traits = _traits_of(score_file)
        groups = suspicious_groups(traits)
        kept = [
            group
            for kind in SuspiciousKind
            for group in [one for one in groups if one.kind == kind][:MOST_OF_KIND]
        ]
        named = [group.kind for group in groups]
        summary: Summary = {
            "fans": score_file.accepted,
            "registered": traits.times.height,
            "found": len(groups),
            "groups": {kind.value: named.count(kind) for kind in SuspiciousKind},
        }
        with transaction.atomic():
            lease.hold()
            _keep(score_file, kept)
            ScoreFile.objects.filter(pk=number).update(suspicious=summary)
    logger.info("suspicious groups found", extra={"score_file": number, "groups": len(groups)})
    return summary


def sentence(summary: Summary) -> str:
    """What was found, for a person. It accuses nobody."""
    found = summary["found"]
    if not found:
        return "No group of fans looks made by a machine."
    looks = "looks" if found == 1 else "look"
    return f"{plural(found, 'group')} of fans {looks} made by a machine. Look before you act."


def _require_drawn(score_file: ScoreFile) -> None:
    drawn_files.require_drawn(score_file, "Suspicious groups can be found")


def _traits_of(score_file: ScoreFile) -> Traits:
    values = {"file": score_file.pk, "campaign": score_file.campaign_id}
    # PostgreSQL and the reading keep one core busy, the rest the other
    with helper_thread("suspicious groups") as helper:
        slices = (
            fans
            for frame in nullable_frames_of(FANS, CONTACTS, **values)
            for fans in frame.iter_slices(ROWS_AT_ONCE)
        )
        return joined(in_order(helper, traits_of, slices, at_once=2))


def _keep(score_file: ScoreFile, groups: Sequence[Group]) -> None:
    score_file.suspicious_groups.all().delete()
    if not groups:
        return
    rows = SuspiciousGroup.objects.bulk_create(
        SuspiciousGroup(
            score_file=score_file,
            number=number,
            kind=group.kind,
            fans=group.size,
            expected=group.expected,
            corrected_p=group.corrected_p,
            about=dict(group.about),
        )
        for number, group in enumerate(groups, start=1)
    )
    members = (
        pl.DataFrame(
            {"group": [row.pk for row in rows], "line": [group.lines for group in groups]},
            schema={"group": pl.Int64, "line": pl.List(pl.Int64)},
        )
        .explode("line")
        .with_columns(pl.int_range(1, pl.len() + 1).over("group").alias("place"))
    )
    execute(
        KEEP,
        file=score_file.pk,
        groups=members["group"].to_list(),
        places=members["place"].to_list(),
        lines=members["line"].to_list(),
    )
