"""What comes after luck could be known needs a right and a reason, and is public. [S-8]"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from campaigns.choices import LateKind
from campaigns.errors import LateRefused
from campaigns.late_changes import is_late, may, notice, permit, public_lateness, record
from campaigns.models import Campaign, LateChange
from campaigns.rights import IN_TIME, LATE
from operations.database.clock import database_time
from operations.entry.command_rights import service_account
from tests.support.campaigns import make_campaign, process_scores, score_file_bytes, score_row
from tests.support.people import keeper, staff

pytestmark = pytest.mark.django_db(transaction=True)

LISTS = LateKind.LISTS


def drawn() -> Campaign:
    """A campaign whose first file is drawn."""
    campaign = make_campaign()
    process_scores(campaign)
    return Campaign.objects.get(pk=campaign.pk)


def test_before_the_first_draw_nothing_needs_anybody():
    campaign = make_campaign()
    assert not is_late(campaign)
    assert permit(campaign, LISTS, "This entry", by=None, reason="") is None
    assert notice(campaign, LISTS, "An entry") == ""


def test_who_has_the_right_of_its_kind_and_a_reason_may():
    campaign, person = drawn(), staff("ann", LATE[LISTS])
    assert permit(campaign, LISTS, "This entry", by=person, reason="spam wave") == person


@pytest.mark.parametrize("kind", [kind for kind in LateKind if LATE[kind].startswith("campaigns")])
def test_who_may_do_it_only_late_may_not_do_it_in_time_and_the_other_way_round(kind):
    """[S-8]"""
    late, in_time = staff("ann", LATE[kind]), staff("bob", IN_TIME[kind])
    early, over = make_campaign("early"), drawn()
    with pytest.raises(LateRefused, match=r"is not late\. It needs the right"):
        permit(early, kind, "This", by=late, reason="why not")
    assert permit(early, kind, "This", by=in_time, reason="") is None
    assert permit(over, kind, "This", by=late, reason="spam wave") == late
    assert [may(each, early)[kind] for each in (late, in_time)] == [False, True]
    assert [may(each, over)[kind] for each in (late, in_time)] == [True, False]


@pytest.mark.parametrize("kind", [kind for kind in LateKind if LATE[kind].startswith("campaigns")])
def test_the_right_of_another_kind_is_none(kind):
    others = [right for of, right in LATE.items() if of != kind and right.startswith("campaigns")]
    with pytest.raises(LateRefused, match="ann does not have it"):
        permit(drawn(), kind, "This", by=staff("ann", *others), reason="spam wave")


def test_a_service_and_who_gives_no_reason_are_refused_in_plain_words():
    campaign, person = drawn(), staff("ann", LATE[LISTS])
    with pytest.raises(LateRefused, match=r"is late: the luck could be known since \d+ \w+ \d{4}"):
        permit(campaign, LISTS, "This entry", by=person, reason=" ")
    for nobody in (None, service_account()):
        with pytest.raises(LateRefused):
            permit(campaign, LISTS, "This entry", by=nobody, reason="spam wave")


def test_the_public_sees_the_reason_and_the_fans_moved_and_not_who_did_it():
    campaign = drawn()
    record(campaign, LISTS, "blacklist", by=keeper(), reason=" spam wave ", moved=3)
    record(campaign, LISTS, "whitelist", by=keeper(), reason="a mistake", moved=0)
    shown = public_lateness(campaign)
    assert shown["late_since"] == shown["first_drawn_at"] == campaign.first_drawn_at.isoformat()
    assert shown["named_attempt"] == 1
    assert [set(each) for each in shown["late"]] == [
        {"number", "at", "kind", "subject", "reason", "moved"}
    ] * 2
    assert [(each["number"], each["reason"], each["moved"]) for each in shown["late"]] == [
        (1, "spam wave", 3),
        (2, "a mistake", 0),
    ]


def test_the_time_of_a_late_change_is_the_databases(monkeypatch):
    """[S-8] The page orders switches and waves by it, whatever the clock of a machine says."""
    campaign, before = drawn(), database_time()
    monkeypatch.setattr(timezone, "now", lambda: before - timedelta(hours=1))
    change = record(campaign, LISTS, "blacklist", by=keeper(), reason="spam wave", moved=3)
    assert change.at >= before


def test_no_late_change_is_without_a_reason_and_no_number_comes_twice():
    campaign = drawn()
    values = {"campaign": campaign, "kind": LISTS, "subject": "x", "by": keeper(), "number": 1}
    with pytest.raises(IntegrityError, match="latechange_says_why"), transaction.atomic():
        LateChange.objects.create(reason="", **values)
    LateChange.objects.create(reason="why", **values)
    with pytest.raises(IntegrityError, match="latechange_number"), transaction.atomic():
        LateChange.objects.create(reason="why", **values)


def test_a_late_file_is_never_one_that_becomes_active_by_itself():
    """[S-13]"""
    late = process_scores(drawn(), score_file_bytes([score_row(7)]))
    late.activate_when_streamed = True
    with pytest.raises(IntegrityError, match="scorefile_late_is_active_by_hand"):
        late.save(update_fields=["activate_when_streamed"])
