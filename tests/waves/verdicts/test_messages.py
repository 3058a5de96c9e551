"""What the verdict queue is told. [T-4]"""

from __future__ import annotations

from waves.verdicts.messages import verdict_message


def message(**changes):
    values = {"campaign_id": "1", "fan": "a", "code": "C1", "event_ids": ["E2", "E1"]}
    return verdict_message(**values | {"version": 1, "correlation_id": "x"} | changes)


def test_t4_a_message_says_who_was_selected_with_which_code_for_which_events():
    assert message().body == {
        "campaignId": "1",
        "globalUserId": "a",
        "verdict": True,
        "code": "C1",
        "eventIds": ["E1", "E2"],
        "correlationId": "x",
    }


def test_t4_the_same_news_has_the_same_id_and_all_of_a_fan_are_of_one_group():
    same = message(code="c1", correlation_id="y", event_ids=[])
    assert same.id == message().id
    assert len({message(**{name: "z"}).id for name in ("campaign_id", "fan", "code")}) == 3
    assert message(version=2).id != message().id
    assert message(version=2, code="C9").group == message().group != message(fan="b").group
