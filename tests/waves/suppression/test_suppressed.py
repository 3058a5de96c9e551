"""Contacts come onto the suppression list once for each cause, and leave it with a reason. [N-8]"""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from campaigns.models import Campaign
from campaigns.opening import close_campaign
from operations.errors import BadValue
from tests.support.waves import campaign_with, person
from waves.choices import Channel, SuppressedBy
from waves.errors import SuppressionRefused
from waves.models import Suppression
from waves.suppression.contacts import Contact
from waves.suppression.suppressed import (
    Ground,
    entries_of,
    ground_of,
    lift,
    lift_own,
    suppress,
)

pytestmark = pytest.mark.django_db

ANN, BOB = Contact(Channel.EMAIL, "ann@example.com"), Contact(Channel.SMS, "+12065550101")
STOP, HAND = Ground(SuppressedBy.STOP), SuppressedBy.HAND


def live(contact: Contact) -> list[str]:
    return sorted(entries_of(contact).filter(lifted_at=None).values_list("cause", flat=True))


def test_n8_a_contact_is_listed_once_for_each_cause_and_campaign():
    campaign = Campaign.objects.create(campaign_id="tour", name="Tour")
    assert suppress([ANN, BOB], STOP) == 2
    assert suppress([ANN, BOB], STOP) == 0
    assert suppress([ANN], Ground(SuppressedBy.STOP, campaign)) == 1
    assert suppress([ANN], Ground(SuppressedBy.COMPLAINT)) == 1
    assert suppress([], STOP) == 0
    assert live(ANN) == ["complaint", "stop", "stop"]
    assert live(BOB) == ["stop"]


def test_n8_many_are_listed_in_the_order_of_the_index_so_that_nobody_waits_in_a_circle():
    suppress([Contact(Channel.EMAIL, f"fan{n}@example.com") for n in range(30)], STOP)
    listed = list(Suppression.objects.order_by("id").values_list("contact", flat=True))
    assert listed == sorted(listed)


def test_c2_n8_a_closed_campaign_takes_suppression():
    campaign = close_campaign(campaign_with(1).pk, by=None)
    assert suppress([ANN], ground_of(HAND, campaign, by=person("ann"), reason="by phone")) == 1
    lift(entries_of(ANN).get().pk, by=person("ann"), reason="asked again")
    assert live(ANN) == []


def test_n8_the_list_holds_no_contact_in_clear():
    suppress([ANN, BOB], STOP)
    stored = str([list(vars(row).values()) for row in Suppression.objects.all()])
    assert "ann@" not in stored
    assert "2065550101" not in stored


def test_n8_a_person_lifts_one_entry_once_and_it_stays_as_history():
    suppress([ANN], STOP)
    suppress([ANN], ground_of(HAND, None, by=person("ann"), reason="asked by phone"))
    entry = entries_of(ANN).get(cause=HAND)
    lift(entry.pk, by=person("bob"), reason=" asked again ")
    with pytest.raises(SuppressionRefused, match="already"):
        lift(entry.pk, by=person("ann"), reason="asked again")
    entry.refresh_from_db()
    assert (entry.by, entry.reason) == (person("ann"), "asked by phone")
    assert (entry.lifted_by, entry.lift_reason) == (person("bob"), "asked again")
    assert live(ANN) == ["stop"]
    assert suppress([ANN], ground_of(HAND, None, by=person("ann"), reason="once more")) == 1
    assert entries_of(ANN).filter(cause=HAND).count() == 2


def test_n8_a_person_gives_a_reason():
    suppress([ANN], STOP)
    for reason, refusal in ((" ", SuppressionRefused), ("x" * 301, BadValue)):
        with pytest.raises(refusal):
            ground_of(HAND, None, by=person("ann"), reason=reason)
        with pytest.raises(refusal):
            lift(entries_of(ANN).get().pk, by=person("ann"), reason=reason)
    assert live(ANN) == ["stop"]


def test_n8_a_fan_takes_back_what_the_fan_asked_for_and_nothing_else():
    suppress([ANN, BOB], STOP)
    suppress([BOB], Ground(SuppressedBy.COMPLAINT))
    assert lift_own([BOB], [SuppressedBy.STOP], "Replied START") == 1
    assert (live(ANN), live(BOB)) == (["stop"], ["complaint"])


def test_n8_nobody_is_found_before_anybody_was_listed():
    assert not entries_of(ANN).exists()
    assert lift_own([ANN], [SuppressedBy.STOP], "Replied START") == 0


@pytest.mark.parametrize(
    "values",
    [
        {"cause": "hand", "reason": "asked"},  # by nobody
        {"cause": "file", "by": True},  # for no reason
        {"cause": "stop", "lift_reason": "asked"},  # not lifted
        {"cause": "stop", "lifted_at": Now()},  # lifted for no reason
    ],
)
def test_n8_the_database_refuses_an_entry_that_does_not_say_who_or_why(values):
    if "by" in values:
        values |= {"by": person("ann")}
    with pytest.raises(IntegrityError), transaction.atomic():
        Suppression.objects.create(channel="sms", contact="0" * 32, **values)
