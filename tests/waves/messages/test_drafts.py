"""What is wrong with a text that somebody is writing. [N-1]"""

from __future__ import annotations

from dataclasses import replace

import pytest

from waves.choices import Audience, Channel
from waves.messages.content import MessageTemplate
from waves.messages.drafts import parts_without_code, problems_of

SMS = MessageTemplate(Channel.SMS, "Your code: {code}")
EMAIL = MessageTemplate(Channel.EMAIL, "{code}", subject="Hello", html="<b>{code}</b>")


@pytest.mark.parametrize(
    ("draft", "fields"),
    [
        (SMS, []),
        (EMAIL, []),
        (replace(SMS, body=" "), ["body"]),
        (replace(SMS, body="{cod}"), ["body"]),
        (replace(EMAIL, html="{cod}", subject="{"), ["subject", "html"]),
        (replace(EMAIL, subject=""), ["subject"]),
        (replace(SMS, subject="x"), ["subject"]),
        (replace(SMS, audience=Audience.WITHOUT_CODE), ["body"]),
        (replace(SMS, body="x", audience=Audience.NOT_SELECTED, market_id="west"), ["market"]),
    ],
)
def test_n1_each_problem_is_said_of_the_field_to_change(draft, fields):
    assert list(problems_of(draft)) == fields


def test_n1_each_part_that_fans_read_needs_the_code():
    assert parts_without_code(EMAIL) == []
    assert parts_without_code(replace(EMAIL, html="")) == []
    assert parts_without_code(replace(EMAIL, body="x", html="y")) == ["text", "HTML"]
    assert parts_without_code(replace(EMAIL, body="x", audience=Audience.WITHOUT_CODE)) == []
