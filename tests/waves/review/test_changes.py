"""What changed between two contents of a wave, in words. [X-5]"""

from __future__ import annotations

from copy import deepcopy

import pytest

from waves.review.changes import Change, changes

SEEN = {
    "digest": "a",
    "content": {
        "notify_date": "2026-01-21T18:00:00+00:00",
        "notify_channels": "both",
        "campaign": {"name": "Spring Tour"},
        "providers": {"sms": "http"},
        "templates": [
            {
                "market_id": "west",
                "channel": "sms",
                "language": "en",
                "languages": ["", "de"],
                "with_code": False,
                "subject": "",
                "body": "Hi",
                "html": "",
            }
        ],
    },
    "members": 1000,
    "members_digest": "m",
    "markets": {
        "west": {
            "name": "West",
            "capacity": 1000,
            "given": 0,
            "room": 1000,
            "code_source": "own",
            "selected": 1000,
        }
    },
}


def changed(**parts):
    now = deepcopy(SEEN) | {"digest": "b"}
    for path, value in parts.items():
        held, *keys = now, *path.split("__")
        for key in keys[:-1]:
            held = held[int(key) if key.isdigit() else key]
        held[keys[-1]] = value
    return changes(SEEN, now)


def test_x5_the_same_content_has_no_changes():
    assert changes(SEEN, deepcopy(SEEN)) == []


@pytest.mark.parametrize(
    ("part", "value", "what", "before", "after"),
    [
        ("content__notify_channels", "sms_first", "Notify channels", "both", "sms_first"),
        ("content__campaign__name", "Tour", "Campaign name", "Spring Tour", "Tour"),
        ("content__providers__email", "django", "Providers email", "none", "django"),
        ("members", 12, "Members", "1,000", "12"),
        ("members_digest", "n", "Members", "1,000", "as many, but not the same fans"),
        ("markets__west__name", "Far West", "Market Far West, name", "West", "Far West"),
        ("markets__west__room", 1, "Market West, room", "1,000", "1"),
        ("markets__west__code_source", "tm", "Market West, code source", "own", "tm"),
        ("markets", {}, "Market West", "in the wave", "not in the wave"),
    ],
    ids=str,
)
def test_x5_each_part_of_the_content_is_named_with_before_and_after(
    part, value, what, before, after
):
    assert Change(what, before, after) in changed(**{part: value})


def test_x5_a_text_is_shown_whole_before_and_now():
    name = "SMS for West (en, fans' languages: de, without a code), text"
    assert changed(content__templates__0__body="Hello") == [Change(name, "Hi", "Hello", True)]
    assert changed(content__templates=[]) == [Change(name, "Hi", "none", True)]


def test_x5_a_text_that_changed_alike_in_several_markets_is_named_once_with_their_names():
    text, market = SEEN["content"]["templates"][0], SEEN["markets"]["west"]
    names = {"west": "West", "east": "East", "mid": "Midtown"}
    seen = deepcopy(SEEN) | {"markets": {each: market | {"name": n} for each, n in names.items()}}
    seen["content"]["templates"] = [text | {"market_id": each} for each in names]

    def renamed(*market_ids: str) -> list[str]:
        now = deepcopy(seen) | {"digest": "b"}
        for each in now["content"]["templates"]:
            if each["market_id"] in market_ids:
                each["body"] = "Hello"
        return [change.what for change in changes(seen, now)]

    about = "(en, fans' languages: de, without a code), text"
    assert renamed("west", "east") == [f"SMS for East, West {about}"]
    assert renamed(*names) == [f"SMS for all markets {about}"]
    seen["content"]["templates"] = [text | {"market_id": None}]
    assert renamed(None) == [f"SMS for every fan {about}"]


def test_x5_contacts_and_codes_that_changed_are_said_though_nothing_else_did():
    assert changed() == [Change("Members", "their contacts or codes", "others")]
