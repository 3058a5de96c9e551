"""Sentences about a fan: true, whatever else is known. [X-1]"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from console.fans import answers
from console.fans.facts import CampaignFacts, FanFacts
from console.fans.waiting import KeptList, OnList

CAMPAIGN: Any = SimpleNamespace(active_score_file_id=1)
FACTS = CampaignFacts(CAMPAIGN, "one.txt", (), (), (), (), ())
FAN = FanFacts(FACTS, "fan-1", None, [], [], [], [], [], False, [], [], None)  # nothing is known


def row(**values: Any) -> Any:
    return SimpleNamespace(**values)


def file(pk: int, name: str) -> Any:
    return row(score_file_id=pk, score_file=row(pk=pk, name=name))


def in_wave(name: str, state: str, kind: str = "drawn") -> Any:
    return row(wave=row(name=name, state=state, kind=kind))


def on_list(name: str, place: int | None, outdated: str = "") -> Any:
    return OnList(KeptList(row(name=name, waitlist=1204), outdated), place)


def of(**facts: Any) -> CampaignFacts:
    return replace(FACTS, **facts)


REGISTRATION = {
    "nothing": ({}, ["No registration of the fan id fan-1"]),
    "registered": ({"registrant": row()}, ["Registered for this campaign."]),
    "rejected": ({"rejected_registrations": [row()]}, ["Not registered. Registrations that name"]),
    "both": (
        {"registrant": row(), "rejected_registrations": [row(), row()]},
        ["Registered for", "Rejected rows of registrations that name this fan: 2."],
    ),
    "still importing": (
        {"facts": of(unread_imports=("late.csv",))},
        ["No registration", "Registration file late.csv has not been imported completely"],
    ),
    "erased": (
        {"erased_at": datetime(2026, 1, 2, tzinfo=UTC)},
        ["This fan was erased on 2 Jan 2026", "No registration"],
    ),
}
SCORES = {
    "no active file": ({"facts": of(active="")}, ["This campaign has no active score file."]),
    "in none": ({}, ["Not in the active score file one.txt."]),
    "accepted": ({"scores": [file(1, "one.txt")]}, ["Accepted in the active score file one.txt."]),
    "older file": (
        {"scores": [file(2, "old.txt")]},
        ["Not in the active", "Accepted in other score files, which do not count now: old.txt."],
    ),
    "rejected": ({"rejected_rows": [file(1, "one.txt")]}, ["Rejected in the active score file"]),
    "accepted and a duplicate": (
        {"scores": [file(1, "one.txt")], "rejected_rows": [file(1, "one.txt")]},
        ["Accepted in the active score file one.txt."],
    ),
    "being read": (
        {"facts": of(unread_files=("new.txt",))},
        ["Not in the active", "Score file new.txt is not processed yet"],
    ),
    "deleted by age": (
        {"facts": of(scores_deleted_at=datetime(2026, 1, 2, tzinfo=UTC))},
        ["The rows of this campaign's score files were deleted on 2 Jan 2026"],
    ),
}
WAVES = {
    "none": ({}, ["No wave of this campaign is prepared."]),
    "deleted by age": (
        {"facts": of(deleted_waves=("w1", "w2")), "holds_code": True},
        ["The members and messages of 2 waves were deleted", "The fan has a code of this campaign"],
    ),
    "deleted by age, without a code": (
        {"facts": of(deleted_waves=("w1",))},
        ["The members and messages of 1 wave were deleted", "No code of this campaign was"],
    ),
    "not selected": (
        {"facts": of(prepared=("w1", "w2"))},
        ["Not selected in 2 waves that are prepared or sent."],
    ),
    "being prepared": (
        {"facts": of(to_be_prepared=("w1",))},
        ["No wave of", "Wave w1 is not prepared yet. Whether it selects this fan is not known."],
    ),
    "selected": (
        {"members": [in_wave("w1", "prepared")], "facts": of(prepared=("w1",))},
        ["Selected in wave w1, which is not sent yet."],
    ),
    "sent": (
        {"members": [in_wave("w1", "completed")], "facts": of(prepared=("w1",))},
        ["Selected in wave w1, whose sending has started."],
    ),
    "cancelled": (
        {"members": [in_wave("w1", "cancelled")], "holds_code": True},
        ["Was selected in wave w1, which was cancelled.", "The fan keeps the code", "No wave of"],
    ),
    "waiting": (
        {"on_lists": [on_list("w1", 3)], "facts": of(prepared=("w1",))},
        ["Not selected in 1 wave", "Place 3 of 1,204 on the waiting list of wave w1."],
    ),
    "waiting on an old list": (
        {"on_lists": [on_list("w1", 3, "the wave was cancelled")]},
        [
            "No wave of",
            "Place 3 of 1,204 on the waiting list of wave w1. This list is out of date: the wave",
        ],
    ),
    "selected by a top-up": (
        {
            "members": [in_wave("w2", "prepared")],
            "on_lists": [on_list("w1", 3, "wave w2 was selected later")],
            "facts": of(prepared=("w1", "w2")),
        },
        [
            "Selected in wave w2, which is not sent yet.",
            "Before that, the fan had place 3 of 1,204 on the waiting list of wave w1.",
        ],
    ),
    "a list that cannot be read": (
        {"on_lists": [on_list("w1", None)], "facts": of(prepared=("w1",))},
        ["Not selected in 1 wave", "The waiting list of wave w1 cannot be read now."],
    ),
    "told that they were not selected": (
        {
            "members": [in_wave("w2", "completed", "not_selected")],
            "on_lists": [on_list("w1", 3)],
            "facts": of(prepared=("w1",)),
        },
        [
            "Not selected in 1 wave",
            "Place 3 of 1,204",
            "In wave w2 for fans who were not selected, whose sending has started.",
        ],
    ),
    "was to be told": (
        {"members": [in_wave("w2", "cancelled", "not_selected")]},
        ["No wave of", "In wave w2 for fans who were not selected, which was cancelled."],
    ),
}


@pytest.mark.parametrize(
    ("answer", "known", "starts"),
    [
        pytest.param(answer, *case, id=f"{answer.__name__}: {name}")
        for answer, cases in (
            (answers.about_registration, REGISTRATION),
            (answers.about_scores, SCORES),
            (answers.about_waves, WAVES),
        )
        for name, case in cases.items()
    ],
)
def test_what_is_said_of_a_fan_is_true_and_says_what_is_not_known_yet(answer, known, starts):
    said = list(answer(replace(FAN, **known)))
    assert [text[: len(start)] for text, start in zip(said, starts, strict=True)] == starts
