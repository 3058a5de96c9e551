"""The built-in texts. [N-1, K-3, X-8]"""

from __future__ import annotations

import pytest

from waves.choices import Audience, Channel
from waves.messages.built_in import built_in
from waves.messages.content import (
    PLACEHOLDERS,
    check_template,
    placeholders,
    placeholders_of,
    render,
)
from waves.messages.sms_segments import segments

CHANNELS = pytest.mark.parametrize("channel", Channel.values)
VALUES = {name: f"<{name}>" for name in PLACEHOLDERS}


@CHANNELS
def test_n1_the_built_in_texts_name_campaign_wave_date_and_code(channel):
    text = built_in(channel)
    for part in (text.body, text.html) if channel == Channel.EMAIL else (text.body,):
        assert {"campaign", "wave_date", "code"} <= placeholders(part)


@CHANNELS
def test_k3_for_members_without_a_code_they_name_none(channel):
    text = built_in(channel, has_code=False)
    check_template(text, has_code=False)
    assert {"campaign", "wave_date"} <= placeholders_of(text)


@CHANNELS
def test_x8_for_fans_who_were_not_selected_they_name_nothing_that_these_do_not_have(channel):
    text = built_in(channel, has_code=False, audience=Audience.NOT_SELECTED)
    check_template(text, has_code=False)
    assert "campaign" in placeholders_of(text)


def test_n1_the_built_in_sms_fits_one_segment_with_usual_names():
    values = VALUES | {
        "campaign": "Luna World Tour",
        "market": "New York",
        "wave_date": "January 20, 2026",
        "code": "AB3DE5FG7H",
        "valid_until": "January 20, 2027",
    }
    assert segments(render(built_in(Channel.SMS), values).body).count == 1
