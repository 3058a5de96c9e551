"""What is known of the rows of a list. [W-3, K-6]"""

from __future__ import annotations

import polars as pl
import pytest

from campaigns.models import Registrant
from tests.support.waves import campaign_with
from tests.waves.uploads.lists import row, uploaded
from waves.actions import cancel
from waves.choices import Channel, SuppressedBy
from waves.models import Code
from waves.suppression.contacts import Contact
from waves.suppression.suppressed import Ground, lift_own, suppress
from waves.uploads.facts import facts_of

pytestmark = pytest.mark.django_db


def known(wave, fan, code="", email="", phone=""):
    rows = pl.DataFrame(
        {
            "line": [2],
            "global_user_id": [fan],
            "market_id": ["west"],
            "code": [code],
            "email": [email],
            "phone": [phone],
        }
    )
    (found,) = facts_of(wave, rows).to_dicts()
    return found


def test_w3_facts_are_those_of_the_campaign_and_of_other_waves(ann, root):
    campaign, elsewhere = campaign_with(6), campaign_with(6)
    wave = uploaded(campaign, [row(0, code="MINE")], by=ann)
    other = uploaded(campaign, [row(1, code="OTHERS")], by=ann, key="20260122")
    Code.objects.create(campaign=elsewhere, code="THEIRS")
    Registrant.objects.filter(campaign=campaign, global_user_id="fan-000002").update(
        phone="+12065550123", phone_confirmed=True
    )
    assert known(wave, "fan-000000", "mine") | {"line": 2} == {
        "line": 2,
        "erased": False,
        "registered": True,
        "known_phone": "+12065550000",
        "confirmed": False,
        "in_wave": False,
        "holds_code": False,
        "standing": "free",
        "email_suppressed": False,
        "phone_suppressed": False,
    }
    assert known(wave, "fan-000001")["in_wave"]
    assert known(wave, "fan-000002")["confirmed"]
    assert not known(wave, "nobody")["registered"]
    assert known(wave, "fan-000002", "others")["standing"] == "taken"
    assert known(wave, "fan-000002", "theirs")["standing"] == "other_campaign"
    assert known(wave, "fan-000002", "new")["standing"] == ""
    cancel(other, by=root, reason="not needed")
    assert not known(wave, "fan-000001")["in_wave"]
    assert known(wave, "fan-000002", "others")["standing"] == "free"


def test_w3_n8_a_contact_is_suppressed_however_the_list_writes_it(ann):
    """For this campaign or for all, and until that is lifted."""
    campaign, elsewhere = campaign_with(2), campaign_with(2)
    wave = uploaded(campaign, [row(0)], by=ann)
    mail, number = Contact(Channel.EMAIL, "fan1@example.com"), Contact(Channel.SMS, "+12065550001")
    suppress([mail, number], Ground(SuppressedBy.STOP, elsewhere))
    told = {"email": "Fan1@Example.com", "phone": "(206) 555-0001"}

    def flags():
        found = known(wave, "fan-000001", **told)
        return found["email_suppressed"], found["phone_suppressed"]

    assert flags() == (False, False)
    suppress([mail], Ground(SuppressedBy.UNSUBSCRIBED))
    suppress([number], Ground(SuppressedBy.STOP, campaign))
    assert flags() == (True, True)
    lift_own([mail], [SuppressedBy.UNSUBSCRIBED], "asked for messages again")
    assert flags() == (False, True)
