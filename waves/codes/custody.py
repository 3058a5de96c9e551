"""A code's life so far, step by step: made or imported by whom, reserved, assigned, published,
archived, and each message that named it. [X-10]
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from datalake import records, whereabouts
from datalake.choices import RecordType, StreamName
from operations.models import StatusChange
from waves.choices import CodeState, WaveState
from waves.errors import UnknownCode
from waves.lifecycle import subject_of
from waves.models import Assignment, Code, Member, Send, Wave


@dataclass(frozen=True)
class Step:
    """One step. `by` is empty where no person did it; `facts` are what else is known of it."""

    name: str
    at: datetime | None
    by: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


def find(code: str) -> Code:
    """The code whatever its case, with what belongs to it. Raises UnknownCode. [K-1]"""
    related = (
        *("campaign", "wave__prepared_by", "market", "only_market", "made_for__prepared_by"),
        *("code_import__created_by", "assignment__wave"),
    )
    found = Code.objects.select_related(*related).filter(code__iexact=code.strip()).first()
    if found is None:
        raise UnknownCode("No such code in any campaign. TM is a placeholder and not a code.")
    return found


def custody(code: Code) -> dict[str, Any]:
    """What is known of the code; `custody` has its steps: `step`, `at`, `by` and facts."""
    return {
        "code": code.code,
        "campaign_id": code.campaign.campaign_id,
        "source": code.source,
        "origin": code.origin or None,
        "state": code.state,
        "wave": code.wave.name if code.wave else None,
        "market_id": code.market.market_id if code.market else None,
        "only_market": code.only_market.market_id if code.only_market else None,
        "global_user_id": code.global_user_id or None,
        "begins_at": code.begins_at,
        "ends_at": code.ends_at,
        "custody": [
            {"step": step.name, "at": step.at, "by": step.by or None} | step.facts
            for step in steps(code)
        ],
    }


def steps(code: Code) -> list[Step]:
    """In their order. What has not happened yet is left out."""
    found = [_origin(code)]
    if code.wave is not None and code.reserved_at is not None:
        found.append(
            Step(
                CodeState.RESERVED.value,
                code.reserved_at,
                _who(code.wave, WaveState.PREPARED, code.reserved_at),
                {"wave": code.wave.name, "global_user_id": code.global_user_id},
            )
        )
    assignment: Assignment | None = getattr(code, "assignment", None)
    if assignment is not None:
        facts = {"wave": assignment.wave.name, "global_user_id": assignment.global_user_id}
        by = _who(assignment.wave, WaveState.TRIGGERED, None)
        found.append(Step(CodeState.ASSIGNED.value, assignment.assigned_at, by, facts))
        found += _published(code, assignment)
    if code.global_user_id:
        found += _sent(code)
    return found


def _origin(code: Code) -> Step:
    if code.code_import is not None:
        file = code.code_import
        by = file.created_by.get_username() if file.created_by else ""
        facts = {
            "source": code.origin,
            "file": file.name,
            "code_file": file.pk,
            "line": code.line,
        }
        return Step("imported", code.created_at, by, facts)
    if code.origin:
        return Step("received", code.created_at, facts={"source": code.origin})
    if code.made_for is None:
        return Step("made", code.created_at)
    by = _who(code.made_for, WaveState.PREPARED, code.created_at)
    return Step("made", code.created_at, by, {"wave": code.made_for.name})


def _who(wave: Wave, state: WaveState, since: datetime | None) -> str:
    """Who brought the wave to this state, first since then; empty for the system."""
    moves = StatusChange.objects.about(subject_of(wave)).filter(to_state=state)
    if since is not None:
        moves = moves.filter(at__gte=since)
    move = moves.select_related("by").order_by("id").first()
    if move is not None:
        return move.by.get_username() if move.by else ""
    prepared_by = wave.prepared_by if state == WaveState.PREPARED else None
    return prepared_by.get_username() if prepared_by else ""


def _sent(code: Code) -> Iterator[Step]:
    """Each message that named it: one per channel and wave."""
    waves = Wave.objects.filter(campaign=code.campaign_id).values_list("pk", flat=True)
    members = Member.objects.filter(
        wave__in=list(waves), global_user_id=code.global_user_id, code=code.code
    )
    sends = Send.objects.filter(member__in=list(members.values_list("pk", flat=True)))
    for send in sends.select_related("wave").order_by("id"):
        facts = {"wave": send.wave.name, "channel": send.channel, "state": send.state}
        yield Step("sent", send.sent_at, facts=facts | {"attempts": send.attempts})
    if code.sent_at is not None:  # in which wave went with the messages
        yield Step("sent", code.sent_at, facts={"messages": "deleted"})


def _published(code: Code, assignment: Assignment) -> Iterator[Step]:
    """The record on the stream, and in the lake once it is there. [T-2, L-4]"""
    if assignment.published_at is None:
        return
    record = records.dedupe_hash(
        {
            "type": RecordType.CODE_ASSIGNMENT.value,
            "date": {"created": ""},  # no part of its identity
            "campaignId": code.campaign.campaign_id,
            "globalUserId": assignment.global_user_id,
            "code": code.code,
        }
    )
    facts = {
        "stream": StreamName.INPUT.value,
        "position": assignment.stream_position,
        "record": record,
    }
    yield Step(CodeState.PUBLISHED.value, assignment.published_at, facts=facts)
    saved = whereabouts.saved(RecordType.CODE_ASSIGNMENT, record, assignment.published_at)
    if saved is not None:
        yield Step("archived", saved.at, facts={"lake_file": saved.key})
