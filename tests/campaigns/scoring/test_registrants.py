"""What registrants said, fetched for some fans at a time. [C-4]"""

from __future__ import annotations

import polars as pl
import pytest
from psycopg import sql

from campaigns.models import Registrant
from campaigns.scoring import registrants
from tests.support.campaigns import (
    SELECTION_TIME,
    import_registrations,
    make_campaign,
    registration_row,
)

pytestmark = pytest.mark.django_db(transaction=True)


def test_registrants_are_asked_for_in_parts_and_any_text_comes_back_as_it_is(monkeypatch):
    campaign = make_campaign()
    odd = ['quote"d', "com,ma", "back\\slash", "O’Hara", "\\N", "plain"]
    import_registrations(
        campaign, [registration_row(n).copy() | {"member_id": "-"} for n in range(1, 3)]
    )
    Registrant.objects.create(
        campaign=campaign,
        global_user_id=odd[0],
        member_id=odd[1],
        registered_at=SELECTION_TIME,
        changed_at=SELECTION_TIME,
    )
    for text in odd[2:]:
        Registrant.objects.create(
            campaign=campaign,
            global_user_id=text,
            member_id=text,
            registered_at=SELECTION_TIME,
            changed_at=SELECTION_TIME,
        )
    monkeypatch.setattr(registrants, "ASKED_AT_ONCE", 2)
    asked = pl.Series("global_user_id", [*odd, "nobody", "fan-1", "fan-1"])
    answer = registrants.registrants_of(
        campaign, asked, {"sms": sql.SQL("phone"), "member_id": sql.SQL("member_id")}
    )
    found = {row["global_user_id"]: row for row in answer.to_dicts()}
    assert {fan: row["member_id"] for fan, row in found.items()} == {
        'quote"d': "com,ma",
        **{text: text for text in odd[2:]},
        "fan-1": "-",
    }
    assert (found["fan-1"]["sms"], found["plain"]["sms"]) == ("+12065550001", "")
