"""What people do with the suppression list once luck could be known is public, with its reason and
the fans it moved. [S-8, N-8]
"""

from __future__ import annotations

import pytest

from campaigns.late_changes import public_lateness
from campaigns.models import Campaign, Registrant
from tests.support.waves import campaign_with, person, phone
from waves.choices import Channel, SuppressedBy
from waves.suppression.contacts import Contact
from waves.suppression.suppressed import Ground, entries_of, ground_of, lift, lift_own, suppress

pytestmark = pytest.mark.django_db

WHY = "asked for it by phone"
MAIL, SMS = Contact(Channel.EMAIL, "fan1@example.com"), Contact(Channel.SMS, phone(1))


def drawn() -> Campaign:
    return campaign_with(3)


def late(campaign: Campaign) -> list[tuple[str, str, str, int]]:
    """Kind, subject, reason and moved fans of what is public."""
    found = public_lateness(campaign)["late"]
    return [(each["kind"], each["subject"], each["reason"], each["moved"]) for each in found]


def by_hand(*contacts: Contact, campaign: Campaign | None = None) -> None:
    suppress(contacts, ground_of(SuppressedBy.HAND, campaign, by=person("ann"), reason=WHY))


def entry(what: str, moved: int) -> tuple[str, str, str, int]:
    return ("lists", f"Suppressed contacts: {what}", WHY, moved)


def test_s8_a_late_suppression_and_its_lifting_are_public_with_the_fans_they_moved():
    """A fan with another contact is not moved, and an entry for a contact that another one
    suppresses moves nobody.
    """
    campaign = drawn()
    by_hand(MAIL, campaign=campaign)
    by_hand(SMS, Contact(Channel.SMS, phone(2)), campaign=campaign)
    by_hand(SMS, campaign=campaign)  # is there already: nothing changed
    suppress([SMS], Ground(SuppressedBy.STOP))
    for listed in entries_of(SMS).filter(lifted_at=None).order_by("id"):
        lift(listed.pk, by=person("bob"), reason=WHY)
    assert late(campaign) == [
        entry("1 entry added", 0),
        entry("2 entries added", 1),
        entry("1 entry lifted", 0),
        entry("1 entry lifted", 1),
    ]


def test_s8_who_was_no_candidate_anyway_is_not_moved():
    campaign = drawn()
    Registrant.objects.filter(campaign=campaign).update(phone="+12125550100")
    campaign.home_countries = ["CA"]
    campaign.save(update_fields=["home_countries"])
    by_hand(MAIL, Contact(Channel.SMS, "+12125550100"))
    assert [moved for *_, moved in late(campaign)] == [0]


def test_s8_an_entry_for_all_campaigns_is_listed_in_each_open_one_whose_luck_could_be_known():
    first, second, in_time, over = drawn(), drawn(), campaign_with(3), drawn()
    Campaign.objects.filter(pk=over.pk).update(status="closed")
    Campaign.objects.filter(pk=in_time.pk).update(first_drawn_at=None)
    by_hand(MAIL, SMS)
    by_hand(MAIL, campaign=second)
    everywhere = entry("2 entries added", 1)
    assert late(first) == [everywhere]
    assert late(second) == [everywhere, entry("1 entry added", 0)]
    assert (late(in_time), late(over)) == ([], [])


def test_s8_what_fans_and_providers_do_is_no_late_change():
    campaign = drawn()
    suppress([MAIL, SMS], Ground(SuppressedBy.STOP, campaign))
    lift_own([MAIL, SMS], [SuppressedBy.STOP], "Replied START")
    assert late(campaign) == []
