"""One error is one item's: what a typo, or a record that nobody could have meant, ends. [T-1]"""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from campaigns.models import Registrant
from datalake import streams
from datalake.errors import ConsumerFailed
from datalake.models import DeadLetter, LakeFile
from datalake.storage import buckets
from datalake.streams import consumers
from operations.models import Alert
from tests.support.campaigns import make_campaign
from tests.support.lake import publish_registrations, publish_scores

pytestmark = pytest.mark.django_db(transaction=True)

BLACKLIST = "blacklist/emails.txt"
STRANGE: list[dict[str, Any]] = [
    {"date": {"created": "0001-01-01T00:00:00.000Z"}},
    {"date": {"created": "9999-12-31T23:59:59.999-14:00"}},
    {"date": {"created": "0001-01-01T00:00:00+14:00"}},
    {"date": {"created": "2026-W01-1T10:00:00Z"}},
    {"date": {"created": "2026-01-05T24:00:00Z"}},
    {"globalUserId": "x" * 600},
    {"globalUserId": "\0"},
    {"globalUserId": "\ud800"},
    {"globalUserId": "a\x1fb"},
    {"globalUserId": "İ" * 250},
    {"memberId": "y" * 30_000},
    {"marketId": 'west"}{|east\\'},
    {"email": "\0@x"},
    {"email": ["x"]},
    {"email": "a" * 64 + "@" + "b." * 90 + "example"},
    {"phone": "+1" + "2" * 5_000},
    {"phone": "\u2028"},
    {"tags": ["a"] * 5_000},
    {"tags": ["\0"]},
    {"tags": ["x" * 300]},
    {"tags": "x"},
    {"campaignId": "nope"},
    {"extra": {"a": {"b": [1] * 100}}},
]


def test_t1_a_typo_in_the_shared_blacklist_holds_up_the_registrations_that_need_it_and_nothing_else():
    campaign = make_campaign()
    publish_registrations(1, key="a", campaignId=campaign.campaign_id, marketId=None)
    publish_scores(3)
    buckets.scoring().put(BLACKLIST, b"good@mail.example\nnot an entry\n")
    for _ in range(2):
        with pytest.raises(ConsumerFailed, match=r"emails\.txt in the scoring bucket, line 2"):
            consumers.consume(once=True)
    assert sorted(LakeFile.objects.values_list("record_type", flat=True)) == [
        "registration",
        "scoring",
    ]
    assert (Registrant.objects.count(), DeadLetter.objects.count()) == (0, 0)
    assert Alert.objects.get().text.startswith(":red_circle: Consumer registrations failed for")
    buckets.scoring().put(BLACKLIST, b"good@mail.example\n")
    assert consumers.consume(once=True)["registrations"]["out"] == 1
    assert Registrant.objects.count() == 1


def test_t1_whatever_a_record_holds_the_next_one_takes_effect():
    campaign = make_campaign()
    for number, changes in enumerate(STRANGE):
        identity = hashlib.sha256(str(number).encode()).hexdigest()
        publish_registrations(
            1_000 + number,
            key=f"strange {number}",
            **{"campaignId": campaign.campaign_id, "marketId": None, "dedupeHash": identity}
            | changes,
        )
        publish_registrations(
            number, key=f"good {number}", campaignId=campaign.campaign_id, marketId=None
        )
    ledgers = consumers.consume(once=True)
    good = {f"fan-{number}" for number in range(len(STRANGE))}
    assert good <= set(Registrant.objects.values_list("global_user_id", flat=True))
    assert {each["lag"] for each in ledgers.values()} == {0}
    assert streams.records_after("input", 0) == 2 * len(STRANGE)
