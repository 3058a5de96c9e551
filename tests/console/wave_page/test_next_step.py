"""One sentence says what comes next, or what stands in its way. [W-2, W-9, W-10]"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from console.wave_page.next_step import Facts, next_step
from tests.support.waves import NOTIFY, NOW
from waves.choices import WaveState

FACTS = Facts(
    state="prepared",
    kind="drawn",
    attempts=1,
    notify_date=NOTIFY,
    now=NOW,
    grace=timedelta(hours=2),
    job_state="done",
    retry_at=None,
    failing="",
    second_count="agrees",
    author=False,
    four_eyes=True,
    may_approve=True,
)
LATE = NOTIFY + timedelta(hours=2, seconds=1)


@pytest.mark.parametrize(
    ("facts", "text", "tone", "offer"),
    [
        ({"state": "configured"}, "is not prepared yet", "", "prepare"),
        ({"state": "configured", "kind": "uploaded"}, "upload it again", "", "prepare"),
        ({"state": "failed", "job_state": "running"}, "is being prepared", "", ""),
        ({"state": "failed", "job_state": "failed", "retry_at": NOW}, "automatically", "warn", ""),
        ({"state": "failed", "job_state": "failed"}, "what the error names", "bad", "prepare"),
        ({"state": "failed", "attempts": 2}, "failed twice. An administrator", "bad", ""),
        ({}, "then approve this wave", "", "approve"),
        ({"failing": "{code}"}, "cannot be approved. {code}", "bad", "messages"),
        ({"second_count": "not finished"}, "second count has finished", "", "count"),
        ({"second_count": "differs"}, "must reset the wave", "bad", "count"),
        ({"author": True}, "another person must approve it", "warn", ""),
        ({"author": True, "four_eyes": False}, "then approve this wave", "", "approve"),
        ({"may_approve": False}, "Waiting for a user with permission", "", ""),
        ({"has_preflight": False}, "when its pre-flight has run", "", ""),
        ({"red_lines": 2}, "The pre-flight has red lines", "warn", "approve"),
        ({"now": LATE}, "The notify date has passed", "bad", "date"),
        ({"now": LATE, "state": "approved"}, "The notify date has passed", "bad", "date"),
        ({"state": "approved"}, "not sent until it is scheduled", "warn", "schedule"),
        ({"state": "held", "now": LATE}, "Send it now, give it a new", "bad", ""),
        ({"state": "paused"}, "until it is resumed", "warn", ""),
        ({"state": "paused", "soft_start": "first"}, "until it is resumed", "warn", ""),
        ({"state": "paused", "soft_start": "waiting"}, "It continues automatically", "warn", ""),
    ],
    ids=str,
)
def test_w2_the_next_step_is_one_sentence_with_what_it_needs(facts, text, tone, offer):
    found = next_step(replace(FACTS, **facts))
    assert text in found.text
    assert (found.tone, found.offer) == (tone, offer)


def test_w2_where_nothing_is_to_be_done_nothing_is_said():
    silent = ("scheduled", "triggered", "completed", "cancelled")
    assert [state for state in WaveState if next_step(replace(FACTS, state=state)) is None] == [
        *silent
    ]
