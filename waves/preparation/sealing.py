"""The members of a wave are selected and the facts for its second count sealed, both of one moment:
fans, lists and other waves change meanwhile. [W-5, X-14]

What lies in the bucket (the shared lists, the wave's markets file) is read before, once for both:
the snapshot of the database waits for no network.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import polars as pl

from campaigns.scoring import rules
from operations.database.snapshots import one_snapshot
from waves.models import Wave
from waves.preparation.judgement import require_previewed, require_selection
from waves.preparation.members import selected_members
from waves.second_count.sealed_record import markets_file_of, write_facts
from waves.selection.own_rules import moved_by_own_rules, own_rules
from waves.selection.plan import Plan
from waves.selection.planned_selection import PlannedSelection, select_members


@dataclass(frozen=True)
class Sealed:
    """A selection, its members with their contacts, and the facts of it in a file here with their
    SHA-256 in hex.
    """

    planned: PlannedSelection
    members: pl.DataFrame
    facts: Path
    digest: str


def select_and_seal(
    wave: Wave, plan: Plan, facts: Path, *, now: datetime, selected: Callable[[], None]
) -> Sealed:
    """Select the members and write the facts; `selected` is called between. Raises MembersDiffer,
    and what `require_selection` and `rules.gather` raise.
    """
    lists, markets_file = rules.files_for(plan.campaign), markets_file_of(wave)
    with one_snapshot():
        planned = select_members(plan, lists)
        selected()
        require_previewed(planned, wave.previewed_digest)
        require_selection(planned, wave.name)
        if own_rules(plan):
            moved = moved_by_own_rules(plan, planned.selection, lists)
            planned = replace(planned, moved=moved)
        members = selected_members(planned)
        digest = write_facts(wave.pk, facts, now=now, lists=lists, markets_file=markets_file)
    return Sealed(planned, members, facts, digest)
