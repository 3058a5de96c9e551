"""Where a fan is reached: the registrant's contact before the score row's. [W-5]"""

from __future__ import annotations

import polars as pl
import pytest

from campaigns.models import Campaign, Registrant
from campaigns.scoring import rules
from tests.support.waves import campaign_with
from waves.selection import contacts

pytestmark = pytest.mark.django_db
NAMES = ("member_id", "email", "phone")


def found(campaign: Campaign) -> dict[str, tuple[str, ...]]:
    assert campaign.active_score_file is not None
    in_force, fans = rules.gather(campaign), pl.Series(ids(campaign))
    rows = contacts.contacts_of(campaign.active_score_file, in_force, fans)
    return {row["global_user_id"]: tuple(row[name] for name in NAMES) for row in rows.to_dicts()}


def ids(campaign: Campaign) -> list[str]:
    registrants = Registrant.objects.filter(campaign=campaign).order_by("global_user_id")
    return list(registrants.values_list("global_user_id", flat=True))


def test_w5_the_registrants_contact_counts_and_the_score_rows_where_there_is_none(monkeypatch):
    monkeypatch.setattr(contacts, "AT_ONCE", 2)
    campaign = campaign_with(5)
    first, second, *others = ids(campaign)
    one = Registrant.objects.filter(campaign=campaign, global_user_id=first)
    one.update(email="", phone="", member_id="")
    seen, its = found(campaign), Registrant.objects.get(campaign=campaign, global_user_id=second)
    assert seen[first] == ("", "old2@example.com", "")
    assert seen[second] == ("m-1", "fan1@example.com", its.phone)
    assert len(seen) == len(others) + 2


def test_s5_a_phone_that_takes_no_sms_or_is_not_confirmed_where_it_must_be_is_left_out():
    campaign = campaign_with(3, require_confirmed_phone=True)
    premium, confirmed, _ = ids(campaign)
    of_campaign = Registrant.objects.filter(campaign=campaign)
    of_campaign.filter(global_user_id=premium).update(phone="+19005550100", phone_confirmed=True)
    of_campaign.filter(global_user_id=confirmed).update(phone_confirmed=True)
    phones = [phone for _, (_, _, phone) in sorted(found(campaign).items())]
    assert phones == ["", of_campaign.get(global_user_id=confirmed).phone, ""]
