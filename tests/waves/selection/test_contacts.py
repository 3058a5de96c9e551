"""Where a fan is reached: the registrant's contact before the score row's. [W-5]"""

from __future__ import annotations

import polars as pl
import pytest

from campaigns.models import Campaign, Registrant
from campaigns.scoring import rules
from operations.database.statements import rows, run
from tests.support.waves import campaign_with
from waves.choices import Channel, SuppressedBy
from waves.selection import contacts
from waves.suppression.contacts import Contact
from waves.suppression.suppressed import Ground, suppress

pytestmark = pytest.mark.django_db
NAMES = ("member_id", "email", "phone")


def found(campaign: Campaign) -> dict[str, tuple[str, ...]]:
    assert campaign.active_score_file is not None
    in_force, fans = rules.gather(campaign), pl.Series(ids(campaign))
    rows = contacts.contacts_of(campaign.active_score_file, in_force, fans)
    assert len(rows) == len(fans)
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


def test_n8_a_suppressed_contact_is_left_out_and_a_list_of_another_campaign_is_not_asked():
    campaign, other = campaign_with(3), campaign_with(1)
    whole = found(campaign)
    (_, email, _), (_, _, phone), _ = (whole[fan] for fan in ids(campaign))
    here, elsewhere = (Ground(SuppressedBy.STOP, each) for each in (campaign, other))
    suppress([Contact(Channel.EMAIL, email), Contact(Channel.SMS, phone)], here)
    suppress([Contact(Channel.EMAIL, email)], Ground(SuppressedBy.COMPLAINT))
    suppress([Contact(Channel.SMS, whole[ids(campaign)[2]][2])], elsewhere)
    first, second, third = ids(campaign)
    assert found(campaign) == {
        first: (whole[first][0], "", whole[first][2]),
        second: (*whole[second][:2], ""),
        third: whole[third],
    }


def test_n8_with_a_long_list_the_contacts_of_the_selected_are_looked_up_one_by_one():
    """They are read in parts: no part reads the whole list."""
    campaign = campaign_with(3)
    run(
        "INSERT INTO waves_suppression (channel, contact, cause, reason, lift_reason)"
        " SELECT 'sms', gen_random_uuid(), 'stop', '', '' FROM generate_series(1, 2000)"
    )
    run("ANALYZE waves_suppression")
    score_file = campaign.active_score_file
    values = {"campaign": campaign.pk, "score_file": score_file.pk, "fans": ids(campaign)}
    plan = rows("EXPLAIN (FORMAT text) " + contacts.CONTACTS, **values)
    text = "\n".join(line for (line,) in plan)
    assert text.count("using suppression_") == 2
    assert "Seq Scan on waves_suppression listed" not in text
