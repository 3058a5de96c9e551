"""Records of erased fans. [X-11]"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from datalake.erased.erasing import Sought
from datalake.erased.fans import mark
from datalake.erased.names import name_of
from datalake.erased.records import forget, forget_any, without_erased
from datalake.models import ErasedFan
from tests.support.lake import registration, scoring_frame

pytestmark = pytest.mark.django_db


def test_x11_records_from_before_an_erasure_lose_id_and_contacts_and_nothing_else():
    frame = scoring_frame(4)
    mark("fan-2")
    changed = without_erased("scoring", frame)
    name = name_of("12345", "fan-2", 0)
    others = [0, 1, 3]
    assert changed[others].equals(frame[others])
    kept = ["type", "date", "campaignId", "marketId", "tags", "score", "band_score"]
    assert changed[2].select(kept).equals(frame[2].select(kept))
    assert changed[2].select("globalUserId", "memberId", "email", "phone").row(0) == (
        *(name, None, None),
        None,
    )
    assert changed["dedupeHash"][2] != frame["dedupeHash"][2]
    assert without_erased("scoring", frame).equals(changed)


def test_x11_later_records_and_erasures_that_were_not_known_yet_change_nothing():
    mark("fan-2")
    later = scoring_frame(4, created=datetime.now(UTC) + timedelta(days=1))
    assert without_erased("scoring", later) is later
    frame, before = scoring_frame(4), ErasedFan.objects.get().erased_at - timedelta(seconds=1)
    assert without_erased("scoring", frame, as_of=before) is frame


def test_x11_anything_that_json_can_say_is_searched():
    mark("fan-1")
    sought = Sought("fan-1", 1, frozenset({"fan1@example.com"}))
    mine, other = registration(1), registration(2)
    value = {"rows": [mine, other, "fan1@example.com", 7, None], "fan-1": True}
    name = name_of("12345", "fan-1", 1)
    assert forget_any(value, sought) == {
        "rows": [forget(mine, name), other, "[erased]", 7, None],
        "fan-1": True,
    }


def test_x11_records_of_other_fans_stay_whole_though_they_share_a_contact():
    mark("fan-1")
    sought = Sought("fan-1", 1, frozenset({"shared@example.com", "fan-2"}))
    other = registration(2) | {"email": "shared@example.com", "tags": ["of fan-1"]}
    assert forget_any([other], sought) == [other]
    mine = registration(1) | {"globalUserId": " fan-1 "}
    nameless = {"globalUserId": "", "email": "shared@example.com"}
    assert forget_any([mine, nameless], sought) == [
        forget(mine, name_of("12345", "fan-1", 1)),
        {"globalUserId": "", "email": "[erased]"},
    ]


def test_x11_a_record_that_is_sent_again_has_the_identity_that_the_erasure_gave_it():
    mark("fan-2")
    frame = scoring_frame(4)
    in_the_lake = forget(frame.to_dicts()[2], name_of("12345", "fan-2", 1))
    assert without_erased("scoring", frame)["dedupeHash"][2] == in_the_lake["dedupeHash"]
